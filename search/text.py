"""One normal form for what people type, so that logs, stores and look-ups agree."""

import re
import unicodedata

from catalog.errors import InvalidInput

MAX_QUERY_CHARACTERS = 500
MAX_NORMALIZED_CHARACTERS = 300
_SPACE = re.compile(r"\s+")
# Apostrophes go without leaving a gap: "schindler's" and "schindlers" are one word.
_APOSTROPHES = dict.fromkeys(map(ord, "'\u2018\u2019\u02bc"))
_ASCII = {code: " " for code in range(128) if not chr(code).isalnum()} | {ord("'"): None}


def clean_query(text: str) -> str:
    """What was typed, fit to be shown: no control or direction-override characters, one space.

    Right-to-left text and emoji stay as they are; only invisible formatting characters go.
    """
    if text.isascii() and text.isprintable():
        return _SPACE.sub(" ", text).strip()
    kept = "".join(
        " " if unicodedata.category(char) == "Cc" else char
        for char in unicodedata.normalize("NFC", text)
        if unicodedata.category(char) not in ("Cf", "Cs", "Co", "Cn") or char == "\u200d"
    )
    return _SPACE.sub(" ", kept).strip()


def read_query(text: str) -> str:
    """What was typed, cleaned; what is invisible does not count.

    Raises:
        InvalidInput: where it is longer than a query may be; names the field `q`.
    """
    query = clean_query(text)
    if len(query) <= MAX_QUERY_CHARACTERS:
        return query
    # A few characters are several when they are written out: then it counts as it was sent.
    if len(text) <= MAX_QUERY_CHARACTERS:
        return text
    raise InvalidInput(
        f"A query has at most {MAX_QUERY_CHARACTERS} characters; this one has {len(query):,}.",
        field="q",
    )


def normalize_query(text: str) -> str:
    """What is counted and compared: cleaned, case-folded, without accents and punctuation."""
    if text.isascii():  # thousands of titles are compared in one request
        return " ".join(text.lower().translate(_ASCII).split())[:MAX_NORMALIZED_CHARACTERS].rstrip()
    folded = clean_query(text).casefold().translate(_APOSTROPHES)
    kept = "".join(
        char if unicodedata.category(char)[0] in "LN" or unicodedata.category(char) == "So" else " "
        for char in unicodedata.normalize("NFKD", folded)
        if not unicodedata.combining(char)
    )
    return _SPACE.sub(" ", kept).strip()[:MAX_NORMALIZED_CHARACTERS].rstrip()


def without_article(normalized: str) -> str:
    """A normalized title without its leading article: "the godfather" gives "godfather"."""
    first, _, rest = normalized.partition(" ")
    return rest if rest and first in ("the", "a", "an") else normalized
