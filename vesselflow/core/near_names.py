"""A name with a wrong letter or two -> the names it may be meant for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from rapidfuzz.distance import OSA, Levenshtein

#: Letters of a name from which on one of them may be wrong, and two.
ONE_LETTER_FROM: Final = 6
TWO_LETTERS_FROM: Final = 9
#: From here on a name is so long that any letter may stand for another, and below it only one that sounds like it.
LONG: Final = 8
_END: Final = 3
_SOUNDS: Final = ("AEIOUY", "CKQGX", "SZC", "BP", "DT", "FVWU", "IJY", "MN", "LR")


class NearNames:
    """Names, each a key of `spelling.key`, by how they begin and end."""

    def __init__(self, names: Iterable[str]) -> None:
        starts: dict[str, list[str]] = defaultdict(list)
        ends: dict[str, list[str]] = defaultdict(list)
        for name in names:
            if len(name) >= ONE_LETTER_FROM - 1:
                starts[name[:_END]].append(name)
                ends[name[-_END:]].append(name)
        self._starts, self._ends = dict(starts), dict(ends)

    def nearest(self, name: str, *, one_letter_from: int = ONE_LETTER_FROM) -> tuple[int, list[str]]:
        """Return the names nearest to *name* and by how many letters they differ from it: one, or two in a long name.

        A letter is left out, put in, changed, or changes places with its neighbour. The first three letters or the last three
        must be right; in a name below nine letters the first of all too, since it is rarely missed.
        """
        most = 2 if len(name) >= TWO_LETTERS_FROM else 1 if len(name) >= one_letter_from else 0
        if not most:
            return 0, []
        found: dict[str, None] = {}
        for other in (*self._starts.get(name[:_END], ()), *self._ends.get(name[-_END:], ())):
            if abs(len(other) - len(name)) > most or (other[0] != name[0] and len(name) < TWO_LETTERS_FROM):
                continue
            apart = OSA.distance(name, other, score_cutoff=most)
            if apart > most or ((len(name) < LONG or apart > 1) and not sounds_like(name, other)):
                continue
            if apart < most:
                most, found = apart, {}
            found[other] = None
        return most, list(found)


def sounds_like(name: str, other: str) -> bool:
    """Return whether each letter that stands for another sounds like it, which tells a misspelt name from another place.

    Letters too many, too few, or in each other's place always do.

    >>> sounds_like("VISOTSK", "VYSOTSK"), sounds_like("TILBURG", "TILBURY"), sounds_like("GDANKS", "GDANSK")
    (True, False, True)
    """
    if OSA.distance(name, other) < Levenshtein.distance(name, other):
        return True
    changed = (
        (name[edit.src_pos], other[edit.dest_pos]) for edit in Levenshtein.editops(name, other) if edit.tag == "replace"
    )
    return all(any(one in sounds and two in sounds for sounds in _SOUNDS) for one, two in changed)
