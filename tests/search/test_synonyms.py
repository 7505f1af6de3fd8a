"""Synonyms: stated, approved, applied at query time, proposed by the log and by meaning."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Conflict, InvalidInput
from catalog.items import upsert_items
from catalog.models import Answer, Item
from catalog.types import ItemInput
from recs.embeddings import encode_pending
from recs.searches import ChosenSearch
from search import tsquery
from search.highlight import mark, marker_for
from search.models import Anchor, Query, Synonym
from search.retrieval import retrieve
from search.spelling import build_terms
from search.synonym_effects import effects
from search.synonym_sets import MAX_PHRASES, SynonymSet
from search.synonym_sources import from_clicks, from_meaning
from search.synonym_store import Proposal, propose, review_synonyms, state
from search.synonyms import synonyms, table_of
from search.tsquery import parse
from search.types import SearchRequest

TABLE = table_of(
    [
        SynonymSet.read(["sci fi", "science fiction"]),
        SynonymSet.read(["flick"], ["film", "motion picture"]),
    ]
)


def asked(text, **more):
    return tsquery.all_terms(parse(text, synonyms=TABLE), **more)


class TestQueries:
    def test_a_phrase_finds_what_the_other_finds(self):
        assert asked("sci-fi comedy") == "(('sci' & 'fi') | ('science' & 'fiction')) & 'comedy'"
        assert asked("science fiction") == "(('science' & 'fiction') | ('sci' & 'fi'))"

    def test_one_way_finds_one_way(self):
        assert asked("flick") == "('flick' | 'film' | ('motion' & 'picture'))"
        assert asked("film") == "'film'"

    def test_the_longest_phrase_counts_once(self):
        table = table_of([SynonymSet.read(["new york", "nyc"]), SynonymSet.read(["new", "recent"])])
        text = tsquery.all_terms(parse("new york films", synonyms=table))
        assert text == "(('new' & 'york') | 'nyc') & 'films'"

    def test_what_a_synonym_stands_for_is_not_taken_further(self):
        """Sets that speak of each other make no loop."""
        table = table_of([SynonymSet.read(["a1"], ["b1"]), SynonymSet.read(["b1"], ["a1", "c1"])])
        assert tsquery.all_terms(parse("a1", synonyms=table)) == "('a1' | 'b1')"

    def test_the_last_word_of_a_phrase_may_be_a_prefix(self):
        assert asked("sci fi", last_is_prefix=True) == (
            "((('sci' & 'fi') | ('science' & 'fiction')) | ('sci' & 'fi':*))"
        )

    def test_quoted_and_excluded_words_stay_what_they_are(self):
        assert asked('"sci fi" -flick') == "('sci' <-> 'fi') & !(('flick'))"

    def test_most_terms_let_go_of_whole_phrases(self):
        text = tsquery.most_terms(parse("sci fi about robots", synonyms=TABLE))
        assert text == ("(((('sci' & 'fi') | ('science' & 'fiction')) & ('robots' | 'robots':*)))")

    def test_synonyms_are_marked(self):
        marker = marker_for(parse("sci fi", synonyms=TABLE))
        assert mark("Science fiction of 1960", marker) == "<mark>Science fiction</mark> of 1960"

    @given(st.lists(st.sampled_from(["sci", "fi", "science", "fiction", "flick", "a", "b"])))
    def test_parts_are_the_words_in_order(self, words):
        query = parse(" ".join(words), synonyms=TABLE)
        assert tuple(word for part in query.parts for word in part.words) == query.words


class TestSets:
    def test_in_normal_form_each_once(self):
        stated = SynonymSet.read(["Sci-Fi", "sci fi", "Science  Fiction"])
        assert stated.words == ("sci fi", "science fiction")
        assert stated.key == SynonymSet.read(["science fiction", "SCI FI"]).key
        assert stated.key != SynonymSet.read(["sci fi"], ["science fiction"]).key

    @pytest.mark.parametrize(
        ("words", "finds", "field", "said"),
        [
            ([], [], "words", "State what people type"),
            (["one"], [], "words", "two phrases"),
            (["one", "ONE"], [], "words", "two phrases"),
            (["one"], ["one", "two"], "finds", "stand for itself"),
            (["!!!", "one"], [], "words", "holds no word"),
            (["the", "a film"], [], "words", "too many queries"),
            (["one two three four five six", "b"], [], "words", "at most 5 words"),
            (["x" * 90, "b"], [], "words", "80 characters"),
            ([f"w{n}" for n in range(MAX_PHRASES + 1)], [], "words", "At most 20"),
        ],
    )
    def test_what_cannot_be_a_set_is_refused(self, words, finds, field, said):
        with pytest.raises(InvalidInput, match=said) as refused:
            SynonymSet.read(words, finds)
        assert refused.value.field == field


def film(number, title, category="Drama"):
    return ItemInput(external_id=f"f{number}", title=title, category_paths=[category])


@pytest.fixture
def films(db):
    upsert_items(
        items=[
            film(1, "Alien", "Science fiction"),
            film(2, "Solaris", "Science fiction"),
            film(3, "Sci fi diner"),
            film(4, "Rear Window"),
        ]
    )
    build_terms()


def approved(words, finds=()):
    row = state(stated=SynonymSet.read(words, finds), by="editor")
    review_synonyms(ids=[row.pk], review="approved", by="editor")
    return row


def found(query, **more):
    answer = retrieve(SearchRequest(query=query, **more))
    return {hit.item.title for hit in answer.hits}, answer


@pytest.mark.usefixtures("films")
class TestSearch:
    def test_an_approved_set_counts_from_the_next_search_on(self):
        row = state(stated=SynonymSet.read(["sci fi", "science fiction"]), by="editor")
        assert found("sci-fi")[0] == {"Sci fi diner"}
        review_synonyms(ids=[row.pk], review="approved", by="editor")
        titles, answer = found("sci-fi")
        assert titles == {"Alien", "Solaris", "Sci fi diner"}
        assert [(each.typed, each.also) for each in answer.synonyms] == [
            ("sci fi", ("science fiction",))
        ]
        review_synonyms(ids=[row.pk], review="rejected", by="editor")
        assert found("sci-fi")[0] == {"Sci fi diner"}
        row.delete()
        assert not synonyms()

    def test_word_for_word_nothing_stands_for_anything(self):
        approved(["sci fi", "science fiction"])
        titles, answer = found("sci fi", verbatim=True)
        assert titles == {"Sci fi diner"}
        assert not answer.synonyms

    def test_a_word_with_a_synonym_is_no_typing_error(self):
        assert found("aliem")[1].corrected_query == "alien"
        approved(["aliem"], ["rear window"])
        titles, answer = found("aliem")
        assert (titles, answer.corrected_query) == ({"Rear Window"}, None)

    def test_a_corrected_query_has_its_synonyms_too(self):
        approved(["sci fi", "science fiction"])
        titles, answer = found("sciense fiction")
        assert answer.corrected_query == "science fiction"
        assert "Sci fi diner" in titles

    def test_page_and_api_say_what_was_searched_for_beside_it(self, client):
        approved(["sci fi", "science <i>fiction"])
        page = client.get("/search", {"q": "sci fi"}).content.decode()
        assert "<bdi>science i fiction</bdi></strong> as well" in page
        assert "verbatim=1" in page
        assert (
            "as well"
            not in client.get("/search", {"q": "sci fi", "verbatim": "1"}).content.decode()
        )
        told = client.get("/api/v1/search", {"q": "sci fi"}).json()
        assert told["synonyms"] == [{"typed": "sci fi", "also": ["science i fiction"]}]
        told = client.get("/api/v1/search", {"q": "sci fi", "verbatim": "true"}).json()
        assert told["synonyms"] == []

    def test_counts_are_those_of_the_list(self):
        approved(["sci fi", "science fiction"])
        titles, answer = found("sci fi")
        assert answer.total == len(titles) == 3
        (facet,) = [each for each in answer.facets if each.key == "category"]
        assert {value.value: value.count for value in facet.values} == {
            "Science fiction": 2, "Drama": 1,
        }  # fmt: skip


@pytest.mark.django_db
class TestStore:
    def test_the_same_set_is_not_stored_twice(self):
        first = state(stated=SynonymSet.read(["one", "two"]), by="a")
        with pytest.raises(Conflict):
            state(stated=SynonymSet.read(["two", "one"]), by="b")
        assert state(stated=SynonymSet.read(["one", "two"]), by="b", pk=first.pk).pk == first.pk

    def test_another_set_has_to_be_approved_again(self):
        row = approved(["one", "two"])
        state(stated=SynonymSet.read(["one", "three"]), by="b", pk=row.pk)
        row.refresh_from_db()
        assert (row.review, row.reviewed_by, row.words) == ("proposed", "", ["one", "three"])
        assert not synonyms()

    def test_what_was_rejected_is_not_proposed_again(self):
        one = Proposal(stated=SynonymSet.read(["one", "two"]), source="clicks", evidence={})
        assert propose([one]) == 1
        (row,) = Synonym.objects.all()
        review_synonyms(ids=[row.pk], review="rejected", by="a")
        assert propose([one]) == 0
        row.refresh_from_db()
        assert (row.review, row.source) == ("rejected", "clicks")

    def test_the_first_reviewer_stays(self):
        row = approved(["one", "two"])
        assert review_synonyms(ids=[row.pk], review="approved", by="other") == 0
        row.refresh_from_db()
        assert row.reviewed_by == "editor"
        with pytest.raises(InvalidInput, match="A review is one of"):
            review_synonyms(ids=[row.pk], review="maybe", by="editor")


def log(query, visitor, total=0, days=1):
    Answer.objects.create(
        query_id=uuid4(), kind="search", surface="search", query=query,
        normalized_query=query, anonymous_id=visitor, total=total,
        time=timezone.now() - timedelta(days=days),
    )  # fmt: skip


@pytest.mark.usefixtures("films")
class TestEffects:
    def test_past_queries_with_it_and_without(self):
        for visitor in "ab":
            log("sci fi films", visitor)
            log("sci fi", visitor)
        log("sci", "a")
        log("sci fi", "c")
        rows = effects(SynonymSet.read(["sci fi", "science fiction"]), {})
        assert [(row.query, row.people) for row in rows] == [("sci fi", 3), ("sci fi films", 2)]
        assert (rows[0].before, rows[0].after, rows[0].new) == (1, 3, ("Alien", "Solaris"))

    def test_where_nobody_asked_its_phrases_are_tried(self):
        rows = effects(SynonymSet.read(["galactic"], ["science fiction"]), {})
        assert [(row.query, row.people, row.before, row.after) for row in rows] == [
            ("galactic", 0, 0, 2)
        ]

    def test_other_sets_count_on_both_sides(self):
        other = table_of([SynonymSet.read(["galactic"], ["rear window"])])
        (row,) = effects(SynonymSet.read(["galactic"], ["science fiction"]), other)
        assert (row.before, row.after) == (1, 3)


def chose(query, person, *items):
    now = timezone.now()
    return [ChosenSearch(person, None, item, 3, now, query) for item in items]


@pytest.fixture
def encoded(films):
    encode_pending()


@pytest.mark.usefixtures("films")
class TestProposals:
    def test_queries_that_lead_to_the_same_items(self):
        keys = list(Item.objects.order_by("pk").values_list("pk", flat=True))
        searches = []
        for person in range(1, 4):
            searches += chose("sci fi", person, *keys[:2])
            searches += chose("space films", person + 10, *keys[:2])
            # Narrower, of one person, or led elsewhere: none of these is another word for it.
            searches += chose("sci fi classics", person + 20, *keys[:2])
            searches += chose("hitchcock", person + 30, keys[2], keys[3])
        searches += chose("outer space", 99, *keys[:2])
        found = list(from_clicks(searches))
        sets = {each.stated.words for each in found}
        assert sets == {("sci fi", "space films"), ("sci fi classics", "space films")}
        assert found[0].evidence["people"] == [3, 3]
        assert set(found[0].evidence["shared"]) == {"Alien", "Solaris"}

    def test_nothing_searched_proposes_nothing(self):
        assert list(from_clicks([])) == []

    def test_before_anything_is_encoded_meaning_says_nothing(self):
        Anchor.objects.create(value="category:Science fiction", items=2)
        for visitor in "abc":
            log("sci fi movies", visitor)
        assert list(from_meaning()) == []

    @pytest.mark.usefixtures("encoded")
    def test_a_query_that_found_nothing_and_the_nearest_name(self):
        Anchor.objects.create(value="category:Genre/Science fiction", items=2)
        Anchor.objects.create(value="category:Genre/Western", items=2)
        Anchor.objects.create(value="creator:Sci Fi", items=9)
        for visitor in "abc":
            log("sci fi movies", visitor)
        log("sci fi pictures", "a")
        (found,) = from_meaning()
        assert found.stated == SynonymSet.read(["sci fi movies"], ["science fiction"])
        assert found.evidence["people"] == [3]

    @pytest.mark.usefixtures("encoded")
    def test_the_command_stores_proposals_that_are_not_banned(self, capsys):
        Anchor.objects.create(value="category:Science fiction", items=2)
        for visitor in "abc":
            log("sci fi movies", visitor)
        Query.objects.create(text="movies", normalized="movies", source="log", review="banned")
        call_command("propose_synonyms")
        assert not Synonym.objects.exists()
        Query.objects.all().delete()
        call_command("propose_synonyms")
        (row,) = Synonym.objects.all()
        assert (row.words, row.finds) == (["sci fi movies"], ["science fiction"])
        assert (row.source, row.review) == ("meaning", "proposed")
        call_command("propose_synonyms")
        assert Synonym.objects.count() == 1
        assert "0 new proposals" in capsys.readouterr().out
