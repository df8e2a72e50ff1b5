"""What a process holds of the fences, as changes come in."""

from vesselflow.core.fence_states import are_same, coming, merged, with_good_rules
from vesselflow.core.model import FenceVersion


def state(id_: str, from_ms: int, until_ms: int | None = None, rules: str = "{}") -> FenceVersion:
    return FenceVersion(id_, "ann", f"Port {id_}", b"", from_ms, until_ms, rules)


def held(*states: FenceVersion) -> dict[tuple[str, int], FenceVersion]:
    return {(each.id, each.from_ms): each for each in states}


def test_a_state_that_ended_stands_in_the_place_of_itself() -> None:
    before = held(state("a", 10), state("b", 10))

    after = merged(before, [state("a", 10, 20), state("a", 20)], since_ms=0)

    assert after == held(state("a", 10, 20), state("b", 10), state("a", 20))
    assert before == held(state("a", 10), state("b", 10))


def test_what_ended_long_ago_is_forgotten() -> None:
    before = held(state("a", 10, 20), state("a", 20, 30), state("a", 30))

    assert merged(before, [], since_ms=20) == held(state("a", 20, 30), state("a", 30))


def test_states_are_the_same_in_any_order() -> None:
    both = held(state("a", 10, 20), state("b", 10))

    assert are_same(both, held(state("b", 10), state("a", 10, 20)))
    assert not are_same(both, held(state("a", 10, 20), state("b", 10, 20)))
    assert not are_same(both, held(state("b", 10)))


def test_bad_rules_are_no_rules_and_are_told() -> None:
    good, bad = state("a", 10, rules='{"margin_m": 5}'), state("b", 10, rules='{"margin": 5}')

    states, refused = with_good_rules([good, bad])

    assert states == [good, state("b", 10)]
    [sentence] = refused
    assert sentence.startswith("fence b of ann (Port b): expected rules among events, ")


def test_moments_that_come_are_told_in_order_and_once() -> None:
    states = [state("a", 10, 40), state("b", 40), state("c", 20, 30), state("d", 25)]

    assert coming(states, 25) == [30, 40]
