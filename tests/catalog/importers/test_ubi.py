"""OpenSearch UBI logs and judgments."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from catalog.errors import InvalidInput
from catalog.importers.bulk import copy_items
from catalog.importers.judgments import grades_of, import_judgments
from catalog.importers.ubi import import_ubi, normalized
from catalog.models import Answer, Event, Item, Label
from catalog.types import ItemInput
from search.text import normalize_query

pytestmark = pytest.mark.django_db

QUERY_ID = "33198ee9-5912-453c-9173-3f92fd3cb1be"


def query(text, *, query_id=QUERY_ID, time="2024-12-10T00:01:29.378Z", client="c1"):
    return {
        "application": "shop", "query_id": query_id, "client_id": client, "user_query": text,
        "timestamp": time,
    }  # fmt: skip


def act(name, item, ordinal, *, query_id=QUERY_ID, time="2024-12-10T00:01:30Z", **more):
    thing = {"object_id": item, "object_id_field": "asin", **more}
    return {
        "application": "shop", "action_name": name, "query_id": query_id, "client_id": "c1",
        "session_id": "s1", "timestamp": time,
        "event_attributes": {"object": thing, "position": {"ordinal": ordinal}},
    }  # fmt: skip


@pytest.fixture
def two_items():
    copy_items(items=[ItemInput(external_id=i, title=i) for i in ("A", "B")])


def test_queries_become_answers_and_acts_become_their_events(write, two_items):
    documents = [
        {"index": {"_index": "ubi_queries", "_id": "q"}}, query("Futon Frames"),
        {"index": {"_index": "ubi_events", "_id": "1"}}, act("impression", "A", 0),
        {"index": {"_index": "ubi_events", "_id": "2"}}, act("impression", "B", 1),
        {"index": {"_index": "ubi_events", "_id": "3"}}, act("add_to_cart", "B", 1),
        {"index": {"_index": "ubi_events", "_id": "4"}}, act("brand_filter", "A", 0),
    ]  # fmt: skip
    report = import_ubi(path=write("a.ndjson", documents))
    answer = Answer.objects.get()
    assert (str(answer.query_id), answer.query, answer.normalized_query) == (
        QUERY_ID, "Futon Frames", "futon frames",
    )  # fmt: skip
    assert (answer.surface, answer.total, answer.anonymous_id) == ("import:ubi", 2, "c1")
    assert [hit["position"] for hit in answer.hits] == [1, 2]
    kinds = [
        (event.get_kind_display(), event.item.external_id, event.position, str(event.query_id))
        for event in Event.objects.order_by("id").select_related("item")
    ]
    assert kinds == [
        ("impression", "A", 1, QUERY_ID),
        ("impression", "B", 2, QUERY_ID),
        ("add", "B", 2, QUERY_ID),
    ]
    assert report.tally.created == 4
    assert report.notes == ["not about an item, passed over: brand_filter (1)"]


def test_importing_again_stores_nothing_twice(write, two_items):
    path = write("a.ndjson", [query("x"), act("click", "A", 1), act("click", "B", 2)])
    import_ubi(path=path)
    again = import_ubi(path=path)
    assert (again.tally.created, again.tally.unchanged) == (0, 3)
    assert (Answer.objects.count(), Event.objects.count()) == (1, 2)


def test_positions_that_begin_at_one_stay(write, two_items):
    import_ubi(path=write("a.ndjson", [act("click", "A", 1), act("click", "B", 2)]))
    assert sorted(Event.objects.values_list("position", flat=True)) == [1, 2]


def test_unknown_items_are_told_or_made(write, two_items):
    path = write("a.ndjson", [act("click", "new", 1, description="Gold necklace")])
    report = import_ubi(path=path)
    assert [(p.line, p.field) for p in report.problems] == [(1, "item_id")]
    assert import_ubi(path=path, create_items=True).tally.created == 1
    assert Item.objects.get(external_id="new").title == "Gold necklace"


def test_a_query_id_that_is_no_uuid_still_joins_query_and_events(write, two_items):
    path = write("a.ndjson", [query("x", query_id="q-17"), act("click", "A", 1, query_id="q-17")])
    import_ubi(path=path)
    assert Event.objects.get().query_id == Answer.objects.get().query_id


def test_prefixes_of_a_query_are_known_as_typing(write):
    path = write(
        "a.ndjson",
        [
            query(text, query_id=f"q{n}", time=f"2025-01-22T14:57:2{n}Z")
            for n, text in enumerate(["g", "go", "gold", "silver"])
        ],
    )
    import_ubi(path=path)
    typing = dict(Answer.objects.values_list("query", "is_typing"))
    assert typing == {"g": True, "go": True, "gold": False, "silver": False}


def test_documents_that_are_neither_are_told(write):
    report = import_ubi(path=write("a.ndjson", '{"a": 1}\n{"user_query": "x"}\nno json\n'))
    assert [(p.line, p.field) for p in report.problems] == [
        (1, "action_name"), (2, "query_id"), (3, ""),
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["Amélie's  BEST", "it's", "Ünïcode—dash", "🎬 x", "a\tb", "ÅßŒ"])
def test_queries_are_normalized_as_search_does(text):
    assert normalized(text) == normalize_query(text)


def test_judgments_become_labels_of_people_and_a_second_import_replaces_them(write, two_items):
    def judgments(rating):
        ratings = [
            {"docId": "A", "rating": rating}, {"docId": "B", "rating": "0.000"},
            {"docId": "nothing", "rating": "1.000"}, {"docId": "A", "rating": "good"},
        ]  # fmt: skip
        return json.dumps({"name": "J", "judgmentRatings": [{"query": "q", "ratings": ratings}]})

    report = import_judgments(path=write("j.json", judgments("100.000")))
    assert (report.tally.created, report.tally.rejected) == (2, 2)
    assert [p.field for p in report.problems] == ["docId", "rating"]
    grades = dict(Label.objects.values_list("item__external_id", "grade"))
    assert grades == {"A": 3, "B": 1}
    assert Label.objects.filter(source="human", labeller="J", query="q").count() == 2
    changed = import_judgments(path=write("j.json", judgments("0.000")))
    assert (changed.tally.created, changed.tally.updated) == (0, 2)


def test_ratings_of_any_scale_become_grades_from_0_to_3():
    assert grades_of([0, 1, 2, 3]) == {0: 0, 1: 1, 2: 2, 3: 3}
    assert grades_of([100, 10, 1, 0]) == {0: 0, 1: 1, 10: 2, 100: 3}
    assert grades_of([5, 4, 3, 2, 1]) == {1: 0, 2: 1, 3: 2, 4: 2, 5: 3}
    assert grades_of([1.0]) == {1.0: 1}


def test_a_file_without_judgments_is_refused(write):
    with pytest.raises(InvalidInput, match="judgmentRatings"):
        import_judgments(path=write("j.json", '{"a": 1}'))
    with pytest.raises(InvalidInput, match="no JSON"):
        import_judgments(path=write("j.json", '{"a": '))


def test_the_real_sample_imports_whole(shared_data):
    folder, out = shared_data / "ubi", StringIO()
    path = str(folder / "ubi_queries_events.ndjson")
    judged = str(folder / "esci_us_judgments.json")
    call_command("import_ubi", path, "--create-items", "--judgments", judged, stdout=out)
    assert "3,015 queries and events" in out.getvalue()
    assert "0 not usable" in out.getvalue().splitlines()[0]
    assert Answer.objects.exclude(query="").count() > 250
    clicks = Event.objects.filter(query_id__isnull=False)
    joined = clicks.filter(query_id__in=Answer.objects.values("query_id"))
    assert joined.count() / clicks.count() > 0.9
    assert set(Label.objects.values_list("grade", flat=True)) <= {0, 1, 2, 3}
