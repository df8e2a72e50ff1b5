r"""NMEA 0183 lines with AIS sentences -> vessel states.

Understands bare sentences, tag blocks (``\s:station,c:epoch*hh\!AIVDM...``) and their groups (``g:1-2-3985``), a station and
an epoch behind the sentence as the US Coast Guard writes them (``,r003669987,1152921693``), and Gatehouse's ``$PGHP`` line, which
gives the time of the sentence after it. Other lines are passed over.

Source: IEC 61162-1 (sentences), NMEA 0183 4.10 (tag blocks), ITU-R M.1371-5 annex 8 (messages); the bits are read by pyais.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from operator import xor
from typing import Any, Final

from pyais.bit_vector import bit_vector
from pyais.exceptions import AISBaseException
from pyais.messages import MSG_CLASS

from vesselflow.core.model import VesselState
from vesselflow.core.times import SECONDS_BELOW
from vesselflow.sources.losses import Losses, Timed

_SENTENCE: Final = re.compile(
    rb"(?:\\(?P<tag>[^\\]*)\\)?!(?P<checked>[A-Z]{2}VD[MO],(?P<total>\d),(?P<number>\d),(?P<sequence>\d?),"
    rb"(?P<channel>[^,*]*),(?P<payload>[0-W`-w]*),(?P<fill>[0-5]))\*(?P<sum>[0-9A-Fa-f]{2})(?P<tail>[^\\!$]*)"
)
_TAG_TIME: Final = re.compile(rb"(?:^|,)c:(\d+)")
_TAG_STATION: Final = re.compile(rb"(?:^|,)s:([^,*]+)")
_TAG_GROUP: Final = re.compile(rb"(?:^|,)g:\d+-\d+-([^,*]*)")
_TAIL_TIME: Final = re.compile(rb",(\d{9,13})(?:\.\d+)?\s*$")
_TAIL_STATION: Final = re.compile(rb",([rbB][^,]*)")

#: Fewest bits of each message that is used; shorter ones are damaged. Some stations pad or run on behind the end, and what
#: stands before that is right. Source: ITU-R M.1371-5 annex 8, and what transmitters are known to leave out (gpsd,
#: drivers/driver_ais.c).
_BITS: Final = {1: 163, 2: 163, 3: 163, 5: 420, 18: 168, 19: 312, 24: 160, 27: 96}
_TYPE_OF_LETTER: Final = {bytes([letter]): (letter - 48 if letter < 88 else letter - 56) for letter in b"123?5BCHK"}

#: Where the ship type begins.
_TYPE_BITS: Final = {5: 232, 19: 263, 24: 40}

#: A sentence's other parts must follow within so many lines and milliseconds.
MAX_LINES_APART: Final = 2000
MAX_MS_APART: Final = 60_000
MAX_WAITING: Final = 1000


@dataclass(slots=True)
class _Waiting:
    """A message of which parts are still missing."""

    total: int
    line: int
    at_ms: int | None
    payloads: list[bytes] = field(default_factory=list)


class NmeaReader:
    """Reads lines one after another; keeps the parts of unfinished messages in bounded memory."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._waiting: dict[tuple[bytes, ...], _Waiting] = {}
        self._next_ms: int | None = None
        self._line = 0

    def read(self, lines: Iterable[bytes]) -> Iterator[Timed]:
        """Yield the states in *lines*, in their order."""
        for line in lines:
            yield from self.feed(line)
        for waiting in self._waiting.values():
            self._losses.add("incomplete", line=waiting.line, text=_shown(b"".join(waiting.payloads)))
        self._waiting.clear()

    def feed(self, line: bytes) -> list[Timed]:
        """Return the states that *line* completes; a line may hold several sentences."""
        self._line += 1
        if line.startswith(b"$PGHP"):
            self._next_ms = _gatehouse_time(line)
            return []
        states = []
        found = False
        for match in _SENTENCE.finditer(line):
            found = True
            timed = self._sentence(match)
            if timed:
                states.append(timed)
        if not found and (b"VDM," in line or b"VDO," in line) and not line.startswith(b"#"):
            self._losses.add("malformed", line=self._line, text=_shown(line))
        return states

    def _sentence(self, match: re.Match[bytes]) -> Timed | None:
        text = match["checked"]
        if reduce(xor, text) != int(match["sum"], 16):
            self._losses.add("bad-checksum", line=self._line, text=_shown(match[0]))
            return None
        at_ms = self._time(match)
        if match["total"] == b"1":
            return self._message(match["payload"], int(match["fill"]), at_ms)
        return self._part(match, at_ms)

    def _time(self, match: re.Match[bytes]) -> int | None:
        found = _TAG_TIME.search(match["tag"] or b"") or _TAIL_TIME.search(match["tail"])
        at_ms, self._next_ms = self._next_ms, None
        if not found:
            return at_ms
        number = int(found[1])
        return number * 1000 if number < SECONDS_BELOW else number

    def _part(self, match: re.Match[bytes], at_ms: int | None) -> Timed | None:
        key, total, number = _key(match), int(match["total"]), int(match["number"])
        waiting = self._waiting.pop(key, None)
        if number == 1:
            if waiting:
                self._losses.add("incomplete", line=waiting.line, text=_shown(waiting.payloads[0]))
            waiting = _Waiting(total, self._line, at_ms)
        if waiting is None or not self._belongs(waiting, number, total, at_ms):
            self._losses.add("incomplete", line=self._line, text=_shown(match[0]))
            return None
        waiting.payloads.append(match["payload"])
        if number == total:
            return self._message(b"".join(waiting.payloads), int(match["fill"]), waiting.at_ms)
        self._keep(key, waiting)
        return None

    def _belongs(self, waiting: _Waiting, number: int, total: int, at_ms: int | None) -> bool:
        near = self._line - waiting.line <= MAX_LINES_APART
        if at_ms is not None and waiting.at_ms is not None:
            near = near and abs(at_ms - waiting.at_ms) <= MAX_MS_APART
        return near and total == waiting.total and number == len(waiting.payloads) + 1

    def _keep(self, key: tuple[bytes, ...], waiting: _Waiting) -> None:
        self._waiting[key] = waiting
        if len(self._waiting) > MAX_WAITING:
            oldest = self._waiting.pop(next(iter(self._waiting)))
            self._losses.add("incomplete", line=oldest.line, text=_shown(oldest.payloads[0]))

    def _message(self, payload: bytes, fill: int, at_ms: int | None) -> Timed | None:
        kind = _TYPE_OF_LETTER.get(payload[:1], 0)
        if kind not in _STATES:
            return None
        bits = len(payload) * 6 - fill
        if bits < _BITS[kind]:
            detail = f"expected at least {_BITS[kind]} bits in message {kind}, got {bits}"
            self._losses.add("bad-length", line=self._line, text=_shown(payload), detail=detail)
            return None
        try:
            bits_of = bit_vector(payload, fill)
            message = MSG_CLASS[kind].from_vector(bits_of)
            state = _STATES[kind](message)
        except (AISBaseException, ValueError) as error:
            self._losses.add("undecodable", line=self._line, text=_shown(payload), detail=str(error))
            return None
        if kind in _TYPE_BITS and state.VesselType is not None:
            # Read here, since pyais turns the codes it has no name for into others.
            state.VesselType = bits_of.get(_TYPE_BITS[kind], 8)
        state.MessageType = kind
        state.Timestamp = at_ms
        return at_ms, state


def _key(match: re.Match[bytes]) -> tuple[bytes, ...]:
    """Return what the parts of one message have in common: their group, else station, channel and sequence number."""
    tag = match["tag"] or b""
    group = _TAG_GROUP.search(tag)
    if group:
        return (match["total"], match["sequence"], group[1])
    station = _TAG_STATION.search(tag) or _TAIL_STATION.search(match["tail"])
    return (match["total"], match["sequence"], match["channel"], station[1] if station else b"")


def _gatehouse_time(line: bytes) -> int | None:
    """Return the time in ``$PGHP,1,2010,6,11,11,46,12,386,...``: year to milliseconds."""
    try:
        year, month, day, hour, minute, second, ms = map(int, line.split(b",")[2:9])
        moment = datetime(year, month, day, hour, minute, second, ms * 1000, UTC)
    except ValueError:
        return None
    return round(moment.timestamp() * 1000)


def _position(message: Any) -> VesselState:
    return VesselState(
        MMSI=int(message.mmsi),
        Latitude=message.lat,
        Longitude=message.lon,
        SpeedOverGround=message.speed,
        CourseOverGround=message.course,
        Heading=message.heading,
    )


def _class_a(message: Any) -> VesselState:
    state = _position(message)
    state.NavigationalStatus = int(message.status)
    return state


def _long_range(message: Any) -> VesselState:
    return VesselState(
        MMSI=int(message.mmsi),
        Latitude=message.lat,
        Longitude=message.lon,
        SpeedOverGround=message.speed,
        CourseOverGround=message.course,
        NavigationalStatus=int(message.status),
    )


def _extended_class_b(message: Any) -> VesselState:
    state = _position(message)
    state.VesselName = message.shipname
    state.VesselType = int(message.ship_type)
    return _sized(state, message)


def _voyage(message: Any) -> VesselState:
    state = VesselState(
        IMO=message.imo,
        MMSI=int(message.mmsi),
        AISDestination=message.destination,
        VesselName=message.shipname,
        CallSign=message.callsign,
        VesselType=int(message.ship_type),
        Draught=message.draught,
        ETA=f"{message.month:02}-{message.day:02}T{message.hour:02}:{message.minute:02}Z",
    )
    return _sized(state, message)


def _class_b_static(message: Any) -> VesselState:
    state = VesselState(MMSI=int(message.mmsi))
    if message.partno == 0:
        state.VesselName = message.shipname
        return state
    state.VesselType = int(message.ship_type)
    state.CallSign = message.callsign
    # A tender's part B holds its mother ship's number where others hold their size.
    return _sized(state, message) if hasattr(message, "to_bow") else state


def _sized(state: VesselState, message: Any) -> VesselState:
    state.Length = float(message.to_bow + message.to_stern) or None
    state.Width = float(message.to_port + message.to_starboard) or None
    return state


def _shown(line: bytes) -> str:
    return line.decode("ascii", "replace")


_STATES: Final[dict[int, Callable[[Any], VesselState]]] = {
    1: _class_a,
    2: _class_a,
    3: _class_a,
    5: _voyage,
    18: _position,
    19: _extended_class_b,
    24: _class_b_static,
    27: _long_range,
}
