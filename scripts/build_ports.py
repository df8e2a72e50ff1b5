"""Merge three public lists of ports into one table with a row for each UN/LOCODE.

    python scripts/build_ports.py UpdatedPub150.csv searoute_ports.geojson sea-ports.json > vesselflow/core/data/ports.csv

What was left out is said on standard error. Where the files come from stands in vesselflow/core/data/README.md.
"""

import csv
import json
import math
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

#: UN/LOCODE: two letters of ISO 3166-1, then letters or the digits 2 to 9 (UNECE Recommendation 16, section 3.2).
LOCODE = re.compile(r"[A-Z]{2}[A-Z2-9]{3}")
SIZES = {"Large": "L", "Medium": "M", "Small": "S", "Very Small": "V"}
#: Records of one code further apart than this are not of one port.
APART_KM = 150.0
#: A port without a code is that of its name this near.
SAME_PORT_KM = 15.0
HEADER = ("locode", "name", "lon", "lat", "size", "links", "other_names")


@dataclass(frozen=True, slots=True)
class Record:
    """What one list says of one port; names, the main one first; the place is None where it says none."""

    source: str
    locode: str
    names: tuple[str, ...]
    place: tuple[float, float] | None
    size: str = ""
    links: int = 0


def main(world_port_index: str, searoute: str, sea_ports: str) -> None:
    """Write the table of these three files to standard output."""
    # The order is that in which a place is believed.
    coded, uncoded = split([*of_world_port_index(world_port_index), *of_sea_ports(sea_ports), *of_searoute(searoute)])
    rows = {code: row(code, records) for code, records in sorted(with_uncoded(coded, uncoded).items())}
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows.values())
    print(f"{len(rows):,} ports; {len(uncoded):,} records without a code", file=sys.stderr)


def of_world_port_index(file: str) -> Iterator[Record]:
    """Yield the ports of the World Port Index (Pub. 150 as CSV)."""
    with Path(file).open(encoding="utf-8-sig", newline="") as lines:
        for port in csv.DictReader(lines):
            others = [name for name in port["Alternate Port Name"].split(";") if name.strip()]
            names = [each for name in (port["Main Port Name"], *others) for each in split_name(name)]
            place = (float(port["Longitude"]), float(port["Latitude"]))
            code = port["UN/LOCODE"].replace(" ", "")
            yield Record("World Port Index", code, tuple(names), place, SIZES.get(port["Harbor Size"], ""))


def of_searoute(file: str) -> Iterator[Record]:
    """Yield the ports of searoute; its links are the countries that ships sail to from there."""
    for feature in json.loads(Path(file).read_text(encoding="utf-8"))["features"]:
        port = feature["properties"]
        longitude, latitude = feature["geometry"]["coordinates"]
        names = tuple(split_name(port["name"]))
        yield Record("searoute", port["port"], names, (longitude, latitude), links=len(port.get("to_cty") or ()))


def of_sea_ports(file: str) -> Iterator[Record]:
    """Yield the ports of sea-ports. Its aliases are left out: they are neighbours, Tacoma for Seattle."""
    for code, port in json.loads(Path(file).read_text(encoding="utf-8")).items():
        longitude, latitude = port.get("coordinates") or (None, None)
        place = None if longitude is None else (longitude, latitude)
        yield Record("sea-ports", code, tuple(split_name(port["name"])), place)


def split_name(text: str) -> list[str]:
    """Return the names in *text*, the main one first.

    >>> split_name("Annaba (ex Bone)"), split_name("Kemi/Tornea (Kemi/Tornio)"), split_name("Miri, Sarawak")
    (['Annaba', 'Bone'], ['Kemi', 'Tornea', 'Tornio'], ['Miri'])
    >>> split_name("Portland (Me)"), split_name("Keppel - (East Singapore)")
    (['Portland'], ['Keppel', 'East Singapore'])
    """
    if " Apt" in text:  # an airport: "John F. Kennedy Apt/New York"
        return []
    inner = re.findall(r"\(([^)]*)\)", text)
    parts = [re.sub(r"\([^)]*\)?", " ", text), *(re.sub(r"^ex ", "", each) for each in inner)]
    names = [" ".join(name.split(",")[0].split()).strip(" -") for part in parts for name in part.split("/")]
    kept = [name for name in names[:1] if name] + [name for name in names[1:] if len(name) > 2]
    return list(dict.fromkeys(kept))


def split(records: Iterable[Record]) -> tuple[dict[str, list[Record]], list[Record]]:
    """Return the records by code, and those without one. A code of a wrong form is named and its record left out."""
    coded: dict[str, list[Record]] = defaultdict(list)
    uncoded = []
    for record in records:
        if LOCODE.fullmatch(record.locode) and record.names:
            coded[record.locode].append(record)
        elif record.locode or not record.names:
            print(f"{record.source}: left out {record.locode!r}, names {record.names}", file=sys.stderr)
        else:
            uncoded.append(record)
    return coded, uncoded


def with_uncoded(coded: dict[str, list[Record]], uncoded: list[Record]) -> dict[str, list[Record]]:
    """Return *coded* with each record of *uncoded* that has the name and the place of a port in it."""
    by_name: dict[str, list[Record]] = defaultdict(list)
    for record in (record for records in coded.values() for record in records):
        by_name[folded(record.names[0])].append(record)
    found: dict[str, list[Record]] = {code: list(records) for code, records in coded.items()}
    for record in uncoded:
        near = [other for other in by_name[folded(record.names[0])] if km_apart(record, other) < SAME_PORT_KM]
        if near:
            found[near[0].locode].append(record)
    return found


def row(code: str, records: list[Record]) -> tuple[str | int, ...]:
    """Return the row of the table in which *records*, of one code, are merged."""
    sound = without_strays(turned(records))
    longitude, latitude = next((record.place for record in sound if record.place), ("", ""))
    size = next((record.size for record in sound if record.size), "")
    name, *others = names_of(sound)
    links = max(record.links for record in sound)
    return (code, name, place(longitude), place(latitude), size, links, ";".join(sorted(others)))


def names_of(records: list[Record]) -> list[str]:
    """Return the names of a port: first the one that most lists give it, in the spelling of the most careful list."""
    order = ("sea-ports", "searoute", "World Port Index")
    names = [name for record in sorted(records, key=lambda record: order.index(record.source)) for name in record.names]
    lists = Counter(name for record in records for name in {*map(folded, record.names)})
    first = max(names, key=lambda name: lists[folded(name)])
    others = {folded(name): name for name in reversed(names) if folded(name) != folded(first)}
    return [first.title() if first.isupper() else first, *others.values()]


def place(degrees: float | str) -> str:
    """Return *degrees* to about 10 m."""
    return f"{degrees:.4f}".rstrip("0").rstrip(".") if isinstance(degrees, float | int) else degrees


def turned(records: list[Record]) -> list[Record]:
    """Return *records* with latitude and longitude the right way round, where another list shows that they are not."""
    return [turned_record(record, [other for other in records if other is not record]) for record in records]


def turned_record(record: Record, others: list[Record]) -> Record:
    """Return *record*, turned round if that brings it to one of *others* and it is far from all."""
    if record.place is None or any(km_apart(record, other) < APART_KM for other in others):
        return record
    swapped = Record(record.source, record.locode, record.names, record.place[::-1], record.size, record.links)
    return swapped if any(km_apart(swapped, other) < APART_KM for other in others) else record


def without_strays(records: list[Record]) -> list[Record]:
    """Return the records of one port: those that lie where most do, else where the first does.

    A stray of the same name stays, behind them: its place is wrong, its name is not. One of another name has a
    wrong code.
    """
    near = {id(one): [other for other in records if km_apart(one, other) < APART_KM] for one in records}
    first = max(records, key=lambda record: (record.place is not None, len(near[id(record)])))
    kept = [record for record in records if record in near[id(first)]]
    names = {folded(name) for record in kept for name in record.names}
    strays = [record for record in records if record not in kept and names & {*map(folded, record.names)}]
    for record in records:
        if record not in kept and record not in strays:
            print(
                f"{record.source}: left out {record.locode} {record.names[0]}, not where the others are",
                file=sys.stderr,
            )
    return kept + strays


def km_apart(one: Record, other: Record) -> float:
    """Return the great-circle distance; 0 when either has no place."""
    if one.place is None or other.place is None:
        return 0.0
    (lon, lat), (lon2, lat2) = (map(math.radians, record.place) for record in (one, other) if record.place)
    half = math.sin((lat2 - lat) / 2) ** 2 + math.cos(lat) * math.cos(lat2) * math.sin((lon2 - lon) / 2) ** 2
    return 2 * 6371.0 * math.asin(math.sqrt(min(1.0, half)))


def folded(name: str) -> str:
    """Return the letters of *name* alone, without marks, in capitals."""
    return re.sub(r"[^A-Z]", "", unicodedata.normalize("NFKD", name).upper())


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(f"expected three files, got {len(sys.argv) - 1}: {(__doc__ or '').split(chr(10))[2].strip()}")
    main(*sys.argv[1:])
