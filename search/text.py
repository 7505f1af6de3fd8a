"""One normal form for what people type, so that logs, stores and look-ups agree."""

import re
import unicodedata

MAX_QUERY_CHARACTERS = 500
_SPACE = re.compile(r"\s+")


def clean_query(text: str) -> str:
    """What was typed, fit to be shown: no control or direction-override characters, one space.

    Right-to-left text and emoji stay as they are; only invisible formatting characters go.
    """
    kept = "".join(
        " " if unicodedata.category(char) == "Cc" else char
        for char in unicodedata.normalize("NFC", text)
        if unicodedata.category(char) not in ("Cf", "Cs", "Co", "Cn") or char == "\u200d"
    )
    return _SPACE.sub(" ", kept).strip()


def normalize_query(text: str) -> str:
    """What is counted and compared: cleaned, case-folded, without accents and punctuation."""
    decomposed = unicodedata.normalize("NFKD", clean_query(text).casefold())
    kept = "".join(
        char if unicodedata.category(char)[0] in "LN" or unicodedata.category(char) == "So" else " "
        for char in decomposed
        if not unicodedata.combining(char)
    )
    return _SPACE.sub(" ", kept.replace("'", "")).strip()[:300]
