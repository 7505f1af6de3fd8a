"""Collections of films, each derived from the data by a rule that its description tells."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from catalog.derive import decade
from catalog.importers.demo_data import CollectionInput
from catalog.importers.film_text import AS_ADJECTIVE
from catalog.types import EventInput, ItemInput

LEAST_ITEMS = 4
LEAST_PARTS = 3
MOST_ITEMS = 60
LEAST_OF_A_DIRECTOR = 25
LEAST_RATINGS = 8
REVIEWED_GENRES = (
    "Science fiction", "Horror", "Western", "Musical", "Documentary", "Animation", "War", "Crime",
    "Mystery", "Romance", "Comedy", "Adventure",
)  # fmt: skip
REVIEWED_COUNTRIES = (
    "France", "Italy", "Japan", "Germany", "Spain", "India", "Hong Kong", "South Korea", "Sweden",
    "Mexico", "Iran", "Denmark",
)  # fmt: skip
TOP = 30
SERIES = ", the series"
_ROMAN = {
    "i": 1,
    "ii": 2,
    "iii": 3,
    "iv": 4,
    "v": 5,
    "vi": 6,
    "vii": 7,
    "viii": 8,
    "ix": 9,
    "x": 10,
}
# "Men in Black II", "The Godfather Part II", "Kill Bill: Volume 2", "Rocky 4: ...".
_NUMBERED = re.compile(
    r"^(?P<stem>.{3,}?):?,? (?:(?:part|volume|vol\.|chapter|episode) )?"
    r"(?P<number>[1-9]|1[0-2]|i|ii|iii|iv|vi{0,3}|ix|x)(?::.*| \u2013.*| - .*)?$",
    re.IGNORECASE,
)


def film_collections(
    items: Sequence[ItemInput], events: Iterable[EventInput]
) -> list[CollectionInput]:
    """All collections, those with too few films left out and long ones cut."""
    ratings: dict[str, list[float]] = defaultdict(list)
    for event in events:
        ratings[event.item_id].append(event.value or 0.0)
    found = [
        *_franchises(items),
        *_oscar_winners(items),
        *_directors(items),
        *_reviewed(items),
        *_loved(items, ratings),
    ]
    return [
        CollectionInput(
            external_id=made.external_id,
            title=made.title,
            description=made.description,
            item_ids=made.item_ids[:MOST_ITEMS],
        )
        for made in found
        if len(made.item_ids) >= (LEAST_PARTS if made.title.endswith(SERIES) else LEAST_ITEMS)
    ]


def _franchises(items: Sequence[ItemInput]) -> list[CollectionInput]:
    """Series whose parts are numbered, with the first part and later ones named like it."""
    by_title: dict[str, list[ItemInput]] = defaultdict(list)
    stems: dict[str, set[int]] = defaultdict(set)
    names: dict[str, str] = {}
    for item in items:
        by_title[_plain(item.title)].append(item)
        if numbered := _NUMBERED.match(item.title):
            stem = numbered.group("stem")
            stems[_plain(stem)].add(_number(numbered.group("number")))
            names.setdefault(_plain(stem), stem)
    made = []
    for stem, numbers in sorted(stems.items()):
        if len(numbers) < (2 if stem in by_title else LEAST_PARTS):
            continue
        members = _members(stem, by_title)
        made.append(
            _collection(
                f"series-{stem.replace(' ', '-')}",
                f"{names[stem]}{SERIES}",
                "Films of one series, in order of release: their titles are numbered, and each has "
                "a maker or an actor in common with another.",
                sorted(members, key=lambda item: (item.year or 0, item.title)),
            )
        )
    return made


def _members(stem: str, by_title: Mapping[str, list[ItemInput]]) -> list[ItemInput]:
    """The parts of a series.

    A first part may share its title with remakes: the one nearest before the second part is meant.
    A part that shares nobody with another part only happens to be named alike.
    """
    later = [
        item
        for title, found in by_title.items()
        for item in found
        if title.startswith(f"{stem} ") and _NUMBERED.match(item.title)
    ]
    start = min(item.year or 0 for item in later)
    first = [item for item in by_title.get(stem, ()) if (item.year or 0) <= start]
    parts = [*sorted(first, key=lambda item: item.year or 0)[-1:], *later]
    people = {part.external_id: _people(part) for part in parts}
    return [
        part
        for part in parts
        if any(
            people[part.external_id] & people[other.external_id]
            for other in parts
            if other is not part
        )
    ]


def _people(item: ItemInput) -> set[str]:
    named = {*item.creators}
    for attribute in ("writers", "cast"):
        names = item.attributes.get(attribute)
        named |= set(names) if isinstance(names, list) else set()
    return named


def _oscar_winners(items: Sequence[ItemInput]) -> list[CollectionInput]:
    winners: dict[str, list[ItemInput]] = defaultdict(list)
    for item in items:
        if item.attributes.get("oscars") and item.year:
            winners[decade(item.year)].append(item)
    return [
        _collection(
            f"oscars-{name}",
            f"Oscar winners of the {name}",
            f"Films of the {name} that won at least one Oscar, most Oscars first.",
            sorted(films, key=lambda item: (-_number_of(item, "oscars"), item.year or 0)),
        )
        for name, films in sorted(winners.items())
    ]


def _directors(items: Sequence[ItemInput]) -> list[CollectionInput]:
    films: dict[str, list[ItemInput]] = defaultdict(list)
    for item in items:
        if len(item.creators) == 1:
            films[item.creators[0]].append(item)
    return [
        _collection(
            f"directed-by-{_plain(name).replace(' ', '-')}",
            f"Directed by {name}",
            f"All {len(made)} films in the catalog that {name} directed alone, oldest first.",
            sorted(made, key=lambda item: (item.year or 0, item.title)),
        )
        for name, made in sorted(films.items())
        if len(made) >= LEAST_OF_A_DIRECTOR
    ]


def _reviewed(items: Sequence[ItemInput]) -> list[CollectionInput]:
    scored = [item for item in items if _reviews(item)]
    scored.sort(key=lambda item: (-_reviews(item), item.title))
    by_rule = {
        **{
            f"{AS_ADJECTIVE.get(genre, genre)} films": ("genre", genre) for genre in REVIEWED_GENRES
        },
        **{f"films from {country}": ("country", country) for country in REVIEWED_COUNTRIES},
    }
    return [
        _collection(
            f"reviewed-{_plain(value).replace(' ', '-')}",
            f"Best reviewed {title if kind == 'country' else title[0].lower() + title[1:]}",
            f"The {TOP} highest by the mean of Metacritic and Tomatometer, both known.",
            [i for i in scored if value in (i.category_paths if kind == "genre" else i.countries)][
                :TOP
            ],
        )
        for title, (kind, value) in by_rule.items()
    ]


def _loved(
    items: Sequence[ItemInput], ratings: Mapping[str, Sequence[float]]
) -> list[CollectionInput]:
    """What raters rated highest, few ratings drawn toward the mean of all."""
    count = sum(len(values) for values in ratings.values())
    mean = sum(sum(values) for values in ratings.values()) / max(count, 1)
    weight = LEAST_RATINGS * 2

    def score(item: ItemInput) -> float:
        values = ratings[item.external_id]
        return (sum(values) + weight * mean) / (len(values) + weight)

    rated = [item for item in items if len(ratings.get(item.external_id, ())) >= LEAST_RATINGS]
    rated.sort(key=lambda item: (-score(item), item.title))
    decades = sorted({decade(item.year) for item in rated if item.year})
    made = [
        _collection(
            f"loved-{name}",
            f"Loved films of the {name}",
            f"The {TOP} films of the {name} with the highest ratings by the people of this demo.",
            [item for item in rated if item.year and decade(item.year) == name][:TOP],
        )
        for name in decades
    ]
    unseen = [item for item in items if item.external_id not in ratings and _reviews(item)]
    unseen.sort(key=lambda item: (-_reviews(item), item.title))
    made.append(
        _collection(
            "unseen",
            "Praised and hardly seen",
            "Best reviewed films that nobody of this demo has rated.",
            unseen[:TOP],
        )
    )
    return made


def _collection(
    external_id: str, title: str, description: str, films: Sequence[ItemInput]
) -> CollectionInput:
    return CollectionInput(
        external_id=external_id,
        title=title,
        description=description,
        item_ids=tuple(dict.fromkeys(film.external_id for film in films)),
    )


def _plain(title: str) -> str:
    return re.sub(r"[^0-9a-z\u00df-\u024f]+", " ", title.casefold()).strip()


def _number(text: str) -> int:
    return int(text) if text.isdigit() else _ROMAN[text.lower()]


def _number_of(item: ItemInput, attribute: str) -> float:
    value = item.attributes.get(attribute)
    return float(value) if isinstance(value, int | float) else 0.0


def _reviews(item: ItemInput) -> float:
    """Mean of both scores; 0 where one is not known."""
    both = [_number_of(item, "metacritic"), _number_of(item, "tomatometer_percent")]
    return sum(both) / 2 if all(both) else 0.0
