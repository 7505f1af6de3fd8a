"""Whether a text may name or reach a person: it screens what people typed before others see it.

Figures are judged by what they are: a card number passes Luhn's test, an IBAN the remainder of 97,
a telephone number has its length and is no row of years. "blade runner 2049", "2001 a space
odyssey" and "12 angry men" are none of these; a street address that is the title of something ("21
jump street") is shown, for the catalog says it openly. What it cannot do: know the names of people
who have no account here; of those k people must have typed it (query_sources.log).
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.contrib.auth import get_user_model

from search.models import Query, Term
from search.text import normalize_query

MOST_CHARACTERS = 2_000
MOST_ACCOUNTS = 200_000
# A name of two letters is a word of too many queries.
LEAST_NAME = 3

_STREET = (
    "street|st|road|rd|avenue|ave|lane|ln|drive|dr|boulevard|blvd|court|ct|square|terrace|crescent"
    "|close|highway|hwy|parkway|pkwy|strasse|straße|str|weg|platz|allee|gasse|laan|straat|plein"
)
_STREET_FIRST = "rue|avenue|av|boulevard|bd|calle|avenida|via|viale|piazza|corso|rua|praca|ul|ulica"
_EXPRESSIONS = {
    "e-mail": r"[^\s@]+@[^\s@]+|\S\s@\s\S|[^\s@]+\s?[(\[]at[)\]]\s?[^\s@]+",
    "handle": r"(?:^|\s)@[\w.]{2,}",
    # A bare domain is a shop or a film ("startup.com"); what leads to a page may be somebody's.
    "web address": r"https?:|www\.|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,6}/\S+",
    "IP address": r"(?<![\d.])(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
    r"(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}(?!\.?\d)"
    r"|\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{1,4}\b|\b(?:[0-9a-f]{1,4}:){1,6}:[0-9a-f]{1,4}\b",
    # Social security (US), national insurance (GB), INSEE (FR), codice fiscale (IT), DNI and NIE
    # (ES); PESEL, BSN and the like are long figures.
    "national ID": r"\b\d{3}-\d{2}-\d{4}\b|\b[a-ceghj-prtw-z]{2}\s?\d{2}\s?\d{2}\s?\d{2}\s?[a-d]\b"
    r"|\b[12]\s?\d{2}\s?[01]\d\s?\d{2}\s?\d{3}\s?\d{3}(?:\s?\d{2})?\b"
    r"|\b[a-z]{6}\d{2}[a-z]\d{2}[a-z]\d{3}[a-z]\b|\b\d{8}-?[a-hj-np-tv-z]\b|\b[xyz]-?\d{7}-?[a-z]\b",
    # GB, CA and NL postcodes; US ZIP+4 and a ZIP after a state; "75011 Paris" is a long figure.
    "postcode": r"\b[a-z]{1,2}\d[a-z\d]?\s\d[abd-hjlnp-uw-z]{2}\b"
    r"|\b[a-z]{2}\d[a-z\d]\d[abd-hjlnp-uw-z]{2}\b|\b[a-z]\d[a-z]\s\d[a-z]\d\b"
    r"|\b[1-9]\d{3}\s[a-z]{2}\b(?=\s*(?:$|,|amsterdam|rotterdam|utrecht|den haag))|\b\d{5}-\d{4}\b",
    "street address": rf"\b\d{{1,5}}[a-z]?,?\s+(?:[^\W\d_][\w'.-]*\s+){{1,3}}(?:{_STREET})\b\.?"
    rf"|\b\d{{1,4}}(?:\s?(?:bis|ter))?,?\s+(?:{_STREET_FIRST})\b\.?\s+\w+"
    rf"|\b(?:{_STREET_FIRST})\b\.?\s+(?:[^\W\d_][\w'.-]*\s+){{1,4}}\d{{1,4}}\b"
    r"|\b[^\W\d_]{3,}(?:strasse|straße|straat|gasse|laan|weg|platz)\s+\d{1,4}[a-z]?\b"
    r"|\bp\.?\s?o\.?\s+box\s+\d+",
    "long number": r"\d{5,}",
}
_FOUND = {name: re.compile(told, re.I) for name, told in _EXPRESSIONS.items()}
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}\b", re.I)
_CARD = re.compile(r"(?:\d[ .\-]?){13,19}")
_PHONE = re.compile(r"\(?\+?\(?\d[\d\s().\-/]{5,}\d")
# Years and spans of years in a row are no telephone number: "1999 2000 2001", "1939-1945".
_YEARS = re.compile(r"(?:(?:1[5-9]|20)\d\d[\s\-/.]*)+")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
_ISBN = re.compile(r"\bisbn[\s:-]*[\dx -]{9,17}", re.I)


def is_private(text: str) -> bool:
    """Whether a query may name or reach a person, by its form."""
    return why_private(text) != ""


def why_private(text: str) -> str:
    """The kind of personal data that a text holds, "" for none."""
    # Figures of other scripts and of full width are figures; so is a curly apostrophe one.
    plain = unicodedata.normalize("NFKC", text[:MOST_CHARACTERS]).replace("\u2019", "'")
    plain = "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in plain)
    plain = _ISBN.sub(" ", plain)
    return next((kind for kind, is_in in _TESTS if is_in(plain)), "")


def mask(text: str) -> str:
    """The text with what reaches or names a person, by its form, taken out.

    For what leaves the installation; figures that may be a title's ("2049") stay.
    """
    plain = unicodedata.normalize("NFKC", text)
    plain = _IBAN.sub(lambda found: "[IBAN]" if _is_iban(found[0]) else found[0], plain)
    plain = _CARD.sub(lambda found: "[card]" if _passes_luhn(found[0]) else found[0], plain)
    for kind in ("e-mail", "handle", "web address", "IP address", "national ID"):
        plain = _FOUND[kind].sub(f"[{kind}]", plain)
    plain = _PHONE.sub(lambda found: "[telephone]" if _is_phone(found[0]) else found[0], plain)
    for kind in ("postcode", "street address", "long number"):
        plain = _FOUND[kind].sub(f"[{kind}]", plain)
    return plain


def private_among(typed: Iterable[tuple[str, str]]) -> set[str]:
    """The normal forms of those texts (text, normal form) that others must not see.

    By their form and by the accounts here; not what the catalog says openly.
    """
    accounts = account_names()
    found = {
        normalized for text, normalized in typed if is_private(text) or accounts.holds(normalized)
    }
    return found - said_openly(found)


@dataclass(frozen=True, slots=True)
class AccountNames:
    """What the accounts of this installation are called, in the normal form of queries.

    whole: what a query may not be, as a whole. within: what it may not hold, word for word.
    """

    whole: frozenset[str] = frozenset()
    within: frozenset[str] = frozenset()

    def holds(self, normalized: str) -> bool:
        """Whether the query names an account."""
        if normalized in self.whole:
            return True
        words = normalized.split()
        runs = (
            " ".join(words[start:end])
            for start in range(len(words))
            for end in range(start + 1, min(len(words), start + 6) + 1)
        )
        return any(run in self.within for run in runs)


def account_names() -> AccountNames:
    """The names of the accounts, without what is a name, a title or a word of the catalog too."""
    whole: set[str] = set()
    within: set[str] = set()
    turned: dict[str, str] = {}
    rows = get_user_model().objects.order_by("-pk").values_list(
        "username", "first_name", "last_name", "email"
    )  # fmt: skip
    for username, first, last, email in rows[:MOST_ACCOUNTS]:
        said, given, family = (normalize_query(part or "") for part in (username, first, last))
        box = normalize_query((email or "").partition("@")[0])
        whole |= {said, given, family, box}
        within |= {normalize_query(email or "")}
        if given and family:
            turned[f"{family} {given}"] = f"{given} {family}"
        # "tomk_1987" stands in no query by chance.
        if any(char.isdigit() for char in said) and any(char.isalpha() for char in said):
            within.add(said)
    within |= {*turned, *turned.values()}
    long = {name for name in whole | within if len(name) >= LEAST_NAME}
    public = said_openly(long)
    public |= {other for other, name in turned.items() if name in public}
    return AccountNames(frozenset(whole & long - public), frozenset(within & long - public))


def said_openly(names: set[str]) -> set[str]:
    """Those that are a name or a title of the catalog, or a single word of its texts."""
    if not names:
        return set()
    said = Query.objects.filter(
        normalized__in=names, source__in=(Query.Source.NAMES, Query.Source.TITLES)
    )
    single = {name for name in names if " " not in name}
    words = Term.objects.filter(word__in=single)
    return set(said.values_list("normalized", flat=True)) | set(
        words.values_list("word", flat=True)
    )


def _is_iban(text: str) -> bool:
    for match in _IBAN.finditer(text):
        written = re.sub(r"[ -]", "", match[0]).upper()
        # The expression may run on into the next word.
        for length in range(len(written), 14, -1):
            moved = written[4:length] + written[:4]
            if int("".join(str(int(char, 36)) for char in moved)) % 97 == 1:
                return True
    return False


def _passes_luhn(found: str) -> bool:
    digits = [int(char) for char in found if char.isdigit()]
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    return sum(doubled + digits[-1::-2]) % 10 == 0


def _is_phone(text: str) -> bool:
    for match in _PHONE.finditer(text):
        found = match[0].strip()
        if found.isdigit() or _YEARS.fullmatch(found) or _DATE.fullmatch(found):
            continue
        if sum(char.isdigit() for char in found) >= 7:
            return True
    return False


def _has_card(text: str) -> bool:
    return any(_passes_luhn(each[0]) for each in _CARD.finditer(text))


def _matches(kind: str) -> tuple[str, Callable[[str], bool]]:
    return kind, lambda text: _FOUND[kind].search(text) is not None


# The most telling first.
_TESTS: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("IBAN", _is_iban),
    ("card number", _has_card),
    *map(_matches, ("e-mail", "handle", "web address", "IP address", "national ID")),
    ("telephone number", _is_phone),
    *map(_matches, ("postcode", "street address", "long number")),
)
