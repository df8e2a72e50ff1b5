"""`vesselflow replay FILE...`: publish files of the past at their pace."""

import itertools
from collections.abc import Iterator

import click

from vesselflow.cli._source import now_ms, run_source
from vesselflow.core.errors import UsageError
from vesselflow.sources.files import FileOfStates
from vesselflow.sources.losses import Losses, Timed
from vesselflow.sources.publisher import Publisher
from vesselflow.sources.replay import Pace, Schedule, replay


@click.command(name="replay")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--speed", type=float, default=1.0, show_default=True, help="How many times faster than it was; 0 is --max."
)
@click.option("--max", "as_fast", is_flag=True, help="As fast as possible.")
@click.option(
    "--shift-to-now", is_flag=True, help="Move the data's time so that it goes on from now; only with speed 1."
)
@click.option(
    "--head",
    "head_s",
    type=float,
    default=0.0,
    help="Seconds of data sent at once, which end now (with --shift-to-now).",
)
@click.option("--loop", is_flag=True, help="Begin again at the end, later in time by what has passed.")
@click.option("--rate", type=float, default=500.0, show_default=True, help="States a second of a file without times.")
@click.option("--sort", is_flag=True, help="Read everything first and send it in the order of time.")
def command(
    files: tuple[str, ...],
    speed: float,
    as_fast: bool,
    shift_to_now: bool,
    head_s: float,
    loop: bool,
    rate: float,
    sort: bool,
) -> None:
    """Publish NMEA, CSV or JSON files (also .gz; - is standard input) as vessel states.

    Files follow one another. A file without times, such as raw NMEA, is spread evenly and counts from its receipt.
    """
    if loop and "-" in files:
        raise UsageError("expected files with --loop, got standard input, which can be read once only")
    pace = Pace(speed=0.0 if as_fast else speed, shift_to_now=shift_to_now, head_s=head_s, rate=rate)
    losses = Losses()
    sources = [FileOfStates(name, losses) for name in files]

    async def work(publisher: Publisher) -> None:
        passes = (_states(sources, sort) for _ in (itertools.count() if loop else range(1)))
        await replay(passes, Schedule(pace, now_ms()), publisher.publish, now_ms=now_ms)

    run_source(work, share=lambda: _share(sources), losses=losses.counts)


def _states(sources: list[FileOfStates], sort: bool) -> Iterator[Timed]:
    states = itertools.chain.from_iterable(sources)
    return iter(sorted(states, key=lambda timed: timed[0] or 0)) if sort else states


def _share(sources: list[FileOfStates]) -> float | None:
    size = sum(source.size_bytes for source in sources)
    return sum(source.read_bytes for source in sources) / size if size else None
