"""The port table and its look-ups. Codes and places are those of UNECE's UN/LOCODE pages and of the pilot books."""

import csv
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from vesselflow.core.near_names import NearNames
from vesselflow.core.port import BY_IMPORTANCE, BY_NAME, BY_ONE_LETTER, BY_TWO_LETTERS
from vesselflow.core.ports_gazetteer import Gazetteer, gazetteer
from vesselflow.core.states_of_ports import states_at

ROOT = Path(__file__).parents[2]
HEADER = b"locode,name,lon,lat,size,links,other_names\n"
PORTS = gazetteer()


def ports(*rows: str, aliases: str = "") -> Gazetteer:
    return Gazetteer.from_bytes(HEADER + "\n".join(rows).encode(), b"alias,locode\n" + aliases.encode())


# The table


def test_the_table_has_a_port_for_each_code_of_the_three_lists() -> None:
    # 5,563 codes, less 5 that are no UN/LOCODEs and 8 that are airports.
    assert len(PORTS) == 5550


def test_every_code_of_the_table_is_a_locode() -> None:
    assert [port.locode for port in PORTS if not re.fullmatch("[A-Z]{2}[A-Z2-9]{3}", port.locode)] == []


def test_the_table_is_in_the_order_of_its_codes_and_has_each_once() -> None:
    codes = [port.locode for port in PORTS]

    assert codes == sorted(set(codes))


@pytest.mark.parametrize(
    ("locode", "name", "lon_deg", "lat_deg"),
    [
        ("NLRTM", "Rotterdam", 4.48, 51.9),
        ("SGSIN", "Singapore", 103.85, 1.28),
        ("USNYC", "New York", -74.0, 40.7),
        ("EGPSD", "Port Said", 32.3, 31.27),
        ("SEVBY", "Visby", 18.28, 57.63),  # one list has it at 11.6 E
        ("CDMAT", "Matadi", 13.45, -5.82),  # one list has latitude and longitude the other way round
        ("NZAKL", "Auckland", 174.77, -36.85),
    ],
)
def test_a_port_lies_where_it_is(locode: str, name: str, lon_deg: float, lat_deg: float) -> None:
    port = PORTS.port(locode)

    assert port is not None
    assert port.name == name
    assert [port.lon_deg, port.lat_deg] == pytest.approx([lon_deg, lat_deg], abs=0.15)


def test_every_alias_means_a_port_of_the_table_or_none() -> None:
    text = resources.files("vesselflow.core").joinpath("data", "port_aliases.csv").read_text(encoding="utf-8")

    unknown = [row for row in csv.DictReader(text.splitlines()) if row["locode"] not in ("", "?")]
    assert [row for row in unknown if PORTS.port(row["locode"]) is None] == []


def test_the_table_is_built_from_the_three_lists(tmp_path: Path) -> None:
    index = tmp_path / "index.csv"
    index.write_text(
        "Main Port Name,Alternate Port Name,UN/LOCODE,Harbor Size,Longitude,Latitude\n"
        "Piraievs,Athens; Dhrapetsdna,GR PIR,Large,23.65,37.93\n"
        "Maurer, , ,Very Small,-74.25,40.53\n",
        encoding="utf-8-sig",
    )
    searoute = tmp_path / "searoute.geojson"
    searoute.write_text(
        '{"features": [{"properties": {"name": "Piraeus", "port": "GRPIR", "to_cty": ["IT", "CY"]},'
        ' "geometry": {"coordinates": [23.6, 37.9]}}, {"properties": {"name": "Derna", "port": "LYDN0"},'
        ' "geometry": {"coordinates": [22.6, 32.8]}}]}'
    )
    sea_ports = tmp_path / "sea-ports.json"
    sea_ports.write_text('{"GRPIR": {"name": "Piraeus (ex Porto Leone)", "coordinates": [37.94, 23.64]}}')

    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "build_ports.py", index, searoute, sea_ports],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == [
        "locode,name,lon,lat,size,links,other_names",
        "GRPIR,Piraeus,23.65,37.93,L,2,Athens;Dhrapetsdna;Piraievs;Porto Leone",
    ]
    assert "searoute: left out 'LYDN0'" in done.stderr


# Names


def test_a_name_is_found_whatever_its_blanks_and_marks() -> None:
    found = ports("CNSHP,Qinhuangdao,119.6,39.9,L,3,").named("QINHUANGDAO")

    assert found is not None
    assert (found.port.locode, found.confidence) == ("CNSHP", BY_NAME)


def test_of_two_ports_of_a_name_the_far_more_important_one_is_meant() -> None:
    found = ports("GBHUL,Hull,-0.3,53.7,M,4,", "CAHUL,Hull,-75.7,45.4,V,0,").named("HULL")

    assert found is not None
    assert (found.port.locode, found.confidence) == ("GBHUL", BY_IMPORTANCE)


def test_of_two_ports_of_a_name_and_like_importance_none_is_meant() -> None:
    both = ports("USPDX,Portland,-122.7,45.6,L,0,", "USPWM,Portland,-70.3,43.7,M,2,")

    assert both.named("PORTLAND") is None
    assert both.knows("PORTLAND")


def test_a_state_says_which_port_of_a_name_is_meant() -> None:
    both = ports("USPDX,Portland,-122.7,45.6,L,0,", "USPWM,Portland,-70.3,43.7,M,2,")

    found = both.named("PORTLAND", frozenset({"US-ME"}))

    assert found is not None
    assert found.port.locode == "USPWM"


def test_two_codes_of_one_place_are_one_port_the_one_with_more_traffic() -> None:
    found = ports("CNSGH,Shanghai,121.5,31.2,L,0,", "CNSHA,Shanghai,121.47,31.23,,67,").named("SHANGHAI")

    assert found is not None
    assert (found.port.locode, found.confidence) == ("CNSHA", BY_NAME)


def test_a_ports_own_name_comes_before_the_other_name_of_a_larger_one() -> None:
    found = ports("CNSHK,Shekou,113.9,22.5,L,30,Chiwan", "CNCWN,Chiwan,113.88,22.48,V,0,").named("CHIWAN")

    assert found is not None
    assert found.port.locode == "CNCWN"


def test_an_alias_means_its_port_before_all_others() -> None:
    found = ports("SEGOT,Goteborg,11.9,57.7,L,44,", "XXGOT,Got,0,0,L,44,", aliases="GOT,SEGOT").named("GOT")

    assert found is not None
    assert (found.port.locode, found.confidence) == ("SEGOT", BY_NAME)


def test_an_alias_without_a_port_takes_a_name_away() -> None:
    assert ports("USHOM,Home,-151.4,59.6,V,0,", aliases="HOME,").named("HOME") is None


def test_a_doubtful_name_means_a_port_only_beside_its_country() -> None:
    towns = ports("AUNTL,Newcastle,151.8,-32.9,L,0,", "GBNCL,Newcastle upon Tyne,-1.6,55,,0,", aliases="NEWCASTLE,?")

    found = towns.named("NEWCASTLE", frozenset({"GB"}))

    assert towns.named("NEWCASTLE") is None
    assert found is not None
    assert found.port.locode == "GBNCL"


# Wrong letters


@pytest.mark.parametrize(
    ("text", "locode", "confidence"),
    [
        ("ROTTEDAM", "NLRTM", BY_ONE_LETTER),  # left out
        ("AMTWERP", "BEANR", BY_ONE_LETTER),  # changed
        ("HAMBUGR", "DEHAM", BY_ONE_LETTER),  # changed places
        ("GDYNNIA", "PLGDY", BY_ONE_LETTER),  # put in
        ("YANCOUVER", "CAVAN", BY_ONE_LETTER),  # the first letter of a long name
        ("COPENAGHEN", "DKCPH", BY_TWO_LETTERS),
    ],
)
def test_a_name_with_a_wrong_letter_is_found(text: str, locode: str, confidence: float) -> None:
    found = PORTS.like(text)

    assert found is not None
    assert (found.port.locode, found.confidence) == (locode, confidence)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("TILBURG", "a town in the Netherlands; its last letter does not sound like that of Tilbury"),
        ("LINGEN", "a town on the Ems, not Linden in Guyana"),
        ("MEPPEL", "a town in the Netherlands: nobody misses the K of Keppel"),
        ("KIELL", "five letters: too many names are like it"),
        ("FREDRIKSHAVN", "as near to Fredrikshamn, which is Hamina, as to Frederikshavn"),
    ],
)
def test_a_name_that_may_be_another_place_is_not(text: str, why: str) -> None:
    assert PORTS.like(text) is None, why


def test_the_nearest_names_are_those_with_the_fewest_wrong_letters() -> None:
    names = NearNames(["STPETERSBURG", "STPETERBURG", "PETERSBURG"])

    assert names.nearest("STPETESBURG") == (1, ["STPETERSBURG", "STPETERBURG"])


# States


def test_a_place_on_a_river_between_two_states_may_be_in_either() -> None:
    # Longview, Washington, on the Columbia River opposite Oregon.
    assert states_at("US", lon_deg=-122.95, lat_deg=46.11) == {"US-WA", "US-OR"}


def test_a_place_outside_of_the_usa_and_canada_is_in_no_state() -> None:
    assert states_at("NL", lon_deg=4.5, lat_deg=51.9) == frozenset()
