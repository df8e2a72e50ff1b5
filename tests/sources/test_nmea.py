import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vesselflow.core.ais import clean_text
from vesselflow.core.model import VesselState
from vesselflow.sources.files import FileOfStates
from vesselflow.sources.losses import Losses
from vesselflow.sources.nmea import MAX_LINES_APART, MAX_WAITING, NmeaReader

DATA = Path(__file__).parent.parent / "data"
SAMPLES = Path(__file__).parent.parent.parent / "vesselflow" / "samples"

#: "fast" is 102.2 knots or more, "nan" not available.
SPEEDS = {"nan": 102.3, "fast": 102.2}


def ours(path: Path) -> Counter[tuple[Any, ...]]:
    """Count what we read: positions, and voyages by every text in them."""
    states = (state for _, state in FileOfStates(str(path), Losses()))
    return Counter(key for state in states if (key := our_key(state)))


def our_key(state: VesselState) -> tuple[Any, ...] | None:
    match state.MessageType:
        case 5:
            texts = (clean_text(text or "") for text in (state.VesselName, state.CallSign, state.AISDestination))
            return (5, state.MMSI, state.IMO, *texts, state.VesselType, state.Draught, state.ETA)
        case 19:
            return (19, state.MMSI, clean_text(state.VesselName or ""), state.VesselType)
        case 24:
            return None
    lon, lat = round(state.Longitude or 0, 6), round(state.Latitude or 0, 6)
    angles = (state.CourseOverGround, state.Heading, state.NavigationalStatus)
    return (state.MessageType, state.MMSI, lon, lat, state.SpeedOverGround, *angles)


def theirs(name: str) -> Counter[tuple[Any, ...]]:
    """Count what gpsdecode reads."""
    return Counter(their_key(message) for message in reference(name))


def reference(name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(DATA / "gpsdecode" / f"{name}.json.gz") as lines:
        yield from map(json.loads, lines)


def their_key(message: dict[str, Any]) -> tuple[Any, ...]:
    kind, mmsi = message["type"], message["mmsi"]
    match kind:
        case 5:
            texts = (clean_text(message[name]) for name in ("shipname", "callsign", "destination"))
            return (5, mmsi, message["imo"], *texts, message["shiptype"], message["draught"], message["eta"])
        case 19:
            return (19, mmsi, clean_text(message["shipname"]), message["shiptype"])
    speed = SPEEDS.get(message["speed"], message["speed"])
    angles = (message["course"], message.get("heading"), message.get("status"))
    return (kind, mmsi, round(message["lon"], 6), round(message["lat"], 6), speed, *angles)


# Message by message. "More" are messages that gpsdecode drops: it gives up on parts of several receivers that are mixed.
@pytest.mark.parametrize(
    ("path", "name", "messages", "missing", "more"),
    [
        (SAMPLES / "aishub-2012-03-14.nmea.gz", "aishub-2012-03-14", 75_824, 1, 0),
        (DATA / "captures" / "dma-2010-06-11.nmea.gz", "dma-2010-06-11", 3_400, 0, 12),
        (DATA / "captures" / "noaadata-2006-07-15.nmea", "noaadata-2006-07-15", 804, 0, 0),
        (DATA / "captures" / "exactearth-2012.nmea", "exactearth-2012", 198, 0, 1),
    ],
)
def test_messages_decode_as_gpsdecode_decodes_them(
    path: Path, name: str, messages: int, missing: int, more: int
) -> None:
    found, expected = ours(path), theirs(name)

    assert expected.total() == messages
    assert (expected - found).total() == missing
    assert (found - expected).total() == more


BARE = b"!AIVDM,1,1,,A,13HOI:0P0000VOHLCnHQKwvL05Ip,0*23"
PART_1 = (
    rb"\g:1-2-3985,s:rEV02,c:1334337317*2D\!AIVDM,2,1,9,B,58KvN<42ACikUKW77F1H4hF0<PTp622222222216`0`cF5BF0RT13H0T,0*70"
)
PART_2 = rb"\g:2-2-3985*5A\!AIVDM,2,2,9,B,PFRC88888888880,2*29"


def read(*lines: bytes) -> tuple[list[tuple[int | None, VesselState]], Counter[str]]:
    losses = Losses()
    return list(NmeaReader(losses).read(lines)), losses.counts


@pytest.mark.parametrize(
    ("line", "at_ms"),
    [
        (BARE, None),
        (rb"\s:aishub,c:1331724616*38" + b"\\" + BARE, 1_331_724_616_000),
        (rb"\c:1599239526500,s:sdr*5D" + b"\\" + BARE, 1_599_239_526_500),
        (BARE + b",r003669987,1152921693", 1_152_921_693_000),
    ],
)
def test_the_time_stands_in_the_tag_block_or_behind_the_sentence(line: bytes, at_ms: int | None) -> None:
    states, losses = read(line)

    assert [(at, state.MMSI, state.Timestamp) for at, state in states] == [(at_ms, 227006760, at_ms)]
    assert not losses


def test_gatehouses_line_gives_the_time_of_the_next_sentence_only() -> None:
    states, _ = read(b"$PGHP,1,2010,6,11,11,46,11,390,231,45,992190934,1,2B*5B", BARE, BARE)

    assert [at for at, _ in states] == [1_276_256_771_390, None]


def test_the_parts_of_a_group_make_one_message_with_the_first_parts_time() -> None:
    states, losses = read(PART_1, BARE, PART_2)

    at_ms, state = states[1]
    assert (at_ms, state.MMSI, state.IMO) == (1_334_337_317_000, 566206000, 9522972)
    assert clean_text(state.AISDestination or "") == "PDM BRAZIL"
    assert not losses


def test_two_sentences_on_one_line_are_both_read() -> None:
    states, _ = read(BARE + BARE)

    assert len(states) == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (BARE[:-1] + b"4", "bad-checksum"),
        (b"!AIVDM,1,1,,A,13HOI", "malformed"),
        (PART_2, "incomplete"),
        (PART_1, "incomplete"),
        (b"!AIVDM,1,1,,A,13HOI:0,0*60", "bad-length"),
    ],
)
def test_what_cannot_be_used_is_counted_by_reason(line: bytes, reason: str) -> None:
    states, losses = read(line)

    assert (states, losses) == ([], {reason: 1})


def test_other_lines_and_messages_are_passed_over() -> None:
    lines = [b"# comment", b"$GPGSA,A,3*00", b"", b"!AIVDM,1,1,,A,402M??AvAPP000h0MJR07Ug02H0I,0*10"]

    assert read(*lines) == ([], Counter())


def test_a_part_that_comes_too_late_is_not_joined() -> None:
    states, losses = read(PART_1, *[b""] * MAX_LINES_APART, PART_2)

    assert (states, losses) == ([], {"incomplete": 1})


def test_unfinished_messages_are_kept_in_bounded_memory() -> None:
    reader = NmeaReader(Losses())

    for number in range(3 * MAX_WAITING):
        reader.feed(PART_1.replace(b"3985", str(number).encode()))

    assert len(reader._waiting) == MAX_WAITING
