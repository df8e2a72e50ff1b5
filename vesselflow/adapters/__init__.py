"""Fulfils the ports on real servers: Postgres, Redis, the wall clock."""
