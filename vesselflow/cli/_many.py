"""An option that takes values up to the next option: ``--positions a b`` is ``--positions a --positions b``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click


class ManyOption(click.Option):
    """An option of a `ManyCommand`, given once or several times, each time with one value or more."""

    def __init__(self, *names: Any, **attributes: Any) -> None:
        super().__init__(*names, **attributes | {"multiple": True})


class ManyCommand(click.Command):
    """A command without arguments of its own, so that every value belongs to the option before it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse *args* as click does, with the name of a `ManyOption` before each of its values."""
        many = {name for option in self.params if isinstance(option, ManyOption) for name in option.opts}
        return super().parse_args(ctx, spread(args, many))


def spread(arguments: Sequence[str], many: set[str]) -> list[str]:
    """Return *arguments* with the name of an option of *many* repeated before all of its values but the first."""
    result: list[str] = []
    option, has_value = "", False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        if argument.startswith("-") and argument != "-":
            option, has_value = (name if name in many else ""), bool(equals)
        elif option and has_value:
            result.append(option)
        else:
            has_value = True
        result.append(argument)
    return result
