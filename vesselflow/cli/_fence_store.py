"""The fences that the commands work on."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from vesselflow.adapters.fences import PostgresFences
from vesselflow.adapters.pool import Database
from vesselflow.settings import Settings

T = TypeVar("T")


async def with_fences(use: Callable[[PostgresFences], Awaitable[T]]) -> T:
    """Return what *use* makes of the fences in the database of the settings."""
    database = Database(Settings.from_env(os.environ).database_url, connections=1)
    try:
        return await use(PostgresFences(database))
    finally:
        await database.close()
