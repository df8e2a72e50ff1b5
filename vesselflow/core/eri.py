"""ERI location codes (ISRS location codes) -> the UN/LOCODE in them.

An inland ship may send all 20 characters: UN/LOCODE, fairway section, object and hectometre, five each.
What follows the UN/LOCODE says which lock or berth; it changes while the destination stays.

Source: RIS Index Encoding Guide 3.0 (CESNI/TI), "ISRS Location Code"; XXX stands where a place has no UN/LOCODE.
"""

import re
from typing import Final

_CODE: Final = re.compile(r"([A-Z]{2}[A-Z2-9]{3})[A-Z0-9]{10}[0-9]{5}")


def locode_in(text: str) -> str | None:
    """Return the UN/LOCODE at the start of an ERI location code, whether or not it exists; None when *text* is none.

    >>> locode_in("NLRTM102C1DOKXX00000"), locode_in("STAVANGER - RYFYLKE")
    ('NLRTM', None)
    """
    found = _CODE.fullmatch(text)
    return found[1] if found else None
