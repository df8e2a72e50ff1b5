"""The agents: thin shells that read a topic, call the core and send what it answers."""

if __name__ != "vesselflow.agents":
    # A second copy under another name would register every agent twice.
    raise ImportError(
        "expected this package to be imported as vesselflow.agents, got "
        f"{__name__!r}: write `import vesselflow.agents`, never `import agents`"
    )

from vesselflow.agents import activity, changes, destination, gap, geofence, ingest, live, movement, sink, stats

__all__ = [
    "activity",
    "changes",
    "destination",
    "gap",
    "geofence",
    "ingest",
    "live",
    "movement",
    "sink",
    "stats",
]
