"""Every vessel of the AISHub sample whose destination text changes, against a reading of each change by hand.

Only one of the eight was read as genuine; the others are suffixes of a code, and ships that share a number.
"""

from tests.core.tracks import Fix, run
from vesselflow.core.ais import clean_text
from vesselflow.core.destination import DestinationPolicy, default_policy, detect, new_states
from vesselflow.core.model import Event
from vesselflow.sources.files import FileOfStates
from vesselflow.sources.losses import Losses
from vesselflow.up.samples import SAMPLES

GENUINE = 431_002_504
#: Why the text of each other vessel changes, by MMSI.
NOT_GENUINE = {
    205_411_690: "code suffix",
    244_620_087: "code suffix, flaps back",
    244_711_426: "shared MMSI",
    413_000_000: "shared MMSI",
    205_235_590: "code suffix",
    244_650_838: "code suffix",
    123_456_789: "shared MMSI",
}


def reports() -> list[Fix]:
    """Return the static reports of these vessels as fixes, in their order; many came within one second."""
    file = FileOfStates(str(SAMPLES / "aishub-2012-03-14.nmea.gz"), Losses(lambda _: None))
    return [
        Fix(
            vessel=state.MMSI,
            at_ms=(at_ms or 0) + number,
            name=clean_text(state.VesselName or ""),
            destination=clean_text(state.AISDestination),
        )
        for number, (at_ms, state) in enumerate(file)
        if state.MMSI in {GENUINE, *NOT_GENUINE} and state.AISDestination is not None
    ]


def announced(policy: DestinationPolicy) -> list[Event]:
    return run(detect, new_states(8), reports(), policy)


def test_only_the_genuine_change_is_announced() -> None:
    (event,) = announced(default_policy(hold_off_ms=0))

    assert event.vessel == GENUINE
    assert (event.previous_destination, event.new_destination) == ("JP KZU", "JP NGO N4")
    assert (event.previous_normal, event.new_normal) == ("JPKZU", "JPNGO")


def test_the_plain_rule_announces_the_others_as_well() -> None:
    vessels = {event.vessel for event in announced(DestinationPolicy())}

    assert vessels == {GENUINE} | {vessel for vessel in NOT_GENUINE if vessel != 123_456_789}
