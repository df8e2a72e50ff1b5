"""`vesselflow simulate`: publish the states of made-up vessels between real ports."""

import click

from vesselflow.cli._source import now_ms, run_source
from vesselflow.sources.publisher import Publisher
from vesselflow.sources.simulate import Fleet, simulate


@click.command(name="simulate")
@click.option("--vessels", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="How many vessels.")
@click.option(
    "--rate", type=click.FloatRange(min=0.1), default=100.0, show_default=True, help="States a second, all together."
)
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="The same seed makes the same fleet."
)
@click.option("--for", "for_s", type=click.FloatRange(min=0.0), default=None, help="Stop after so many seconds.")
def command(vessels: int, rate: float, seed: int, for_s: float | None) -> None:
    """Publish vessels that sail great circles between real ports, with the destinations their crews would write."""

    async def work(publisher: Publisher) -> None:
        start_ms = now_ms()
        fleet = Fleet(vessels=vessels, rate=rate, seed=seed, start_ms=start_ms)
        until_ms = None if for_s is None else start_ms + round(for_s * 1000)
        await simulate(fleet, publisher.publish, now_ms=now_ms, until_ms=until_ms)

    run_source(work)
