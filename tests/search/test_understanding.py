"""Queries that speak of facets: read into filters, told, and searched inside them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.filters import ItemFilters
from catalog.items import upsert_items
from catalog.profiles import save_profile
from catalog.types import ItemInput
from search.facet_words import build_facet_words
from search.models import Synonym
from search.retrieval import retrieve
from search.spelling import build_terms
from search.synonym_sets import SynonymSet
from search.synonym_store import review_synonyms, state
from search.text import normalize_query
from search.tsquery import FILLERS
from search.types import SearchRequest
from search.understanding import understand

pytestmark = pytest.mark.django_db
SENTENCE = "french comedies from the 60s under 100 minutes by tati with of 1967 not crime"
WORDS = [*SENTENCE.split(), "-", '"', "-french", '"mon oncle"', "$20", "\u202e", "'"]


def film(n, title, year, minutes, *, genre="Comedy", country="France", by="Jacques Tati", **given):
    return ItemInput(
        external_id=f"f{n}", title=title, year=year, category_paths=genre.split("|"),
        countries=[country], creators=[by],
        attributes={"runtime_minutes": minutes, "cast": given.pop("cast", [])}, **given,
    )  # fmt: skip


@pytest.fixture
def films(db):
    save_profile(
        item_noun="film", item_noun_plural="films", creator_noun="director", range_facet="year",
        category_noun="genre", name_attributes=["cast"], facet_attributes=["runtime_minutes"],
    )  # fmt: skip
    upsert_items(
        items=[
            film(1, "Playtime", 1967, 124),
            film(2, "Mon Oncle", 1958, 117),
            film(3, "Le Corniaud", 1965, 90, by="Gérard Oury", cast=["Louis de Funès"]),
            film(4, "Fantômas", 1964, 95, genre="Comedy|Crime", by="André Hunebelle",
                 cast=["Louis de Funès"]),
            film(5, "The French Connection", 1971, 104, genre="Crime", country="United States",
                 by="William Friedkin"),
            film(6, "Rear Window", 1954, 112, genre="Thriller", country="United States",
                 by="Alfred Hitchcock", cast=["James Stewart"]),
            film(7, "1917", 2019, 119, genre="War", country="United Kingdom", by="Sam Mendes"),
            film(8, "Hitch", 2005, 118, country="United States", by="Andy Tennant"),
        ]
    )  # fmt: skip
    build_terms()
    build_facet_words()


def titles(query, **given):
    return [hit.item.title for hit in retrieve(SearchRequest(query=query, **given)).hits]


def told(query, **given):
    found = retrieve(SearchRequest(query=query, **given)).understood
    return [(each.words, each.facet, each.label) for each in found]


@pytest.mark.usefixtures("films")
class TestFilms:
    def test_a_sentence_becomes_filters_and_nothing_is_left_to_match(self):
        query = "french comedies from the 60s under 100 minutes"
        assert told(query) == [
            ("french", "country", "France"),
            ("comedies", "category", "Comedy"),
            ("from the 60s", "year", "1960s"),
            ("under 100 minutes", "attributes.runtime_minutes", "Runtime up to 100 min"),
        ]
        assert sorted(titles(query)) == ["Fantômas", "Le Corniaud"]

    def test_counts_facets_and_hits_are_inside_what_was_understood(self):
        found = retrieve(SearchRequest(query="french comedies"))
        assert found.total == len(found.hits) == 4
        counts = {f.key: {v.value: v.count for v in f.values} for f in found.facets}
        assert counts["country"] == {"France": 4}
        assert counts["category"] == {"Comedy": 4, "Crime": 1}
        chosen = retrieve(
            SearchRequest(query="french comedies", filters=ItemFilters(category=("Crime",)))
        )
        assert chosen.total == 1

    def test_two_values_of_one_facet_must_both_be_there(self):
        assert titles("comedy crime") == ["Fantômas"]

    def test_by_announces_a_name_or_the_last_word_of_one(self):
        assert told("by hitchcock") == [("by hitchcock", "creator", "Alfred Hitchcock")]
        assert titles("films by hitchcock") == ["Rear Window"]
        assert titles("directed by Jacques Tati") == titles("director tati")
        assert sorted(titles("comedies starring de funes")) == ["Fantômas", "Le Corniaud"]

    def test_a_name_that_nothing_announces_stays_words(self):
        assert told("hitchcock thriller") == [("thriller", "category", "Thriller")]

    def test_a_title_is_not_taken_apart(self):
        assert told("the french connection") == told("french connection") == []
        assert titles("french connection")[0] == "The French Connection"
        assert told("1917") == []
        assert titles("1917") == ["1917"]

    def test_the_rest_is_searched_for_inside(self):
        assert told("hitch american comedy 2005") == [
            ("american", "country", "United States"),
            ("comedy", "category", "Comedy"),
            ("2005", "year", "Year 2005"),
        ]
        assert titles("hitch american comedy 2005") == ["Hitch"]

    def test_what_leads_to_nothing_is_searched_by_its_words(self):
        assert told("connection french comedies") == []
        assert told("thrillers from the 20s") == []

    def test_a_typing_error_beside_what_is_understood(self):
        found = retrieve(SearchRequest(query="frnch comedies"))
        assert found.corrected_query == "french comedies"
        assert [each.label for each in found.understood] == ["France", "Comedy"]
        assert found.total == 4

    def test_a_part_can_be_taken_as_words_and_word_for_word_means_words(self):
        assert told("french comedies", as_words=("French",)) == [("comedies", "category", "Comedy")]
        assert told("french comedies", verbatim=True) == []

    @pytest.mark.parametrize(
        "query", ['"french comedies"', "-french -comedies", "not french", "films"]
    )
    def test_quotes_minus_and_not_are_left_alone(self, query):
        assert "country" not in [facet for _, facet, _ in told(query)]

    def test_half_a_word_says_nothing_yet(self):
        assert told("french comedies", is_typing=True) == [("french", "country", "France")]

    def test_a_synonym_says_what_it_stands_for(self):
        row = state(stated=SynonymSet.read(["whodunit"], ["crime"]), by="boss")
        review_synonyms(ids=[row.pk], review=Synonym.Review.APPROVED, by="boss")
        assert told("french whodunit")[1] == ("whodunit", "category", "Crime")

    @settings(deadline=None, max_examples=40)
    @given(text=st.text(max_size=80) | st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
    def test_every_word_is_either_understood_or_searched_for(self, text):
        found = understand(text)
        if not found.spans:
            assert found.rest == text
        told = " ".join([found.rest, *(span.words for span in found.spans)])
        lost = set(normalize_query(text).split()) - set(normalize_query(told).split())
        assert lost <= FILLERS | {"film", "films"}
        retrieve(SearchRequest(query=text.replace("\x00", "")))


def test_a_shop_understands_prices_colours_and_cheap(db):
    save_profile(range_facet="price", facet_attributes=["color"], currency="USD")
    upsert_items(
        items=[
            ItemInput(
                external_id=f"{color}{n}", title=f"Hoodie {n}", price=10 * n,
                category_paths=["Men/Hoodies" if n % 2 else "Women/Hoodies"],
                attributes={"color": color},
            )
            for color in ("red", "blue")
            for n in range(1, 7)
        ]
        + [ItemInput(external_id="chair", title="Red chair", price=1)]
    )  # fmt: skip
    build_facet_words()
    found = retrieve(SearchRequest(query="cheap red hoodies"))
    assert [(each.words, each.label) for each in found.understood] == [
        ("cheap", "Price up to $20.00"),
        ("red", "red"),
        ("hoodies", "Hoodies"),
    ]
    assert [hit.item.title for hit in found.hits] == ["Hoodie 1", "Hoodie 2"]
    under = retrieve(SearchRequest(query="red hoodie under $30", sort="price"))
    assert [hit.item.price for hit in under.hits] == [10, 20, 30]


def test_words_that_are_a_small_part_of_a_long_title_say_what_they_say(db):
    upsert_items(
        items=[
            ItemInput(external_id="a", title="A", category_paths=["Short"]),
            ItemInput(external_id="b", title="Thirty Two Short Films About Glenn Gould"),
        ]
    )
    save_profile(item_noun="film", item_noun_plural="films")
    build_facet_words()
    assert [each.label for each in retrieve(SearchRequest(query="short films")).understood] == [
        "Short"
    ]


def test_a_title_that_is_a_value_of_many_is_not_one_thing(db):
    upsert_items(
        items=[
            ItemInput(external_id="w", title="War"),
            ItemInput(external_id="r", title="Rope", creators=["Alfred Hitchcock"]),
            *(
                ItemInput(external_id=f"w{n}", title=f"Film {n}", category_paths=["War"])
                for n in range(10)
            ),
        ]
    )
    build_facet_words()
    war, rope = (retrieve(SearchRequest(query=query)) for query in ("war", "rope"))
    assert war.hits[0].source == rope.hits[0].source == "exact_title"
    assert (war.exact_title, rope.exact_title) == (False, True)
