"""Which fixes are newer than their vessel's last."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vesselflow.core.order import in_order


def test_fixes_that_are_late_or_repeat_the_last_one_are_not_newer() -> None:
    # vessel   0   1   0   0   1   0
    # time     5   9   5   4   8   6     before the batch: 4 and 8
    order = in_order(np.array([0, 1, 0, 0, 1, 0]), np.array([5, 9, 5, 4, 8, 6]), np.array([4, 8, 4, 4, 8, 4]))

    assert order.newer.tolist() == [True, True, False, False, False, True]
    assert order.last.tolist() == [5, 1]


def test_a_vessel_without_a_newer_fix_has_no_last_one() -> None:
    order = in_order(np.array([3, 2]), np.array([5, 5]), np.array([5, 4]))

    assert (order.newer.tolist(), order.last.tolist()) == ([False, True], [1])


def test_vessels_with_several_newer_fixes_are_found() -> None:
    # vessel 0 twice, vessel 1 once and once late, vessel 2 once
    slots = np.array([0, 1, 0, 2, 1])
    order = in_order(slots, np.array([5, 9, 6, 5, 8]), np.zeros(5, dtype=np.int64))

    assert order.several(slots).tolist() == [True, False, True, False, False]


def test_an_empty_batch_has_no_newer_fix() -> None:
    nothing = np.array([], dtype=np.int64)

    assert in_order(nothing, nothing, nothing).last.size == 0


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 253_402_300_799_999)), max_size=50), st.integers(0, 10))
def test_the_same_as_a_loop(fixes: list[tuple[int, int]], start_ms: int) -> None:
    slots = np.array([slot for slot, _ in fixes], dtype=np.int64)
    at_ms = np.array([at for _, at in fixes], dtype=np.int64)
    newest = dict.fromkeys(range(5), start_ms)
    newer, last = [], {}
    for index, (slot, at) in enumerate(fixes):
        newer.append(at > newest[slot])
        if newer[-1]:
            newest[slot], last[slot] = at, index

    order = in_order(slots, at_ms, np.full(len(fixes), start_ms))

    assert order.newer.tolist() == newer
    assert order.last.tolist() == [last[slot] for slot in sorted(last)]
