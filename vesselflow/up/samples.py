"""The sample clients, their fences and preferences, and the sample tracks that cross them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vesselflow.adapters.fences import PostgresFences
from vesselflow.adapters.pool import Database
from vesselflow.adapters.preferences import PostgresPreferences
from vesselflow.core.shapes import parse_geojson

SAMPLES: Final = Path(__file__).parents[1] / "samples"
PREFERENCES: Final[dict[str, Any]] = {"geofence_alert": {"enabled": True}, "destination_change": {"enabled": True}}

#: An AIS position is sent every 2 s to 6 min; a head of so many minutes fills the map at once.
AISHUB_HEAD_S: Final = 80.0
SOLENT_HEAD_S: Final = 840.0
#: A position older than the limit when it is received raises no alert.
MARGIN_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Track:
    """One file to replay: its first *head_s* at once, the rest as it happens, then again."""

    name: str
    file: Path
    head_s: float

    def arguments(self, alert_limit_s: float) -> list[str]:
        """Return the arguments of ``vesselflow`` that replay it, moved to now."""
        head_s = max(0.0, min(self.head_s, alert_limit_s - MARGIN_S))
        return ["replay", "--shift-to-now", "--head", f"{head_s:.0f}", "--loop", str(self.file)]


TRACKS: Final = (
    Track("replay-aishub", SAMPLES / "aishub-2012-03-14.nmea.gz", AISHUB_HEAD_S),
    Track("replay-solent", SAMPLES / "solent-2016-01-12.csv.gz", SOLENT_HEAD_S),
)


def fence_files() -> dict[str, Path]:
    """Return each sample client's file of fences."""
    return {path.stem: path for path in sorted((SAMPLES / "fences").glob("*.geojson"))}


async def load(database_url: str) -> int:
    """Store the sample clients' fences, and preferences for a client that has none; return how many fences they have.

    What is there stays as it is, so that a client's own changes outlive the next start.

    Raises:
        Unavailable: Postgres does not answer.
    """
    database = Database(database_url, connections=1)
    fences, preferences = PostgresFences(database), PostgresPreferences(database)
    count = 0
    try:
        for client_id, path in fence_files().items():
            shapes = parse_geojson(path.read_bytes())
            count += len(await fences.insert_fences(client_id, [(shape.name or "", shape.wkb) for shape in shapes]))
            if not (await preferences.preferences())[client_id]:
                await preferences.set_preferences(client_id, PREFERENCES)
    finally:
        await database.close()
    return count
