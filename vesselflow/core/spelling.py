"""Texts as sailors type them -> plain capitals, and the keys by which two spellings of one name are the same."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

#: Letters that are no base letter with a mark.
_LETTERS: Final = str.maketrans(
    {"Ø": "O", "Æ": "AE", "Œ": "OE", "ẞ": "SS", "Ł": "L", "Đ": "D", "Ð": "D", "Þ": "TH", "İ": "I", "ı": "I", "’": "'"}
)
#: AIS has no marks, so ø, æ, å, ä, ö and ü are written with or without a second letter: GOETEBORG, GOTEBORG.
_DIGRAPHS: Final = re.compile(r"AA|AE|OE|UE")
_SAME: Final = {"SAINT": "ST", "SANKT": "ST", "SANCT": "ST", "SZENT": "ST", "HARBOUR": "HARBOR", "HABOUR": "HARBOR"}
_NOT_LETTERS: Final = re.compile(r"[^A-Z]+")


def plain(text: str) -> str:
    """Return *text* in capitals without marks and padding, up to the first ``@`` that something stands before.

    AIS fills a text with ``@``; some sets begin with it too.

    >>> plain("  Göteborg @@@@"), plain("@@ORDERS"), plain("DE BRE@@@CALA")
    ('GOTEBORG', 'ORDERS', 'DE BRE')
    """
    text = text.strip("@ \t").partition("@")[0]
    if not text.isascii():
        text = "".join(
            letter for letter in unicodedata.normalize("NFKD", text.upper().translate(_LETTERS)) if letter.isascii()
        )
    return " ".join(text.upper().split())


def key(words: list[str] | tuple[str, ...]) -> str:
    """Return the letters of *words* in one piece; every Saint is ST, every Harbour HARBOR.

    >>> key(["QIN", "HUANG", "DAO"]), key(["SAINT", "PETERSBURG"])
    ('QINHUANGDAO', 'STPETERSBURG')
    """
    return "".join(_SAME.get(word, word) for word in words)


def name_key(name: str) -> str:
    """Return the key of a name as a list of ports writes it.

    >>> name_key("Saint Petersburg"), name_key("Port-la-Nouvelle"), name_key("Ra's Tannurah")
    ('STPETERSBURG', 'PORTLANOUVELLE', 'RASTANNURAH')
    """
    return key(_NOT_LETTERS.sub(" ", plain(name).replace("'", "")).split())


def without_digraphs(key: str) -> str:
    """Return *key* with the second letters of umlauts and their like left out.

    >>> without_digraphs("GOETEBORG"), without_digraphs("AARHUS")
    ('GOTEBORG', 'ARHUS')
    """
    return _DIGRAPHS.sub(lambda pair: pair[0][0], key)
