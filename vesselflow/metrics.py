"""Every Prometheus metric: declared once, with a help sentence an operator can act on.

Labels are few and bounded; never a vessel, never a client. `docs/metrics.md` lists the same metrics.
"""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

# The pipeline.

POSITIONS: Final = Counter(
    "vesselflow_positions_total",
    "Positions an agent has worked off; a rate of 0 while sources send means the agent stands still.",
    ["agent"],
)
LEFT_OUT: Final = Counter(
    "vesselflow_fixes_left_out_total",
    "Positions that moved no state: late, repeated, or a jump; many jumps mean a jammed or shared receiver.",
    ["agent", "reason"],
)
RECORDS: Final = Counter(
    "vesselflow_records_total",
    "Kafka records an agent has worked off; compare with positions for the size of a micro-batch.",
    ["agent"],
)
EVENTS: Final = Counter(
    "vesselflow_events_total",
    "Events detected, by kind; a jump points at a changed fence or policy, or at bad positions.",
    ["kind"],
)
DEAD_LETTERS: Final = Counter(
    "vesselflow_dead_letters_total",
    "Records set aside in vesselflow.dead-letters, by reason; read them with `vesselflow topics cat`.",
    ["reason"],
)
NOT_AVAILABLE: Final = Counter(
    "vesselflow_not_available_total",
    "Values that a source sent as not available, by field; a high share points at a poor source.",
    ["field"],
)
GAPS: Final = Counter(
    "vesselflow_gaps_total",
    "Times a record arrived after a hole and was asked for again; many at a time point at the broker.",
    ["agent"],
)
HOLES: Final = Counter(
    "vesselflow_holes_total",
    "Records that do not exist any more though an agent still had to read them: retention was shorter than the outage.",
    ["agent"],
)
SEEKS: Final = Counter(
    "vesselflow_seeks_total",
    "Times the consumer went back to the offset that an agent expects; steady growth means it makes no progress.",
)
CHECKPOINT_SECONDS: Final = Histogram(
    "vesselflow_checkpoint_seconds",
    "Duration of one partition's checkpoint, by agent; above its interval the broker or the disk is too slow.",
    ["agent"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
PARTITION_LAG: Final = Gauge(
    "vesselflow_partition_lag_records",
    "Records not yet worked off, over this worker's partitions, by topic; above 10,000 add workers.",
    ["topic"],
)
VESSELS: Final = Gauge(
    "vesselflow_vessels",
    "Vessels in the working state of an agent on this worker; memory grows with it.",
    ["agent"],
)
FENCES: Final = Gauge(
    "vesselflow_fences",
    "Fences in force in this process; 0 while clients have fences means they were not loaded.",
)

# Notifications.

NOTIFICATIONS: Final = Counter(
    "vesselflow_notifications_total",
    "Notifications written to Postgres, by type.",
    ["type"],
)
NOTIFICATIONS_PUBLISHED: Final = Counter(
    "vesselflow_notifications_published_total",
    "Notifications published on Redis; fewer than written means that browsers see them up to 5 s late.",
)
NOTIFICATION_LATENCY_SECONDS: Final = Histogram(
    "vesselflow_notification_latency_seconds",
    "From a position's receipt by Kafka to its notification's commit in Postgres; p99 above 30 s calls for action.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60),
)

# Statistics.

STATS_UPDATE_SECONDS: Final = Histogram(
    "vesselflow_stats_update_seconds",
    "Duration of one write of the activity row; above 10 s Postgres is too slow.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

# The web side.

WEBSOCKET_CONNECTIONS: Final = Gauge(
    "vesselflow_websocket_connections",
    "Open WebSockets; above 80 % of the capacity add a web instance.",
)
WEBSOCKET_CAPACITY: Final = Gauge(
    "vesselflow_websocket_capacity",
    "Most WebSockets this process accepts; further ones are refused with 503.",
)
WEBSOCKET_SENT: Final = Counter(
    "vesselflow_websocket_sent_total",
    "Notifications handed to WebSockets; one for each socket of the client.",
)
WEBSOCKET_CLOSED: Final = Counter(
    "vesselflow_websocket_closed_total",
    "WebSockets closed by the server, by reason; `slow` and `silent` point at clients or their network.",
    ["reason"],
)
PUSHES_UNREADABLE: Final = Counter(
    "vesselflow_pushes_unreadable_total",
    "Messages on the Redis channel that are no notification; something else publishes there.",
)
PUSH_SUBSCRIBED: Final = Gauge(
    "vesselflow_push_subscribed",
    "1 while this process listens to Redis, 0 while browsers get notifications from Postgres alone, 5 s late.",
)
