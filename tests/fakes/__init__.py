"""One working stand-in in memory for each port; it passes the contract suite of the real adapter."""
