"""Turn a machine with Java, Postgres and Redis on it into Kafka, Postgres with PostGIS and Redis that belong to us alone."""

from vesselflow.stack.stack import ServiceStatus, Stack

__all__ = ["ServiceStatus", "Stack"]
