"""A film's description, put together from what is known of it: facts and nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from catalog.demonyms import DEMONYMS

GENRE_NAMES = {"Sci-Fi": "Science fiction"}
# How a genre stands before another one ("crime drama") and by itself ("a crime film").
_AS_NOUN = {
    "Comedy": "comedy",
    "Drama": "drama",
    "Western": "western",
    "Musical": "musical",
    "Documentary": "documentary",
    "Thriller": "thriller",
    "Romance": "romance",
    "Biography": "biography",
    "Mystery": "mystery",
}
AS_ADJECTIVE = {
    "Romance": "romantic",
    "Biography": "biographical",
    "History": "historical",
    "Animation": "animated",
    "Sport": "sports",
    "Documentary": "documentary",
}
# The noun of a film of several genres is the first of these that it has.
_NOUN_ORDER = ("Documentary", "Western", "Musical", "Comedy", "Thriller", "Drama", "Mystery")
MAX_NAMES = 4
MAX_ADJECTIVES = 3
MAX_COUNTRIES = 3


def genre_name(genre: str) -> str:
    """A genre as it is shown: sentence case, without shorthand."""
    genre = GENRE_NAMES.get(genre, genre)
    return genre[:1].upper() + genre[1:]


def describe(
    *,
    year: int,
    genres: Sequence[str],
    countries: Sequence[str],
    directors: Sequence[str],
    attributes: Mapping[str, Any],
    nominations: int,
) -> str:
    """Two or three sentences about a film, without its title.

    "A 1972 Italian-American crime and historical thriller, directed by ..., with ... and ....
    Written by ... and .... In English and Italian, 175 minutes. Won 2 Oscars."
    """
    head = f"{_article(year)} {year} {_kind(genres, countries)}"
    if directors:
        head += f", directed by {listed(directors[:MAX_NAMES])}"
    if cast := [name for name in attributes.get("cast") or [] if name not in directors]:
        head += f", with {listed(cast[:MAX_NAMES])}"
    return " ".join(
        sentence
        for sentence in (
            f"{head}.",
            _written(directors, attributes.get("writers") or []),
            _details(attributes),
            _prizes(int(attributes.get("oscars") or 0), nominations),
        )
        if sentence
    )


def listed(names: Sequence[str]) -> str:
    """Names as a sentence has them: "A, B and C"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _article(year: int) -> str:
    return "An" if str(year)[:2] in ("18", "11") or str(year)[0] == "8" else "A"


def _kind(genres: Sequence[str], countries: Sequence[str]) -> str:
    """What it is: "American science fiction comedy", or "comedy from France and Mali"."""
    noun_genre = next((genre for genre in _NOUN_ORDER if genre in genres), None)
    adjectives = [
        AS_ADJECTIVE.get(genre, genre.lower())
        for genre in genres
        if genre not in (noun_genre, "Drama")
    ][:MAX_ADJECTIVES]
    noun = _AS_NOUN[noun_genre] if noun_genre else "film"
    if noun_genre == "Comedy" and "Drama" in genres:
        noun = "comedy drama"
    kind = f"{listed(adjectives)} {noun}" if adjectives else noun
    demonyms = [DEMONYMS[c.casefold()][0] for c in countries if c.casefold() in DEMONYMS]
    if len(demonyms) == len(countries) and 0 < len(countries) <= 2:
        return f"{'-'.join(demonyms)} {kind}"
    if countries:
        return f"{kind} from {listed([_with_article(c) for c in countries[:MAX_COUNTRIES]])}"
    return kind


def _with_article(country: str) -> str:
    plural = country.startswith(("United ", "People's ", "Kingdom ", "Republic ", "Soviet "))
    return f"the {country}" if plural or country in ("Netherlands", "Philippines") else country


def _written(directors: Sequence[str], writers: Sequence[str]) -> str:
    others = [writer for writer in writers if writer not in directors]
    return f"Written by {listed(list(writers)[:MAX_NAMES])}." if others else ""


def _details(attributes: Mapping[str, Any]) -> str:
    languages = list(attributes.get("languages") or [])[:MAX_NAMES]
    parts = [f"in {listed(languages)}"] if languages else []
    if runtime := attributes.get("runtime_minutes"):
        parts.append(f"{runtime} minutes")
    text = ", ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _prizes(oscars: int, nominations: int) -> str:
    def count(n: int) -> str:
        return f"{n} Oscar{'' if n == 1 else 's'}"

    if oscars:
        return f"Won {count(oscars)}."
    return f"Nominated for {count(nominations)}." if nominations else ""
