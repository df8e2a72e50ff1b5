"""Fence states that a process holds, and what it loaded -> those it holds now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from vesselflow.core.errors import InvalidRules
from vesselflow.core.fence_rules import NO_RULES, fence_rules_of
from vesselflow.core.model import FenceVersion

#: By id and beginning, which stay the same when a state ends.
FenceStates = Mapping[tuple[str, int], FenceVersion]


def merged(held: FenceStates, loaded: Iterable[FenceVersion], since_ms: int) -> FenceStates:
    """Return *held* with *loaded*, without what ended at or before *since_ms*."""
    states = {key: state for key, state in held.items() if state.until_ms is None or state.until_ms > since_ms}
    states.update(((state.id, state.from_ms), state) for state in loaded)
    return states


def are_same(held: FenceStates, loaded: FenceStates) -> bool:
    """Tell whether both hold the same states.

    Compared one by one: in a single call, two sets of 100,000 would hold up every other thread for a tenth of a second.
    """
    return len(held) == len(loaded) and all(held.get(key) == state for key, state in loaded.items())


def with_good_rules(loaded: Iterable[FenceVersion]) -> tuple[list[FenceVersion], list[str]]:
    """Return *loaded*, those with rules that are not allowed without rules, and a sentence for each of these.

    Anyone may write to the table of fences; one bad object must not keep the others from being judged.
    """
    states, refused = [], []
    for state in loaded:
        try:
            fence_rules_of(state.rules)
        except InvalidRules as error:
            refused.append(f"fence {state.id} of {state.client_id} ({state.name}): {error}")
            state = replace(state, rules=NO_RULES)
        states.append(state)
    return states, refused


def coming(states: Iterable[FenceVersion], now_ms: int) -> list[int]:
    """Return the moments after now at which a state begins or ends, in order."""
    moments = {moment for state in states for moment in (state.from_ms, state.until_ms)}
    return sorted(moment for moment in moments if moment is not None and moment > now_ms)
