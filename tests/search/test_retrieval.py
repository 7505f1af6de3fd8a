"""What retrieve() finds in a part of the real films."""

import itertools
from decimal import Decimal

import pytest
from django.utils import timezone

from catalog.errors import InvalidInput
from catalog.filters import ItemFilters, Range, parse_filters
from catalog.items import set_hidden, upsert_items
from catalog.models import Item
from catalog.types import ItemInput
from recs.embeddings import encode_pending
from search.retrieval import SearchRequest, retrieve

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("film_world")]

QUERIES = ("space adventure", "french comedy 1960s", "hitchcock thriller", "the godfather", "drama")


def find(query="", **options):
    return retrieve(SearchRequest(query=query, **options))


def titles(found):
    return [hit.item.title for hit in found.hits]


def test_an_exact_title_is_first_and_said_to_be_exact():
    found = find("the godfather")
    assert titles(found)[:3] == ["The Godfather", "The Godfather Part II", "The Godfather Part III"]
    assert found.hits[0].source == "exact_title"
    assert found.exact_title
    assert found.total <= 12


def test_a_mistyped_name_is_corrected_and_said_so():
    found = find("hitchcok thriller")
    assert found.query == "hitchcok thriller"
    assert found.corrected_query == "hitchcock thriller"
    assert all("Alfred Hitchcock" in hit.item.creators for hit in found.hits[:10])
    assert all("Thriller" in hit.item.categories for hit in found.hits[:10])


def test_verbatim_searches_what_was_typed():
    found = find("hitchcok thriller", verbatim=True)
    assert found.corrected_query is None
    assert not any("<mark>Hitchcock" in hit.snippet for hit in found.hits)


def test_a_query_that_finds_something_is_not_corrected():
    assert find("hitchcock thriller").corrected_query is None


@pytest.mark.parametrize(
    "query", ["french comedy 1960s", "french comedies 60s", "sixties french comedy"]
)
def test_country_genre_and_decade_are_understood(query):
    found = find(query)
    assert len(found.hits) >= 10
    for hit in found.hits[:10]:
        assert "Comedy" in hit.item.categories
        assert 1960 <= hit.item.year < 1970
        assert "France" in hit.item.countries or "French" in hit.item.attributes["languages"]


def test_what_shares_no_word_is_found_by_meaning():
    found = find("space adventure")
    near = [hit for hit in found.hits if hit.source == "dense"]
    assert near
    assert all(hit.matched[-1] == "meaning" for hit in near)
    assert any("Space" in title for title in titles(found)[:3])


def test_letters_without_sense_find_nothing():
    found = find("asdfgh qwerty")
    assert found.total == 0
    assert found.hits == ()
    assert found.facets == ()
    assert found.related == ()


def test_accents_apostrophes_and_punctuation_do_not_matter():
    assert titles(find("amelie"))[0] == "Amélie"
    assert titles(find("l'avventura"))[0] == "L'Avventura"
    assert titles(find("lavventura"))[0] == "L'Avventura"
    assert titles(find("toystory"))[0].startswith("Toy Story")


def test_a_word_being_typed_is_a_prefix():
    assert "The Godfather" in titles(find("the godfa", is_typing=True))


def test_a_minus_excludes_and_quotes_demand():
    assert "Toy Story 2" in titles(find("toy story"))
    found = find("toy story -2")
    assert found.total
    assert "Toy Story 2" not in titles(found)
    phrase = find('"toy story"')
    assert all("Toy Story" in title for title in titles(phrase))


@pytest.mark.parametrize("query", QUERIES)
def test_totals_do_not_change_between_pages_and_pages_do_not_overlap(query):
    first = find(query, per_page=5)
    seen = [hit.item.pk for hit in first.hits]
    for page in range(2, first.pages + 1):
        found = find(query, per_page=5, page=page)
        assert (found.total, found.facets) == (first.total, first.facets)
        assert found.hits[0].position == (page - 1) * 5 + 1
        seen += [hit.item.pk for hit in found.hits]
    assert len(seen) == len(set(seen)) == first.total


def test_a_page_beyond_the_end_is_empty_and_its_total_right():
    found = find("the godfather", page=50)
    assert found.hits == ()
    assert found.total == find("the godfather").total


FILTERS = (
    {},
    {"category": ["Drama"]},
    {"country": ["France", "Italy"]},
    {"year": ["1960..1969"]},
    {"category": ["Comedy"], "year": ["1950..1999"]},
    {"creator": ["Alfred Hitchcock"], "country": ["United States"]},
)


@pytest.mark.parametrize(("query", "params"), [*itertools.product((*QUERIES, ""), FILTERS)])
def test_the_count_of_a_facet_is_what_choosing_it_yields(query, params):
    filters = parse_filters(params)
    found = find(query, filters=filters)
    for facet in found.facets:
        for value in facet.values[:2]:
            chosen = parse_filters({**params, facet.key: [value.value]})
            assert find(query, filters=chosen).total == value.count, (facet.key, value)


@pytest.mark.parametrize(("query", "params"), [*itertools.product(QUERIES, FILTERS)])
def test_every_hit_passes_the_filters(query, params):
    filters = parse_filters(params)
    found = find(query, filters=filters, per_page=100)
    shown = {hit.item.pk for hit in (*found.hits, *found.related)}
    assert Item.objects.filter(filters.q(), pk__in=shown).count() == len(shown)


def test_a_chosen_value_is_shown_even_where_it_counts_nothing():
    found = find("hitchcock", filters=ItemFilters(country=("Atlantis",)))
    country = next(facet for facet in found.facets if facet.key == "country")
    assert ("Atlantis", 0, True) in [(v.value, v.count, v.is_selected) for v in country.values]
    assert found.total == 0


def test_a_short_filtered_list_is_filled_up_with_what_is_near_but_not_counted():
    filters = ItemFilters(year=Range(low=Decimal(1960), high=Decimal(1969)))
    found = find("the godfather", filters=filters)
    assert found.total < 10
    assert found.related
    assert all(1960 <= hit.item.year <= 1969 for hit in found.related)
    assert not {hit.item.pk for hit in found.hits} & {hit.item.pk for hit in found.related}


def test_a_hidden_item_is_gone_at_once():
    shown = find("psycho").hits[0].item
    assert shown.title == "Psycho"
    set_hidden(external_ids=[shown.external_id], hidden=True)
    found = find("psycho")
    assert shown.pk not in {hit.item.pk for hit in (*found.hits, *found.related)}
    assert shown.pk not in {hit.item.pk for hit in find().hits}


def test_an_item_that_is_no_longer_available_is_not_found():
    Item.objects.filter(title="Psycho").update(available_until=timezone.now())
    assert "Psycho" not in titles(find("psycho"))


def test_a_new_item_is_found_by_its_words_at_once_and_by_meaning_when_encoded():
    item = ItemInput(
        external_id="new", title="Starship of the Quiet Sea",
        description="A science fiction adventure in space.", category_paths=["Adventure"],
    )  # fmt: skip
    upsert_items(items=[item])
    assert titles(find("quiet sea"))[0] == "Starship of the Quiet Sea"
    encode_pending()
    assert "Starship of the Quiet Sea" in titles(find("space adventure", per_page=100))


def test_nothing_is_encoded_yet_and_words_still_find():
    from recs.models import ContentVersion

    ContentVersion.objects.update(is_live=False)
    found = find("hitchcock thriller")
    assert found.total > 5
    assert {hit.source for hit in found.hits} == {"lexical"}


def test_an_empty_query_browses_everything_popular_first():
    found = find()
    assert found.total == Item.objects.visible().count()
    assert set(titles(found)[:3]) <= {"Psycho", "The Godfather", "Playtime", "Toy Story"}
    years = [hit.item.year for hit in find(sort="newest").hits]
    assert years == sorted(years, reverse=True)


@pytest.mark.parametrize("query", ["hitchcock", ""])
def test_other_orders_hold(query):
    years = [hit.item.year for hit in find(query, sort="newest").hits]
    assert years == sorted(years, reverse=True)
    names = [title.lower() for title in titles(find(query, sort="title"))]
    assert names[0] <= names[-1]
    assert find(query, sort="popular").hits[0].item.title in {
        "Psycho", "The Godfather", "Playtime", "Toy Story",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"query": "x" * 501}, "q"),
        ({"query": "a\x00b"}, "q"),
        ({"page": 0}, "page"),
        ({"per_page": 0}, "per_page"),
        ({"per_page": 101}, "per_page"),
        ({"page": 101, "per_page": 100}, "page"),
        ({"sort": "best"}, "sort"),
    ],
)
def test_what_cannot_be_answered_is_refused_by_name(options, field):
    with pytest.raises(InvalidInput) as refused:
        find(**options)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "query",
    ["<script>alert(1)</script>", "'; DROP TABLE catalog_item; --", "🎬", "שלום", "\u202egod", "-",
     '"', "& | ! ( ) :* <->", "%_\\", "a" * 500, "the " * 120],
)  # fmt: skip
def test_hostile_queries_are_answered(query):
    found = find(query)
    assert found.total >= 0
    assert all("<script" not in hit.title_marked for hit in found.hits)


def test_a_search_takes_few_statements(django_assert_max_num_queries):
    # A correction asks for the words of the catalog, and for what the corrected query finds.
    for query, most in (*((query, 12) for query in QUERIES), ("hitchcok thriller", 16)):
        find(query)  # the profile and the encoder are read once
        with django_assert_max_num_queries(most):
            find(query)
    with django_assert_max_num_queries(5):
        find()
