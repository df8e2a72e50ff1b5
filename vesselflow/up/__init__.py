"""Turn a machine with the services' programs on it into the whole system at work on real data, watched and counted."""
