"""What a query is written in: its script, and where that is Latin the language, if words tell it.

A few hundred short words and words of searching tell ten languages apart; a query without any of
them ("french noir", "kurosawa") is Latin script and nothing more, and goes with every language
written so. What it cannot do: tell languages that share another script (Russian and Bulgarian,
Arabic and Persian), Chinese from a Japanese text in characters alone, dialects, romanised text.
"""

import re
from collections import Counter
from collections.abc import Sequence

from search.text import normalize_query

LATIN = "Latn"
_JAPANESE, _HAN = "Jpan", "Hani"
# Ranges of Unicode blocks, and the ISO 15924 code of their script.
_RANGES = (
    (0x0041, 0x024F, LATIN), (0x1E00, 0x1EFF, LATIN), (0xFF21, 0xFF5A, LATIN),
    (0x0370, 0x03FF, "Grek"), (0x1F00, 0x1FFF, "Grek"),
    (0x0400, 0x052F, "Cyrl"), (0x1C80, 0x1C8F, "Cyrl"), (0x2DE0, 0x2DFF, "Cyrl"),
    (0x0530, 0x058F, "Armn"), (0x0590, 0x05FF, "Hebr"),
    (0x0600, 0x06FF, "Arab"), (0x0750, 0x077F, "Arab"), (0xFB50, 0xFEFC, "Arab"),
    (0x0900, 0x097F, "Deva"), (0x0980, 0x09FF, "Beng"), (0x0B80, 0x0BFF, "Taml"),
    (0x0C00, 0x0C7F, "Telu"), (0x0E00, 0x0E7F, "Thai"), (0x10A0, 0x10FF, "Geor"),
    (0x1100, 0x11FF, "Kore"), (0x3130, 0x318F, "Kore"), (0xAC00, 0xD7AF, "Kore"),
    (0x3040, 0x30FF, _JAPANESE), (0x31F0, 0x31FF, _JAPANESE), (0xFF66, 0xFF9D, _JAPANESE),
    (0x3400, 0x4DBF, _HAN), (0x4E00, 0x9FFF, _HAN), (0xF900, 0xFAFF, _HAN),
    (0x20000, 0x323AF, _HAN),
)  # fmt: skip
# The script of a language that a browser asks for; all others are written in Latin letters.
_SCRIPTS = {
    "ru": "Cyrl", "uk": "Cyrl", "be": "Cyrl", "bg": "Cyrl", "mk": "Cyrl", "sr": "Cyrl",
    "kk": "Cyrl", "mn": "Cyrl", "ky": "Cyrl", "el": "Grek", "he": "Hebr", "iw": "Hebr",
    "yi": "Hebr", "ar": "Arab", "fa": "Arab", "ur": "Arab", "ps": "Arab", "hy": "Armn",
    "ka": "Geor", "ja": _JAPANESE, "zh": _HAN, "ko": "Kore", "hi": "Deva", "mr": "Deva",
    "ne": "Deva", "bn": "Beng", "ta": "Taml", "te": "Telu", "th": "Thai",
}  # fmt: skip
# Words in normal form. A word that two languages share counts for both, so it decides nothing.
# Left out: what is a common word or name elsewhere ("die", "war", "met", "come", "los", "sin").
_WORDS = {
    "en": "the of and with about for from where who what when how which that this into like best"
    " funny movie movies new good great old cheap people scary without under between based",
    "fr": "les des du une et avec pour dans sur est qui que quoi comme sans chez aux leur meilleurs"
    " meilleures drole droles comedie comedies policier guerre amour femme femmes pas plus ou",
    "de": "der das und mit fur von ein eine einen einem ist nicht auf aus dem den ohne zum zur"
    " beste besten lustige filme komodie komodien krieg liebe wie wo alte neue gute",
    "es": "el una con para del sobre como donde por pelicula peliculas mejores mejor comedia"
    " comedias guerra amor mujer mujeres divertidas que",
    "it": "il lo gli della dello delle dei nel nella con sono che migliori divertenti commedia"
    " commedie guerra amore donna donne senza di una",
    "pt": "dos das uma para sobre como onde filmes melhores melhor comedia comedias guerra amor"
    " mulher mulheres engracados sem que nao por",
    "nl": "het een voor naar niet zonder beste grappige leuke oorlog liefde vrouwen uit op wat",
    "sv": "och med som inte utan basta roliga krig karlek filmer om det ett",
    "pl": "nie jest oraz dla bez najlepsze filmy smieszne wojna milosc komedie jak gdzie",
    "tr": "ve ile icin bir bu iyi filmler filmleri komik savas olan hakkinda gibi",
}
_SPOKEN: dict[str, tuple[str, ...]] = {}
for _language, _listed in _WORDS.items():
    for _word in set(_listed.split()):
        _SPOKEN[_word] = (*_SPOKEN.get(_word, ()), _language)
MOST_CHARACTERS = 300
MOST_ACCEPTED = 12
_TAG = re.compile(
    r"\s*([A-Za-z]{2,3}|\*)(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q=\s*([01](?:\.\d{0,3})?)\s*)?$"
)


def language_of(text: str) -> str:
    """A language ("fr"), else a script ("Latn", "Cyrl"), else "" for figures and mixtures."""
    script = script_of(text[:MOST_CHARACTERS])
    if script != LATIN:
        return script
    counted: Counter[str] = Counter()
    for word in set(normalize_query(text[:MOST_CHARACTERS]).split()):
        spoken = _SPOKEN.get(word, ())
        for language in spoken:
            counted[language] += 1
    ranked = counted.most_common(2)
    if not ranked or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return LATIN
    return ranked[0][0]


def script_of(text: str) -> str:
    """The script of nearly all letters of a text, as its ISO 15924 code; "" where there is none."""
    counted = Counter(_script(ord(char)) for char in text if char.isalpha())
    if counted[_JAPANESE]:  # kana among characters is Japanese
        counted[_JAPANESE] += counted.pop(_HAN, 0)
    if not counted:
        return ""
    script, count = counted.most_common(1)[0]
    return script if 4 * count >= 3 * counted.total() else ""


def go_together(a: str, b: str) -> bool:
    """Whether a query in one may be offered beside a query in the other; unknown goes with all."""
    if not a or not b or a == b:
        return True
    one, other = _written(a), _written(b)
    if one != other:
        return {one, other} == {_JAPANESE, _HAN}
    return one in (a, b)  # of one of them the language is not known


def accepted_languages(header: str) -> tuple[str, ...]:
    """The languages of an Accept-Language header, in its order; () where it names none or all."""
    found = []
    for part in header[:500].split(",")[:MOST_ACCEPTED]:
        matched = _TAG.match(part)
        if matched is None or (matched[2] is not None and float(matched[2]) == 0):
            continue
        if matched[1] == "*":
            return ()
        found.append(matched[1].lower())
    return tuple(dict.fromkeys(found))


def is_accepted(language: str, accepted: Sequence[str]) -> bool:
    """Whether somebody who reads these languages may read what is written so."""
    if not language or not accepted or language == LATIN or language in accepted:
        return True
    return language == language.title() and any(
        go_together(language, _SCRIPTS.get(one, LATIN)) for one in accepted
    )


def _written(language: str) -> str:
    return language if len(language) == 4 else LATIN


def _script(code: int) -> str:
    return next((script for low, high, script in _RANGES if low <= code <= high), "")
