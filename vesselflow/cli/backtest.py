"""`vesselflow backtest`: try fences on recorded tracks, with the detector that the workers run."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from vesselflow.cli._many import ManyCommand, ManyOption
from vesselflow.cli._output import print_line, reader_may_leave
from vesselflow.cli._progress import with_progress
from vesselflow.core.backtest import Backtest, backtest, fences_to_try, told
from vesselflow.core.errors import InvalidRules, UsageError
from vesselflow.core.fence_policy import PolicyOptions, parse_policy
from vesselflow.core.model import Event, Identity, iso, vessel_id
from vesselflow.core.recorded import RecordedPositions, in_order_of_time
from vesselflow.core.shapes import read_shapes
from vesselflow.policies import fence_options
from vesselflow.settings import Settings
from vesselflow.sources.files import FileOfStates
from vesselflow.sources.losses import Losses


@click.command("backtest", cls=ManyCommand)
@click.option(
    "--positions",
    cls=ManyOption,
    required=True,
    metavar="FILE...",
    help="CSV, NMEA or JSON, also .gz; - is standard input. They follow one another.",
)
@click.option("--geofences", required=True, metavar="FILE", help="GeoJSON, KML, KMZ or WKT; - is standard input.")
@click.option("--policy", metavar="FILE", help="A JSON object with the policy's options; else the settings count.")
@click.option("--plain", is_flag=True, help="The plain policy: each fix counts as it comes, and no rules of fences.")
@click.option("--sort", is_flag=True, help="Read everything first, into memory, and judge it in the order of time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(
    positions: Sequence[str], geofences: str, policy: str | None, plain: bool, sort: bool, as_json: bool
) -> None:
    """Print what geofences would have told of recorded positions, in order of time; a summary goes to stderr.

    Positions are judged in the order of the files, as if they had been received at their own time.
    """
    if [*positions, geofences, policy].count("-") > 1:
        raise UsageError("expected standard input for one thing, got - more than once")
    settings = Settings.from_env(os.environ)
    options = _options(policy, plain, settings)
    fences = fences_to_try(geofences, read_shapes(geofences, _content(geofences)), options)
    tracks = _Tracks(positions, "imo" if settings.identity == "imo" else "mmsi")
    start_s = time.monotonic()
    batches = with_progress(tracks.positions, lambda: tracks.positions.records, tracks.share, "records")
    found = backtest(in_order_of_time(batches) if sort else batches, fences, options)
    seconds = time.monotonic() - start_s
    tracks.refuse_timeless(found)
    with reader_may_leave():
        for event in found.events:
            if as_json:
                print_line(told(event))
            else:
                click.echo(_line(event))
    click.echo("\n".join(_summary(tracks, found, seconds)), err=True)
    click.echo(_outcome(found, len(fences), "plain" if options.plain else policy or "settings'"), err=True)


class _Tracks:
    """The files' positions, and what could not be used of them."""

    def __init__(self, names: Sequence[str], identity: Identity) -> None:
        self._losses = Losses()
        self._files = [FileOfStates(name, self._losses, needs_time=True) for name in names]
        for name in names[1:]:
            _refuse_unreadable(name)
        states = (state for file in self._files for _, state in file)
        self.positions = RecordedPositions(states, identity=identity)

    def share(self) -> float | None:
        """Return how much of the files has been read."""
        size = sum(file.size_bytes for file in self._files)
        return sum(file.read_bytes for file in self._files) / size if size else None

    @property
    def left_out(self) -> Counter[str]:
        """What had no use, by reason."""
        left_out = self.positions.left_out + self._losses.counts
        del left_out["bad-value"]
        return left_out

    @property
    def unread(self) -> Counter[str]:
        """Lesser values that could not be read, in records that were used."""
        return self.positions.unread + Counter({"bad-value": self._losses.counts["bad-value"]})

    def refuse_timeless(self, found: Backtest) -> None:
        """Refuse tracks of which nothing could be judged because nothing has a time.

        Raises:
            UsageError: so it is.
        """
        without = self.left_out["no-time"]
        if without and not found.positions:
            raise UsageError(f"expected positions with a time (NMEA: with tag blocks), got {without:,} without")


def _options(policy: str | None, plain: bool, settings: Settings) -> PolicyOptions:
    if plain and policy is not None:
        raise UsageError("expected --plain or --policy, got both")
    if plain:
        return PolicyOptions(plain=True)
    if policy is None:
        return fence_options(settings)
    try:
        return parse_policy(_content(policy))
    except InvalidRules as error:
        raise InvalidRules(f"{policy}: {error}") from error


def _content(name: str) -> bytes:
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()


def _refuse_unreadable(name: str) -> None:
    """Say what is wrong with a file before those in front of it are read."""
    if name != "-":
        next(iter(FileOfStates(name, Losses(), needs_time=True)), None)


def _line(event: Event) -> str:
    line = f"{iso(event.at_ms)}  {vessel_id(event.vessel):<14}  {event.name or '':<20}  "
    line += f"{event.kind.rpartition('.')[2]:<8}  {event.geofence_id}"
    return f"{line}  (between fixes, {iso(event.first_fix_ms)})" if event.interpolated else line


def _summary(tracks: _Tracks, found: Backtest, seconds: float) -> Iterator[str]:
    """Yield what was read and what became of it; the numbers of records add up."""
    left_out = tracks.left_out + Counter(found.left_out)
    judged, static = found.positions - sum(found.left_out.values()), tracks.positions.static_reports
    records = judged + static + left_out.total()
    yield f"{records:,} records in {seconds:.1f} s, {records / max(seconds, 1e-9):,.0f}/s"
    span = f" from {iso(found.first_ms)} to {iso(found.last_ms)}" if found.first_ms and found.last_ms else ""
    yield f"{judged:,} positions of {found.vessels:,} vessels judged{span}"
    if static:
        yield f"{static:,} static reports"
    if left_out:
        hint = " (--sort judges late ones in their order)" if "late" in left_out else ""
        yield f"{left_out.total():,} left out: {_counted(left_out)}{hint}"
    if tracks.unread:
        yield f"{tracks.unread.total():,} values could not be read: {_counted(tracks.unread)}"


def _outcome(found: Backtest, fences: int, policy: str) -> str:
    kinds = Counter(event.kind.rpartition(".")[2] for event in found.events)
    by_kind = f": {_counted(kinds)}" if kinds else ""
    return f"{len(found.events):,} events of {fences:,} geofences under the {policy} policy{by_kind}"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))
