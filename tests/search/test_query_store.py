"""The store of queries: built again and again, reviewed by people."""

import pytest
from django.db import connection, transaction
from django.utils import timezone

from catalog.errors import InvalidInput
from search import query_store
from search.models import Anchor, Query
from search.query_store import build_queries, set_review, source_report
from search.retrieval import SearchRequest, retrieve
from tests.search.films import log_search, visitor

pytestmark = pytest.mark.django_db


def one(text):
    return Query.objects.get(text=text)


def test_a_second_build_of_the_same_catalog_writes_nothing(built):
    before = list(Query.objects.order_by("pk").values_list("pk", "text", "checked_at"))
    counts = build_queries()
    assert (counts["written"], counts["deleted"]) == (0, 0)
    assert list(Query.objects.order_by("pk").values_list("pk", "text", "checked_at")) == before


def test_a_build_that_dies_leaves_the_store_as_it_was(built, monkeypatch):
    before = set(Query.objects.values_list("text", "answers"))
    built["Rear Window"].delete()

    def die(profile):
        raise RuntimeError

    monkeypatch.setattr(query_store, "_build_anchors", die)
    with pytest.raises(RuntimeError), transaction.atomic():
        build_queries()
    assert set(Query.objects.values_list("text", "answers")) == before


def test_every_approved_query_really_retrieves_something(built):
    shown = Query.objects.filter(review="approved", answers__gt=0)
    # "films like X" takes vectors: tests/search/test_like.py.
    for query in shown.exclude(provenance__rule="like"):
        found = retrieve(SearchRequest(query=query.text))
        assert found.total >= 1, query.text
        assert found.corrected_query is None, query.text


def test_the_items_that_a_rule_counted_are_the_first_that_its_words_find(built):
    funny = ["Playtime", "La Grande Vadrouille", "Le Corniaud", "Fantômas", "Zazie dans le Métro"]
    assert one("1960s French comedy").answers == len(funny)
    hits = retrieve(SearchRequest(query="1960s French comedy")).hits
    assert {hit.item.title for hit in hits[: len(funny)]} == set(funny)


def test_the_title_of_a_collection_finds_its_items(built):
    hits = retrieve(SearchRequest(query="monsieur hulot")).hits
    assert {hit.item.title for hit in hits[:3]} == {"Mon Oncle", "Playtime", "Trafic"}


def test_words_that_two_sources_offer_are_kept_once_with_both_provenances(films):
    for n in range(3):
        log_search("french comedy", viewer=visitor(f"v{n}"), items=[films["Playtime"]])
    build_queries()
    kept = Query.objects.get(normalized="french comedy")
    assert (kept.source, kept.text, kept.people) == ("expansions", "French comedy", 3)
    assert kept.provenance["rule"] == "country_category"
    assert kept.provenance["also"]["log"]["rule"] == "searched"


def test_the_report_counts_sources_and_what_they_share(films):
    for n in range(3):
        log_search("french comedy", viewer=visitor(f"v{n}"), items=[films["Playtime"]])
        log_search("hulot films", viewer=visitor(f"v{n}"), items=[films["Playtime"]])
    counts = build_queries()
    report = source_report()
    by_source = {row["source"]: row for row in report["sources"]}
    assert by_source["log"] == {"source": "log", "kept": 1, "offered": 2, "shown": 1}
    assert by_source["recent"]["kept"] == 0
    assert {"a": "expansions", "b": "log", "queries": 1} in report["overlaps"]
    assert {name: row["kept"] for name, row in by_source.items()} == {
        name: counts[name] for name in by_source
    }


def test_what_is_no_longer_offered_is_deleted(built):
    assert Query.objects.filter(text="films like Rear Window").exists()
    built["Rear Window"].delete()
    build_queries()
    assert not Query.objects.filter(text__icontains="Rear Window").exists()


@pytest.mark.parametrize("review", ["rejected", "banned"])
def test_a_build_never_changes_what_a_person_decided(built, review):
    query = one("French comedy")
    set_review(query_ids=[query.pk], review=review, by="ed")
    build_queries()
    built["Playtime"].delete()
    build_queries()
    query.refresh_from_db()
    assert (query.review, query.reviewed_by) == (review, "ed")


def test_a_query_that_a_person_keeps_is_counted_by_its_words(built):
    kept = Query.objects.create(
        text="tati playtime", normalized="tati playtime", source="log", review="approved",
        reviewed_at=timezone.now(), reviewed_by="ed",
    )  # fmt: skip
    build_queries()
    kept.refresh_from_db()
    assert (kept.answers, kept.witnesses) == (1, [built["Playtime"].pk])
    built["Playtime"].delete()
    build_queries()
    kept.refresh_from_db()
    assert kept.answers == 0


def test_a_review_is_recorded_once_with_its_first_reviewer(built):
    query = one("French comedy")
    assert set_review(query_ids=[query.pk], review="approved", by="ann") == 1
    assert set_review(query_ids=[query.pk], review="approved", by="bob") == 0
    assert set_review(query_ids=[query.pk, 999_999], review="banned", by="bob") == 1
    query.refresh_from_db()
    assert (query.review, query.reviewed_by) == ("banned", "bob")
    with pytest.raises(InvalidInput) as refused:
        set_review(query_ids=[query.pk], review="splendid", by="ann")
    assert refused.value.field == "review"


def test_anchors_are_counted_over_visible_items(built):
    assert Anchor.objects.get(value="creator:Alfred Hitchcock").items == 5
    assert Anchor.objects.get(value="").items == 15


def test_hostile_titles_are_stored_as_they_are_and_harm_nothing(films):
    film = films["Trafic"]
    film.title = "Robert'); DROP TABLE search_query;-- <b>%_\\"
    film.save(update_fields=["title"])
    build_queries()
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM search_query WHERE text LIKE 'Robert%%'")
        assert cursor.fetchall() == [(film.title,)]
