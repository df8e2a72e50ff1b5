"""``vesselflow topics``: create the topics, and read any of them as JSON lines."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import click

from vesselflow.adapters.log import Log, LogRecord, open_log
from vesselflow.adapters.topics import create_topics
from vesselflow.cli._output import print_line, reader_may_leave
from vesselflow.cli._readable import readable
from vesselflow.core.errors import UsageError
from vesselflow.core.model import iso
from vesselflow.settings import Settings


@click.group("topics")
def command() -> None:
    """Create the topics, and read them."""


@command.command()
def create() -> None:
    """Create the topics that do not exist, changelogs of the tables included."""
    # The tables know their changelogs; importing them and Faust takes a second.
    from vesselflow.app import topic_specs

    settings = Settings.from_env(os.environ)
    specs = topic_specs(settings)
    created = asyncio.run(create_topics(settings.kafka_brokers, specs))
    for spec in specs:
        word = "created" if spec.name in created else "exists"
        click.echo(f"{word:<8} {spec.name} ({spec.partitions} partition{'s' * (spec.partitions > 1)})")


@command.command()
@click.argument("topic")
@click.option("--from-beginning", is_flag=True, help="From the log's beginning; the default without --follow.")
@click.option(
    "--last", type=click.IntRange(min=0), metavar="N", help="Only the last N records, of all partitions together."
)
@click.option("--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--partition", "partitions", type=click.IntRange(min=0), multiple=True, help="Only this one; repeatable.")
def cat(topic: str, from_beginning: bool, last: int | None, follow: bool, partitions: tuple[int, ...]) -> None:
    """Print the records of TOPIC as JSON lines: partition, offset, timestamp, key, value.

    Positions are shown as an array of rows, table rows as objects; bytes of no known form as {"base64": ...}.
    Partitions are read side by side, each in its order.
    """
    if from_beginning and last is not None:
        raise UsageError("expected --from-beginning or --last, got both")
    if follow and not from_beginning:
        last = last or 0
    brokers = Settings.from_env(os.environ).kafka_brokers
    with reader_may_leave():
        asyncio.run(_print_all(brokers, topic, partitions, last, follow))


async def _print_all(brokers: str, topic: str, partitions: tuple[int, ...], last: int | None, follow: bool) -> None:
    async with open_log(brokers, topic, partitions) as log:
        await log.go_back(last)
        async for record in log.until_now() if last is None else _newest(log, last):
            _print(topic, record)
        if follow:
            async for record in log.for_ever():
                _print(topic, record)


async def _newest(log: Log, last: int) -> AsyncIterator[LogRecord]:
    """Yield the newest records of all partitions together, oldest first."""
    found = [record async for record in log.until_now()]
    found.sort(key=lambda record: (record.timestamp_ms, record.partition, record.offset))
    for record in found[max(0, len(found) - last) :]:
        yield record


def _print(topic: str, record: LogRecord) -> None:
    key, value = readable(topic, record.key, record.value)
    place = {"partition": record.partition, "offset": record.offset, "timestamp": iso(record.timestamp_ms)}
    print_line({**place, "key": key, "value": value})
