"""Records of older versions."""

from base64 import b64decode

import msgspec
import numpy as np
import pytest

from tests.core.tracks import Fix, batch_of
from vesselflow.core import wire
from vesselflow.core.errors import InvalidRecord
from vesselflow.core.model import POSITION_COLUMNS

#: One position as version 1 wrote it, before draught and ETA.
VERSION_1 = b64decode(
    "hKF2AaFuAadjb2x1bW5z3gASpnZlc3NlbMQIwdABDgAAAACjaW1vxAQAAAAApG1tc2nEBMHQAQ6lYXRfbXPECADWbXmbAQAAq3Jl"
    "Y2VpdmVkX21zxAgA1m15mwEAAKdsb25fZGVnxAgzMzMzMzMQQKdsYXRfZGVnxAh7FK5H4fpJQKZzb2dfa27EBAAASEGnY29nX2Rl"
    "Z8QEAAAAAKtoZWFkaW5nX2RlZ8QEAAAAAKpuYXZfc3RhdHVzxAEApG5hbWXEBAAAAACpc2hpcF90eXBlxAQBAAAApGZsYWfEBAIA"
    "AACrZGVzdGluYXRpb27EBAMAAACwc291cmNlX3BhcnRpdGlvbsQEAAAAAK1zb3VyY2Vfb2Zmc2V0xAgAAAAAAAAAAKxzb3VyY2Vf"
    "aW5kZXjEBAAAAACnc3RyaW5nc5SmT1JJQU5BplRhbmtlcqJHQqlST1RURVJEQU0="
)


def test_positions_survive_the_wire() -> None:
    batch = batch_of([Fix(name="ORIANA", draught_m=10.4, eta="05-14T20:10", nav_status=5), Fix(vessel=235_000_002)])

    again = wire.decode_positions(wire.encode_positions(batch))

    for name in POSITION_COLUMNS:
        assert np.array_equal(getattr(again, name), getattr(batch, name), equal_nan=True), name
    assert [again.text("eta", row) for row in (0, 1)] == ["05-14T20:10", None]


def test_a_record_of_version_1_has_neither_draught_nor_eta() -> None:
    batch = wire.decode_positions(VERSION_1)

    assert (batch.vessel.tolist(), batch.at_ms.tolist()) == ([235_000_001], [1_767_268_800_000])
    assert [batch.text(name, 0) for name in ("name", "ship_type", "flag", "destination", "eta")] == [
        "ORIANA",
        "Tanker",
        "GB",
        "ROTTERDAM",
        None,
    ]
    assert np.isnan(batch.draught_m).tolist() == [True]


def test_a_record_of_version_1_may_be_written_again() -> None:
    again = wire.decode_positions(wire.encode_positions(wire.decode_positions(VERSION_1)))

    assert (again.text("destination", 0), again.text("eta", 0)) == ("ROTTERDAM", None)


@pytest.mark.parametrize("version", [0, 3])
def test_a_version_that_is_not_known_is_refused(version: int) -> None:
    record = msgspec.msgpack.encode(msgspec.msgpack.decode(VERSION_1) | {"v": version})

    with pytest.raises(InvalidRecord, match=f"expected positions of version 1 to 2, got {version}"):
        wire.decode_positions(record)


def test_a_record_of_this_version_has_every_column() -> None:
    record = msgspec.msgpack.encode(msgspec.msgpack.decode(VERSION_1) | {"v": 2})

    with pytest.raises(InvalidRecord, match="expected 4 bytes in column draught_m, got None"):
        wire.decode_positions(record)
