"""What a vessel reports of itself: how each attribute stands in a row and in words, and when two values are the same.

Here every value is a text, None when it is missing: what a person reads, but for the status, which is its code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vesselflow.core.ais import nav_status_name
from vesselflow.core.etas import NO_ETA, eta_minute, eta_text, minutes_apart
from vesselflow.core.model import FloatArray, PositionBatch
from vesselflow.core.sharing import fold_name
from vesselflow.core.states import Strings

Same = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute: its name, the event that tells of its change, and the field of a row that holds it.

    ``reported`` reads it from a fix, ``stored`` from a row, ``to_store`` makes the row's value of it, ``shown``
    says it in words. ``missing`` is the row's value for none. One that ``is_spelled`` has several texts that are
    the same.
    """

    name: str
    kind: str
    field: str
    missing: int
    reported: Callable[[PositionBatch, int], str | None]
    stored: Callable[[Any, Strings], str | None]
    to_store: Callable[[str, Strings], float]
    shown: Callable[[str], str] = str
    is_spelled: bool = False


def _text_attribute(name: str, kind: str) -> Attribute:
    return Attribute(
        name,
        kind,
        field=name,
        missing=-1,
        reported=lambda batch, row: batch.text(name, row) or None,
        stored=lambda number, strings: strings.text(int(number)),
        to_store=lambda text, strings: strings.number(text),
        is_spelled=True,
    )


def rounded_m(draught_m: FloatArray) -> FloatArray:
    """Return draughts rounded to centimetres, 0 for none: finer than anybody measures, and coarser than 32 bits."""
    return np.nan_to_num(np.rint(draught_m.astype(np.float64) * 100) / 100).astype(np.float32)


def _metres(value: Any) -> str | None:
    metres = float(rounded_m(np.array([value]))[0])
    return f"{round(metres, 2):g}" if metres else None


def _reported_eta(batch: PositionBatch, row: int) -> str | None:
    return eta_text(eta_minute(batch.text("eta", row) or "")) or None


def _reported_status(batch: PositionBatch, row: int) -> str | None:
    code = int(batch.nav_status[row])
    return str(code) if code >= 0 else None


NAME: Final = _text_attribute("name", "name.changed")
FLAG: Final = _text_attribute("flag", "flag.changed")
STATUS: Final = Attribute(
    "status",
    "status.changed",
    # A new row is all zeros, and 0 is a status.
    field="status_plus_1",
    missing=0,
    reported=_reported_status,
    stored=lambda value, _: str(int(value) - 1) if value else None,
    to_store=lambda code, _: int(code) + 1,
    shown=lambda code: nav_status_name(int(code)) or code,
)
DRAUGHT: Final = Attribute(
    "draught",
    "draught.changed",
    field="draught_m",
    missing=0,
    reported=lambda batch, row: _metres(batch.draught_m[row]),
    stored=lambda value, _: _metres(value),
    to_store=lambda metres, _: float(metres),
)
ETA: Final = Attribute(
    "eta",
    "eta.changed",
    field="eta_minute",
    missing=NO_ETA,
    reported=_reported_eta,
    stored=lambda minute, _: eta_text(int(minute)) or None,
    to_store=lambda text, _: eta_minute(text),
)

#: In the order in which the changes of one fix are announced.
ATTRIBUTES: Final = (NAME, FLAG, STATUS, DRAUGHT, ETA)


def same_by(*, draught_m: float, eta_minutes: int) -> dict[str, Same]:
    """Return by attribute when two values are the same.

    Names are compared without case and blanks, flags without case; draughts are the same below *draught_m* apart, ETAs
    below *eta_minutes*.
    """
    return {
        "name": lambda one, other: fold_name(one) == fold_name(other),
        "flag": lambda one, other: one.casefold() == other.casefold(),
        "status": str.__eq__,
        "draught": lambda one, other: round(abs(float(one) - float(other)), 2) < draught_m,
        "eta": lambda one, other: minutes_apart(eta_minute(one), eta_minute(other)) < eta_minutes,
    }
