"""Create the topics in Kafka, and look at them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from vesselflow.core.errors import Unavailable


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic as it is to be: partitions, copies, and settings beyond the broker's own."""

    name: str
    partitions: int
    copies: int
    configs: Mapping[str, str]


async def create_topics(brokers: str, specs: Collection[TopicSpec]) -> list[str]:
    """Create those of *specs* that do not exist; return their names. Existing ones stay as they are.

    Raises:
        Unavailable: no broker answers, or one refuses.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers.split(","), request_timeout_ms=15_000)
    try:
        await admin.start()
        return await _create(admin, specs)
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka at {brokers}: {error}") from error
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, specs: Collection[TopicSpec]) -> list[str]:
    existing = set(await admin.list_topics())
    missing = [spec for spec in specs if spec.name not in existing]
    if not missing:
        return []
    answer = await admin.create_topics(
        [NewTopic(spec.name, spec.partitions, spec.copies, topic_configs=dict(spec.configs)) for spec in missing]
    )
    for name, code, *detail in answer.topic_errors:
        error = for_code(code)
        # Another process may have made it a moment ago.
        if code and error is not TopicAlreadyExistsError:
            raise Unavailable(f"Kafka did not create topic {name}: {detail[0] if detail else error.__name__}")
    return [spec.name for spec in missing]
