"""Rows of a table, read as quickly as can be and exactly as the same values in JSON."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vesselflow.core.errors import InvalidRecord
from vesselflow.core.fields import state_of
from vesselflow.core.model import VesselState
from vesselflow.core.rows import RowReader

HEADER = ["mmsi", "imo", "timestamp", "lon", "lat", "sog", "name", "ship_type", "status", "destination"]
TIME_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def read(header: str, row: str) -> VesselState:
    return RowReader(header.split(",")).read(row.split(","))[0]


def outcome(read: Callable[[Any], object], given: object) -> object:
    """Return what *read* makes of the values, None when it refuses them; of several reasons each may tell another."""
    try:
        return read(given)
    except InvalidRecord:
        return None


@given(
    st.lists(
        st.sampled_from(
            [
                *("", " ", "0", "-1", "1_0", "4.5", "235012345", "9074729", "IMO9074729", "imo 9074729", "IMO"),
                *("nan", "inf", "1e300", "9" * 30, "2026-01-01T00:00:00Z", "1767225600", "AURORA", "70", "٧٠", "?"),
            ]
        ),
        max_size=len(HEADER),
    )
)
def test_a_row_is_read_as_the_same_values_in_a_mapping(row: list[str]) -> None:
    element = {name: value for name, value in zip(HEADER, row, strict=False) if value.strip()}

    assert outcome(RowReader(HEADER).read, row) == outcome(state_of, element)


@pytest.mark.parametrize("header", ["lon,x,lat,mmsi,received_time,timestamp", "x,lon,lat,mmsi,received_time,timestamp"])
def test_of_two_columns_for_one_field_the_one_with_the_usual_name_counts_wherever_it_stands(header: str) -> None:
    values = {
        "lon": "4.1",
        "x": "600000",
        "lat": "51.9",
        "mmsi": "235012345",
        "received_time": "2026-01-01T00:09:00Z",
        "timestamp": "2026-01-01T00:00:00Z",
    }

    state = read(header, ",".join(values[name] for name in header.split(",")))

    assert (state.Longitude, state.Timestamp) == (4.1, TIME_MS)


def test_where_the_usual_column_is_blank_the_other_counts() -> None:
    assert read("lon,longitude,lat,mmsi", " ,4.1,51.9,235012345").Longitude == 4.1
    assert read("longitude,lon,lat,mmsi", "nan,4.1,51.9,235012345").Longitude == 4.1


def test_a_short_row_lacks_its_last_values_and_a_long_one_has_some_too_many() -> None:
    assert read("mmsi,lon,lat,name", "235012345,4.1") == VesselState(MMSI=235012345, Longitude=4.1)
    assert read("mmsi,lon", "235012345,4.1,51.9,AURORA") == VesselState(MMSI=235012345, Longitude=4.1)


def test_one_readable_identity_is_enough() -> None:
    state, unread = RowReader(["mmsi", "imo", "lon", "lat"]).read(["235012345", "Unknown", "4.1", "51.9"])

    assert (state.MMSI, state.IMO, unread) == (235012345, None, 1)


def test_an_identity_that_cannot_be_read_is_told_when_there_is_no_other() -> None:
    with pytest.raises(InvalidRecord, match="bad-imo"):
        RowReader(["mmsi", "imo", "lon", "lat"]).read(["", "Unknown", "4.1", "51.9"])
