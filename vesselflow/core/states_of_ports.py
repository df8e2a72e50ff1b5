"""A port's place -> the states of the USA and Canada that it may lie in.

Many ports there share their names, so crews write the state: BRUNSWICK GA, PORTLAND OR. A box around a state is enough to
tell which of two ports is meant.
"""

from typing import Final

#: Code, south, north, west, east in degrees. Only states with ports that ships reach; Alaska up to the antimeridian.
#: Source: those of the USA hold the outlines of us-atlas 3.0.1 ``states-10m`` (US Census Bureau); those of Canada are read off a
#: map and hold the 49 ports whose province sea-ports gives.
_BOXES: Final = """
US-AK 51 71.5 -180 -129; US-AL 30.1 35.1 -88.5 -84.8; US-AR 33 36.6 -94.7 -89.6; US-CA 32.5 42.1 -124.5 -114.1;
US-CT 40.9 42.1 -73.8 -71.7; US-DE 38.4 39.9 -75.8 -74.9; US-FL 24.4 31.1 -87.7 -79.9; US-GA 30.3 35.1 -85.7 -80.7;
US-HI 18.9 22.3 -160.3 -154.7; US-IA 40.3 43.6 -96.7 -90.1; US-IL 36.9 42.6 -91.6 -87; US-IN 37.7 41.8 -88.1 -84.7;
US-KY 36.4 39.2 -89.6 -81.9; US-LA 28.8 33.1 -94.1 -88.7; US-MA 41.1 42.9 -73.6 -69.8; US-MD 37.8 39.8 -79.5 -74.9;
US-ME 42.9 47.5 -71.1 -66.9; US-MI 41.6 48.4 -90.5 -82.3; US-MN 43.4 49.4 -97.3 -89.4; US-MO 35.9 40.7 -95.8 -89;
US-MS 30.1 35.1 -91.7 -88; US-NC 33.7 36.6 -84.4 -75.4; US-NH 42.6 45.4 -72.6 -70.5; US-NJ 38.8 41.4 -75.6 -73.8;
US-NY 40.4 45.1 -79.8 -71.7; US-OH 38.3 42.4 -84.9 -80.5; US-OK 33.6 37.1 -103.1 -94.4; US-OR 41.9 46.4 -124.7 -116.4;
US-PA 39.7 42.4 -80.6 -74.6; US-RI 41 42.1 -71.9 -71; US-SC 32 35.3 -83.4 -78.4; US-TN 34.9 36.7 -90.4 -81.6;
US-TX 25.8 36.6 -106.7 -93.4; US-VA 36.5 39.5 -83.7 -75.1; US-VT 42.7 45.1 -73.5 -71.4; US-WA 45.5 49.1 -124.9 -116.9;
US-WI 42.4 47.4 -92.9 -86.2; US-WV 37.1 40.7 -82.7 -77.7; CA-BC 48.2 60.1 -139.1 -114; CA-NB 44.5 48.1 -69.1 -63.7;
CA-NL 46.6 60.5 -67.9 -52.5; CA-NS 43.3 47.1 -66.5 -59.6; CA-ON 41.6 56.9 -95.2 -74.3; CA-PE 45.9 47.1 -64.5 -61.9;
CA-QC 44.9 62.7 -79.8 -57
"""
#: What is written beside a name for a state; two capitals of a code count too.
STATE_NAMES: Final = """
US-AK AK|ALASKA; US-AL AL|ALABAMA; US-AR AR|ARKANSAS; US-CA CA|CAL|CALIF|CALIFORNIA; US-CT CT|CONN|CONNECTICUT;
US-DE DE|DELAWARE; US-FL FL|FLA|FLO|FLORIDA; US-GA GA|GEORGIA; US-HI HI|HAWAII; US-IA IA|IOWA; US-IL IL|ILLINOIS;
US-IN IN|INDIANA; US-KY KY|KENTUCKY; US-LA LA|LOUISIANA; US-MA MA|MASS|MASSACHUSETTS; US-MD MD|MARYLAND;
US-ME ME|MAINE; US-MI MI|MICH|MICHIGAN; US-MN MN|MINNESOTA; US-MO MO|MISSOURI; US-MS MS|MISS|MISSISSIPPI;
US-NC NC|N C|NORTH CAROLINA; US-NH NH|NEW HAMPSHIRE; US-NJ NJ|N J|NEW JERSEY; US-NY NY|N Y|NEW YORK; US-OH OH|OHIO;
US-OK OK|OKLAHOMA; US-OR OR|ORE|OREGON; US-PA PA|PENN|PENNSYLVANIA; US-RI RI|RHODE ISLAND;
US-SC SC|S C|SOUTH CAROLINA; US-TN TN|TENNESSEE; US-TX TX|TEX|TEXAS; US-VA VA|VIRGINIA; US-VT VT|VERMONT;
US-WA WA|WASH|WASHINGTON; US-WI WI|WISCONSIN; US-WV WV|WEST VIRGINIA; CA-BC BC|B C|BRITISH COLUMBIA;
CA-NB NB|NEW BRUNSWICK; CA-NL NL|NF|NFLD|NEWFOUNDLAND; CA-NS NS|NOVA SCOTIA; CA-ON ON|ONT|ONTARIO; CA-PE PE|PEI;
CA-QC QC|PQ|QUE|QUEBEC; AU NSW|QLD|VIC|TAS|QUEENSLAND|TASMANIA
"""


def _boxes() -> dict[str, list[tuple[str, float, float, float, float]]]:
    boxes: dict[str, list[tuple[str, float, float, float, float]]] = {"US": [], "CA": []}
    for entry in _BOXES.split(";"):
        code, south, north, west, east = entry.split()
        boxes[code[:2]].append((code, float(south), float(north), float(west), float(east)))
    return boxes


_BOXES_OF: Final = _boxes()


def states_at(country: str, *, lon_deg: float | None, lat_deg: float | None) -> frozenset[str]:
    """Return the codes of the states in whose box the place lies, such as US-OR and US-WA on the river between them.

    None in other countries; all of the country when the place is not known.
    """
    boxes = _BOXES_OF.get(country, [])
    if lon_deg is None or lat_deg is None:
        return frozenset(code for code, *_ in boxes)
    return frozenset(
        code for code, south, north, west, east in boxes if south <= lat_deg <= north and west <= lon_deg <= east
    )
