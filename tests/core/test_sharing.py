"""Ships that share a number are known by names that come back."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from vesselflow.core.sharing import MEMORY_MS, Names, fold_name

HOUR_MS = 3_600_000


def after(reports: Sequence[tuple[int, str]]) -> Names:
    names = Names()
    for (_, previous), (at_ms, name) in pairwise(reports):
        names = names.renamed(previous, name, at_ms)
    return names


def test_a_ship_that_gets_a_new_name_shares_its_number_with_nobody() -> None:
    names = after([(0, "a"), (HOUR_MS, "b")])

    assert not names.is_shared(2 * HOUR_MS)
    assert names.had_another(2 * HOUR_MS)
    assert names.had("a", 2 * HOUR_MS)
    assert not names.had("b", 2 * HOUR_MS)


def test_a_name_that_comes_back_within_a_day_is_another_ships() -> None:
    names = after([(0, "a"), (1, "b"), (2 + MEMORY_MS // 2, "a")])

    assert names.is_shared(3 + MEMORY_MS // 2)


def test_a_name_that_comes_back_later_is_a_new_name() -> None:
    assert not after([(0, "a"), (1, "b"), (2 + MEMORY_MS, "a")]).is_shared(3 + MEMORY_MS)


def test_a_number_is_no_longer_shared_a_day_after_the_last_return() -> None:
    names = after([(0, "a"), (1, "b"), (2, "a")])

    assert names.is_shared(2 + MEMORY_MS)
    assert not names.is_shared(3 + MEMORY_MS)
    assert not names.had_another(3 + MEMORY_MS)


def test_a_number_that_a_whole_fleet_uses_is_remembered_in_part() -> None:
    names = after([(number, f"boat {number}") for number in range(1000)])

    assert list(names.until_ms) == [f"boat {number}" for number in range(983, 999)]


def test_names_survive_msgpack() -> None:
    names = after([(0, "a"), (1, "b"), (2, "a")])

    assert Names.from_note(msgspec.msgpack.decode(msgspec.msgpack.encode(names.to_note()))) == names
    assert Names.from_note(None) == Names()


def test_case_and_blanks_tell_no_names_apart() -> None:
    assert fold_name("Sannou  No. 2") == fold_name("SANNOU NO.2") != fold_name("SANNOU NO.3")
