"""Turn a stream of ship positions into geofence alerts, destination changes and live statistics."""

__version__ = "0.1.0"
