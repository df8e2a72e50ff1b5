"""A record of any topic -> an object that becomes one readable line of JSON. Pure."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from typing import Any, Final

import msgspec

from vesselflow.core import wire
from vesselflow.core.activity import WindowSum
from vesselflow.core.ais import nav_status_name
from vesselflow.core.errors import InvalidRecord
from vesselflow.core.etas import eta_text
from vesselflow.core.model import POSITION_COLUMNS, STRING_COLUMNS, PositionBatch, iso, vessel_id
from vesselflow.core.statics import TEXTS
from vesselflow.state import Progress, Row, plain_values, unpacked

CHANGELOG: Final = "-changelog"
_WINDOWS: Final = "windows-"
_PROGRESS_START_S: Final = -1.0
_ZERO_IS_UNKNOWN: Final = {"imo", "mmsi", "draught_m", "length_m", "width_m"}

#: Field of a row -> what it is called, and its value in words.
_WORDS: Final[dict[str, tuple[str, Callable[[int], object]]]] = {
    "status_plus_1": ("status", lambda value: nav_status_name(value - 1)),
    "eta_minute": ("eta", lambda value: eta_text(value) or None),
    "silence": ("silence", lambda value: ("heard", "dark", "dark, not told", "heard late")[value]),
    "level": ("level", (None, "stopped", "under way").__getitem__),
    "candidate_level": ("candidate_level", (None, "stopped", "under way").__getitem__),
    "is_pending": ("is_pending", bool),
}

_row = msgspec.msgpack.Decoder(Row)
_progress = msgspec.msgpack.Decoder(Progress)
_window = msgspec.msgpack.Decoder(WindowSum)


def readable(topic: str, key: bytes | None, value: bytes | None) -> tuple[object, object]:
    """Return key and value of a record of *topic* as plain values.

    What has no known form, or is not in the form of its topic, is shown as ``{"base64": ...}``.
    """
    return readable_key(topic, key), None if value is None else _value(topic, key, value)


def readable_key(topic: str, key: bytes | None) -> object:
    """Return a record's key: text, a window's partition and span, or bytes in base64."""
    if key is None:
        return None
    if topic.endswith(CHANGELOG) and key.startswith(b"["):
        return msgspec.json.decode(key)
    try:
        return key.decode()
    except UnicodeDecodeError:
        return _bytes(key)


def readable_positions(batch: PositionBatch) -> list[dict[str, object]]:
    """Return a micro-batch as rows: null where not available, texts and the vessel's id in words."""
    columns = {name: _column(batch, name) for name in POSITION_COLUMNS}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def readable_vessel(row: dict[str, Any]) -> dict[str, object]:
    """Return a vessel's row of a table with its id, moments in ISO 8601, and its fences by id."""
    shown = {name: value for name, value in row.items() if name != "note"}
    note: Any = row.get("note")
    if "fences" in shown:
        note = dict(note or {})
        # The row has their hash alone; which they are, and since when, is in the note.
        stays = note.pop("in", {})
        shown["fences"] = {fence: iso(stay["since_ms"]) for fence, stay in stays.items() if stay.get("inside")}
    if note:
        shown["note"] = note
    shown |= {name: shown[name] or None for name in _ZERO_IS_UNKNOWN & shown.keys()}
    shown = _in_words(shown)
    shown["vessel"] = vessel_id(row["vessel"])
    return {
        name.removesuffix("_ms"): _moment(value) if name.endswith("_ms") else value for name, value in shown.items()
    }


def _in_words(row: dict[str, Any]) -> dict[str, Any]:
    """Return *row* with words for the detectors' own numbers."""
    found = {}
    for name, value in row.items():
        as_name, word = _WORDS.get(name, (name, None))
        found[as_name] = word(value) if word else value
    return found


def bucket_vessels(value: bytes) -> list[dict[str, Any]]:
    """Return the vessels in a bucket's row of any table, by field."""
    return unpacked(_row.decode(value).body, {*TEXTS, "candidate"})


def _value(topic: str, key: bytes | None, value: bytes) -> object:
    try:
        return _decoder(topic, key)(value)
    except (InvalidRecord, msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        return _bytes(value)


def _decoder(topic: str, key: bytes | None) -> Callable[[bytes], object]:
    if topic.endswith(".positions"):
        return lambda value: readable_positions(wire.decode_positions(value))
    if not topic.endswith(CHANGELOG):
        return wire.decode_json
    if _WINDOWS in topic:
        return _progress_object if _is_progress_window(key) else _window_object
    return _progress_object if key is not None and key.endswith(b"/progress") else _bucket_object


def _is_progress_window(key: bytes | None) -> bool:
    _, (start_s, _) = msgspec.json.decode(key or b"")
    return bool(start_s == _PROGRESS_START_S)


def _bucket_object(value: bytes) -> object:
    row = _row.decode(value)
    vessels = [readable_vessel(each) for each in bucket_vessels(value)]
    return {"offset": row.offset, "origins": row.origins, "vessels": vessels}


def _window_object(value: bytes) -> object:
    row = _row.decode(value)
    return {"offset": row.offset, "origins": row.origins, "window": _window.decode(row.body)}


def _progress_object(value: bytes) -> object:
    return msgspec.structs.asdict(_progress.decode(value))


def _column(batch: PositionBatch, name: str) -> list[object]:
    values = getattr(batch, name)
    if name == "vessel":
        return [vessel_id(number) for number in values.tolist()]
    if name in STRING_COLUMNS:
        return [batch.strings[index] if index >= 0 else None for index in values.tolist()]
    if values.dtype.kind == "f":
        return [None if math.isnan(value) else value for value in plain_values(values)]
    missing = {"imo": 0, "mmsi": 0, "nav_status": -1}.get(name)
    return [None if value == missing else value for value in values.tolist()]


def _moment(at_ms: int) -> str | None:
    return iso(at_ms) if at_ms else None


def _bytes(value: bytes) -> object:
    return {"base64": base64.b64encode(value).decode()}
