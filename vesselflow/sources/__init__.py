"""Sources: processes of their own that bring vessel states to ``vessel.state.changed``."""
