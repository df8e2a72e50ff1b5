"""Columns of the newest positions -> hashes and the geo index, by one script inside of Redis.

A vessel costs Python about as much as its share of the encoding; the comparison with what is stored has to happen in
Redis anyway, or two workers could overwrite each other's newer position.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
import numpy as np

from vesselflow.core.model import FloatArray, IntArray, PositionBatch

GEO_KEY: Final = "vessels:geo"
IMO_BY_MMSI_KEY: Final = "vessels:imo"
#: Redis cannot place what is nearer to the poles.
MAX_GEO_LAT_DEG: Final = 85.05

_LAST_IMO: Final = 9_999_999

# Fields that a position without them takes away; the others stay as they were last known.
_MOVING: Final = ("speed", "course", "heading", "status")
_STATIC: Final = ("name", "type", "flag", "destination")

MOVE: Final = """
local call = redis.call
local b = cmsgpack.unpack(ARGV[1])
local fields, columns, moving = b.fields, b.columns, b.moving
local geo, gone = {}, {}

local function flush()
    if #geo > 0 then call('GEOADD', 'vessels:geo', unpack(geo)); geo = {} end
    if #gone > 0 then call('ZREM', 'vessels:geo', unpack(gone)); gone = {} end
end

-- The old key of a vessel whose IMO number has become known. Tells whether that key is newer.
local function rename(mmsi, imo, at)
    local old = 'vessel:mmsi-' .. mmsi
    local stored = call('HGET', old, 'at')
    if stored and tonumber(stored) > at then return true end
    call('DEL', old)
    call('ZREM', 'vessels:geo', old)
    call('HSET', 'vessels:imo', mmsi, imo)
    return false
end

-- A vessel known by its MMSI alone. If it once had an IMO number, that key is told to look for this one again.
local function forget(mmsi)
    local imo = call('HGET', 'vessels:imo', mmsi)
    if imo then
        call('HDEL', 'vessels:imo', mmsi)
        if call('EXISTS', 'vessel:' .. imo) == 1 then call('HDEL', 'vessel:' .. imo, 'mmsi') end
    end
end

local args = {}
for i = 1, #b.keys do
    local key, at, imo, mmsi = b.keys[i], b.at[i], b.imo[i], b.mmsi[i]
    local stored = call('HMGET', key, 'at', 'mmsi')
    local newer = stored[1] and tonumber(stored[1]) > at
    if not newer and imo ~= '' and mmsi ~= '' and stored[2] ~= mmsi then newer = rename(mmsi, imo, at) end
    if not newer then
        args[1], args[2] = 'at', string.format('%.0f', at)
        local n, absent = 2, nil
        for f = 1, #fields do
            local value = columns[f][i]
            if value ~= '' then
                args[n + 1], args[n + 2] = fields[f], value
                n = n + 2
            elseif f <= moving then
                absent = absent or {}
                absent[#absent + 1] = fields[f]
            end
        end
        if not stored[1] then
            if imo == '' then forget(mmsi) end
            call('HSET', key, 'destination', '')
        elseif absent then
            call('HDEL', key, unpack(absent))
        end
        call('HSET', key, unpack(args, 1, n))
        call('EXPIRE', key, b.ttl_s)
        if b.placed[i] then
            local g = #geo
            geo[g + 1], geo[g + 2], geo[g + 3] = b.lon[i], b.lat[i], key
        else
            gone[#gone + 1] = key
        end
        if #geo >= 1500 or #gone >= 500 then flush() end
    end
end
flush()
"""


def encode_move(batch: PositionBatch, ttl_s: int) -> bytes:
    """Return the script's argument for *batch*, one position a vessel; numbers are texts as JavaScript writes them."""
    imo = np.where(batch.imo > 0, batch.imo, np.where(batch.vessel <= _LAST_IMO, batch.vessel, 0))
    imos, mmsis = _integers(imo), _integers(batch.mmsi)
    lon, lat = _floats(batch.lon_deg), _floats(batch.lat_deg)
    columns: dict[str, list[str]] = {
        "speed": _floats(batch.sog_kn, decimals=3),
        "course": _floats(batch.cog_deg, decimals=3),
        "heading": _floats(batch.heading_deg, decimals=3),
        "status": _integers(batch.nav_status, least=0),
        **dict(zip(_STATIC, _texts(batch), strict=True)),
        "latitude": lat,
        "longitude": lon,
        "updatedAt": [f"{text}Z" for text in np.datetime_as_string(batch.at_ms.astype("datetime64[ms]")).tolist()],
        "imo": imos,
        "mmsi": mmsis,
    }
    move: dict[str, Any] = {
        "ttl_s": ttl_s,
        "fields": list(columns),
        "columns": list(columns.values()),
        "moving": len(_MOVING),
        "keys": [f"vessel:{imo}" if imo else f"vessel:mmsi-{mmsi}" for imo, mmsi in zip(imos, mmsis, strict=True)],
        "at": batch.at_ms.tolist(),
        "imo": imos,
        "mmsi": mmsis,
        "lon": lon,
        "lat": lat,
        "placed": (np.abs(batch.lat_deg) <= MAX_GEO_LAT_DEG).tolist(),
    }
    return msgspec.msgpack.encode(move)


def _texts(batch: PositionBatch) -> list[list[str]]:
    # Index -1, not available, is the last element.
    table = (*batch.strings, "")
    columns = (batch.name, batch.ship_type, batch.flag, batch.destination)
    return [[table[index] for index in column.tolist()] for column in columns]


def _integers(column: IntArray, least: int = 1) -> list[str]:
    """Return integers as text, empty below *least*."""
    return [str(number) if number >= least else "" for number in column.tolist()]


def _floats(column: FloatArray, decimals: int | None = None) -> list[str]:
    """Return numbers as the shortest text that reads back the same, without ``.0``; empty for NaN.

    The JSON encoder writes the shortest form, a whole column in one call. Adding zero turns -0 into 0.
    """
    exact = column.astype(np.float64) if decimals is None else np.round(column.astype(np.float64), decimals)
    text = msgspec.json.encode((exact + 0.0).tolist())[1:-1].decode() + ","
    return text.replace(".0,", ",").replace("null", "").split(",")[:-1]
