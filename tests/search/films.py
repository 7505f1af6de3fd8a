"""A small catalog of films, as the importers would leave it, for tests of search."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

from django.utils import timezone

from catalog.answers import AnswerInput, log_answer
from catalog.items import upsert_items
from catalog.models import Collection, CollectionItem, Item
from catalog.profiles import save_profile
from catalog.types import ItemInput, Viewer
from recs.models import ItemPopularity, NeighbourVersion
from search.text import normalize_query

# title | year | categories | creators | country | cast | people who wanted it
FILMS = """
Rear Window|1954|Thriller, Mystery|Alfred Hitchcock|United States|James Stewart, Grace Kelly|90
Vertigo|1958|Thriller, Mystery|Alfred Hitchcock|United States|James Stewart, Kim Novak|80
Rope|1948|Thriller, Crime|Alfred Hitchcock|United States|James Stewart|20
To Catch a Thief|1955|Thriller, Romance|Alfred Hitchcock|United States|Grace Kelly, Cary Grant|30
The Birds|1963|Thriller, Horror|Alfred Hitchcock|United States|Tippi Hedren|40
Mon Oncle|1958|Comedy|Jacques Tati|France|Jacques Tati|15
Playtime|1967|Comedy|Jacques Tati|France|Jacques Tati|25
Trafic|1971|Comedy|Jacques Tati|France|Jacques Tati|3
La Grande Vadrouille|1966|Comedy, War|Gérard Oury|France|Louis de Funès|12
Le Corniaud|1965|Comedy, Crime|Gérard Oury|France|Louis de Funès|8
Fantômas|1964|Comedy, Crime|André Hunebelle|France|Louis de Funès|7
Zazie dans le Métro|1960|Comedy|Louis Malle|France|Philippe Noiret|6
Like Water for Chocolate|1992|Romance|Alfonso Arau|Mexico|Lumi Cavazos|9
The Godfather|1972|Crime, Drama|Francis Ford Coppola|United States|Al Pacino|99
100% Wolf|2020|Comedy|Alexs Stadermann|Australia|Jai Courtney|1
"""


@dataclass(frozen=True)
class Film:
    title: str
    year: int
    categories: list[str]
    creators: list[str]
    country: str
    cast: list[str]
    people: int


def films_of_the_table() -> list[Film]:
    """The rows of FILMS."""
    rows = [[cell.strip() for cell in line.split("|")] for line in FILMS.strip().splitlines()]
    return [
        Film(
            title, int(year), categories.split(", "), creators.split(", "), country,
            cast.split(", "), int(people),
        )
        for title, year, categories, creators, country, cast, people in rows
    ]  # fmt: skip


def load_films() -> dict[str, Item]:
    """The films by title, with popularity and one collection."""
    table = films_of_the_table()
    save_profile(
        name="Films", item_noun="film", item_noun_plural="films", creator_noun="director",
        category_noun="genre", range_facet="year", name_attributes=["cast"],
    )  # fmt: skip
    upsert_items(
        items=[
            ItemInput(
                external_id=f"f{n}", title=film.title, year=film.year,
                category_paths=film.categories, creators=film.creators,
                countries=[film.country], attributes={"cast": film.cast},
            )
            for n, film in enumerate(table)
        ]
    )  # fmt: skip
    films = {item.title: item for item in Item.objects.all()}
    version = NeighbourVersion.objects.create(as_of=timezone.now(), is_live=True)
    ItemPopularity.objects.bulk_create(
        ItemPopularity(
            version=version, item=films[film.title], wanted=film.people, people=film.people,
            trending=1,
        )
        for film in table
    )  # fmt: skip
    tati = Collection.objects.create(external_id="hulot", title="Monsieur Hulot")
    for place, title in enumerate(["Mon Oncle", "Playtime", "Trafic"], start=1):
        CollectionItem.objects.create(collection=tati, item=films[title], position=place)
    return films


def log_search(query, *, viewer, items=(), seconds_ago=600, is_typing=False, **fields):
    """One search in the log, as search.answer would leave it; its `query_id`."""
    ids, query_id = [item.pk for item in items], uuid4()
    log_answer(
        answer=AnswerInput(
            query_id=query_id, kind="search", viewer=viewer, query=query,
            normalized_query=normalize_query(query), is_typing=is_typing,
            time=timezone.now() - timedelta(seconds=seconds_ago),
            **{
                "surface": "search", "total": len(ids),
                "hits": [{"item": pk, "position": n} for n, pk in enumerate(ids, start=1)],
                **fields,
            },
        )
    )  # fmt: skip
    return query_id


def visitor(name) -> Viewer:
    """An anonymous visitor."""
    return Viewer(anonymous_id=name)
