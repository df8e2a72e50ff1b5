"""A record that cannot be used, or one element of it, as what is sent to the dead letters."""

from __future__ import annotations

from typing import Final

import msgspec

from vesselflow import metrics, streams
from vesselflow.core import wire
from vesselflow.core.model import DeadLetter
from vesselflow.outbox import Outgoing
from vesselflow.stage import Record

#: A dead letter's payload is cut to this many bytes of JSON text; the record itself stays in its topic.
DEAD_LETTER_BYTES: Final = 48_000
#: So are what went wrong, and the end of the traceback, in characters.
MOST_DETAIL: Final = 500
MOST_TRACE: Final = 6_000


def dead_letter(
    record: Record,
    reason: str,
    *,
    detail: str = "",
    index: int | None = None,
    payload: str | None = None,
    trace: str | None = None,
) -> Outgoing:
    """Return what is sent for a record, or one element of it, that cannot be used."""
    metrics.DEAD_LETTERS.labels(reason).inc()
    text = record.value[:DEAD_LETTER_BYTES].decode(errors="replace") if payload is None else payload
    letter = DeadLetter(
        reason=f"{reason}: {detail[:MOST_DETAIL]}" if detail else reason,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        index=index,
        payload=_cut(text),
        received_ms=record.received_ms,
        traceback=trace and trace[-MOST_TRACE:],
    )
    return Outgoing(streams.dead_letters.get_topic_name(), 0, wire.encode_dead_letter(letter))


def _cut(text: str) -> str:
    """Return *text* so short that it fits as JSON, where a control character takes six bytes."""
    while len(msgspec.json.encode(text)) > DEAD_LETTER_BYTES:
        text = text[: len(text) // 2]
    return text
