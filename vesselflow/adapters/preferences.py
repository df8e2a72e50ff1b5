"""Each client's preferences in Postgres."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from vesselflow.adapters.pool import Database

_PREFERENCES: Final = """
    SELECT client_id, preferences
    FROM user_preferences
    UNION ALL
    SELECT DISTINCT client_id, '{}'::jsonb
    FROM geofences
    WHERE NOT EXISTS (SELECT FROM user_preferences AS p WHERE p.client_id = geofences.client_id)
"""
_VERSION: Final = """
    SELECT version
    FROM change_versions
    WHERE name = 'preferences'
"""
_SET: Final = """
    INSERT INTO user_preferences (client_id, preferences)
    VALUES ($1, $2::text::jsonb)
    ON CONFLICT (client_id) DO UPDATE
    SET preferences = excluded.preferences
    WHERE user_preferences.preferences <> excluded.preferences
"""


class PostgresPreferences:
    """Fulfils `PreferenceStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def preferences(self) -> dict[str, dict[str, Any]]:
        """Return every client with a row or a fence: its stored preferences, ``{}`` without a row."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(_PREFERENCES)
            return {row["client_id"]: msgspec.json.decode(row["preferences"]) for row in rows}

    async def preferences_version(self) -> int:
        """Return a number that grows with every change of a preference or of the set of clients."""
        async with self._database.connection() as connection:
            return int(await connection.fetchval(_VERSION))

    async def set_preferences(self, client_id: str, preferences: dict[str, Any]) -> None:
        """Store a client's preferences in the place of what there was; the caller has checked them."""
        async with self._database.connection() as connection:
            await connection.execute(_SET, client_id, msgspec.json.encode(preferences).decode())
