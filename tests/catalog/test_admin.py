"""What the admin does to the catalog: always through the writers, always in somebody's name."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog.admin_base import COUNT_LIMIT, EstimatedPaginator, LinesField, estimated_rows
from catalog.event_counts import counts_by_day, counts_by_month
from catalog.events import record_events
from catalog.items import upsert_items
from catalog.keys import authenticate
from catalog.labels import set_label
from catalog.models import ApiKey, Collection, Event, Item, Job, Label, Person
from catalog.profiles import current_profile, forget_profile
from catalog.types import EventInput, ItemInput

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client):
    client.force_login(User.objects.create_superuser("boss", password="correct horse battery"))
    return client


@pytest.fixture
def items():
    titles = ("The Godfather", "The Gleaners and I", "Rear Window")
    upsert_items(
        items=[
            ItemInput(
                external_id=f"f{n}",
                title=title,
                creators=("Smith, John",),
                category_paths=("Crime/Mob",),
                year=1970 + n,
            )
            for n, title in enumerate(titles)
        ]
    )
    return list(Item.objects.order_by("id"))


def _form(item, **changes):
    given = {
        "external_id": item.external_id,
        "title": item.title,
        "description": item.description,
        "category_paths": "\n".join(item.category_paths),
        "creators": "\n".join(item.creators),
        "countries": "\n".join(item.countries),
        "attributes": "{}",
        "image_url": "",
        "price": "",
        "currency": "",
        "released_on": "",
        "year": item.year or "",
        **dict.fromkeys(
            (f"available_{side}_{part}" for side in ("from", "until") for part in (0, 1)), ""
        ),
    }
    return given | changes


def _change(model, pk):
    return reverse(f"admin:catalog_{model}_change", args=[pk])


def _words(answer):
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


@pytest.mark.parametrize("words", ["godfather", "Godfahter", "f0", "THE GODFATHER"])
def test_an_item_is_found_by_part_of_its_title_a_typing_error_or_its_id(boss, items, words):
    page = boss.get(reverse("admin:catalog_item_changelist"), {"q": words})
    assert page.context["cl"].result_list[0].title == "The Godfather"


def test_items_are_hidden_and_shown_in_bulk(boss, items):
    url = reverse("admin:catalog_item_changelist")
    chosen = [item.pk for item in items[:2]]
    answer = boss.post(url, {"action": "hide", "_selected_action": chosen})
    assert Item.objects.filter(is_hidden=True).count() == 2
    assert "2 of 2 selected are now hidden" in _words(answer)
    boss.post(url, {"action": "show", "_selected_action": chosen[:1]})
    assert list(Item.objects.filter(is_hidden=True)) == [items[1]]


def test_editing_an_item_renews_what_is_derived_from_it(boss, items):
    before = items[0]
    data = _form(before, title="Godfather, The", category_paths="Crime/Mob\nClassics")
    answer = boss.post(_change("item", before.pk), data)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    after = Item.objects.get(pk=before.pk)
    assert after.title == "Godfather, The"
    assert after.categories == ["Crime", "Crime/Mob", "Classics"]
    assert after.creators == ["Smith, John"], "a comma is part of a name"
    assert after.content_hash != before.content_hash


def test_an_item_can_be_added_by_hand(boss, items):
    item = Item(external_id="new", title="Cléo", category_paths=["Drama"], creators=["Varda"])
    answer = boss.post(reverse("admin:catalog_item_add"), _form(item, released_on="1962-04-11"))
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    stored = Item.objects.get(external_id="new")
    assert (stored.year, stored.categories) == (1962, ["Drama"])


def test_a_wrong_value_is_refused_beside_its_field_and_nothing_is_changed(boss, items):
    data = _form(items[0], title="Kept?", currency="12x")
    answer = boss.post(_change("item", items[0].pk), data)
    assert answer.status_code == 200
    assert "currency" in answer.context["adminform"].form.errors
    assert Item.objects.get(pk=items[0].pk).title == "The Godfather"


def test_the_vector_filter_shows_items_that_wait(boss, items):
    url = reverse("admin:catalog_item_changelist")
    assert boss.get(url, {"vector": "no"}).context["cl"].result_count == 3
    assert boss.get(url, {"vector": "yes"}).context["cl"].result_count == 0


def test_the_category_filter_includes_what_is_below(boss, items):
    url = reverse("admin:catalog_item_changelist")
    assert boss.get(url, {"category": "Crime"}).context["cl"].result_count == 3
    assert boss.get(url, {"category": "Nothing"}).context["cl"].result_count == 0


def test_saving_a_collection_numbers_its_items_without_gaps(boss, items):
    data = {
        "external_id": "mob",
        "title": "Mob films",
        "description": "",
        "entries-TOTAL_FORMS": "2",
        "entries-INITIAL_FORMS": "0",
        "entries-0-item": items[0].pk,
        "entries-0-position": "7",
        "entries-1-item": items[2].pk,
        "entries-1-position": "3",
    }
    answer = boss.post(reverse("admin:catalog_collection_add"), data)
    assert answer.status_code == 302, answer.context["errors"]
    entries = Collection.objects.get().entries.values_list("position", "item_id")
    assert list(entries) == [(1, items[2].pk), (2, items[0].pk)]


def _label_form(item, **changes):
    given = {"kind": "relevance", "query": "mob", "person": "", "item": item.pk, "grade": "3"}
    return given | {"note": ""} | changes


def test_a_label_is_stored_in_the_signed_in_persons_name_and_replaces_their_own(boss, items):
    url = reverse("admin:catalog_label_add")
    for grade in ("3", "1"):
        answer = boss.post(url, _label_form(items[0], grade=grade))
        assert answer.status_code == 302, answer.context["errors"]
    label = Label.objects.get()
    assert (label.labeller, label.source, label.grade) == ("boss", "human", 1)
    assert label.account.username == "boss"


def test_a_label_without_a_query_is_refused_in_the_form(boss, items):
    answer = boss.post(reverse("admin:catalog_label_add"), _label_form(items[0], query=""))
    assert answer.status_code == 200
    assert not Label.objects.exists()


def test_nobody_changes_a_label_of_another(boss, items):
    label = set_label(
        kind="relevance", query="mob", item_id=items[0].pk, grade=1, source="llm", labeller="judge"
    )
    assert boss.post(_change("label", label.pk), {"grade": "3", "note": ""}).status_code == 403
    assert Label.objects.get().grade == 1


def test_disputed_labels_are_found(boss, items):
    for labeller, grade, item in (("a", 3, 0), ("b", 0, 0), ("a", 2, 1), ("b", 2, 1)):
        set_label(
            kind="relevance",
            query="mob",
            item_id=items[item].pk,
            grade=grade,
            source="human",
            labeller=labeller,
        )
    page = boss.get(reverse("admin:catalog_label_changelist"), {"disputed": "yes"})
    assert {label.item_id for label in page.context["cl"].result_list} == {items[0].pk}
    assert page.context["cl"].result_count == 2
    set_label(
        kind="relevance", query="mob", item_id=items[0].pk, grade=1, source="final", labeller="c"
    )
    page = boss.get(reverse("admin:catalog_label_changelist"), {"disputed": "yes"})
    assert page.context["cl"].result_count == 0


def test_labels_are_exported_and_no_cell_is_a_formula(boss, items):
    label = set_label(
        kind="relevance",
        query="=1+1",
        item_id=items[0].pk,
        grade=2,
        source="human",
        labeller="boss",
        note='a, b\n"c"',
    )
    answer = boss.post(
        reverse("admin:catalog_label_changelist"),
        {"action": "export_csv", "_selected_action": [label.pk]},
    )
    text = b"".join(answer.streaming_content).decode()
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["query"] == "'=1+1"
    assert (row["item"], row["grade"], row["note"]) == ("f0", "2", 'a, b\n"c"')


def test_a_key_is_shown_once_works_and_is_refused_after_its_end(boss):
    data = {"name": "shop", "scopes": ["read", "events:write"], "rate_per_minute": "60"}
    data |= {"expires_at_0": "", "expires_at_1": ""}
    answer = boss.post(reverse("admin:catalog_apikey_add"), data, follow=True)
    secret = re.search(r'foray-secret">([^<]+)<', answer.content.decode())[1]
    key = authenticate(secret)
    assert key is not None
    assert (key.name, key.created_by.username) == ("shop", "boss")
    again = boss.get(_change("apikey", key.pk)).content.decode()
    assert secret not in again
    boss.post(
        reverse("admin:catalog_apikey_changelist"),
        {"action": "revoke", "_selected_action": [ApiKey.objects.get().pk]},
    )
    assert authenticate(secret) is None


def test_the_profile_is_one_row_and_its_list_is_its_form(boss):
    forget_profile()
    answer = boss.get(reverse("admin:catalog_profile_changelist"))
    assert answer["Location"] == _change("profile", 1)
    fields = {f: getattr(current_profile(), f) for f in (
        "name", "tagline", "item_noun", "item_noun_plural", "creator_noun", "category_noun",
        "range_facet", "currency",
    )}  # fmt: skip
    data = {**fields, "item_noun": "film", "name_attributes": "cast\nwriter", "fact_attributes": ""}
    saved = boss.post(_change("profile", 1), data)
    assert saved.status_code == 302, saved.context["errors"]
    assert current_profile().item_noun == "film"
    assert current_profile().name_attributes == ["cast", "writer"]


def test_failed_jobs_come_first_and_a_silent_one_is_called_lost(boss):
    old = timezone.now() - timedelta(hours=1)
    Job.objects.create(kind="f", state="failed")
    Job.objects.create(kind="r", state="running", started_at=old, heartbeat_at=old)
    Job.objects.create(kind="d", state="done")
    page = boss.get(reverse("admin:catalog_job_changelist"))
    assert [job.kind for job in page.context["cl"].result_list] == ["f", "r", "d"]
    assert "lost" in page.content.decode()


def _like(*items, user="ann", time=None):
    record_events(
        events=[
            EventInput(
                kind="like", item_id=item.external_id, time=time or timezone.now(), user_id=user
            )
            for item in items
        ]
    )


@pytest.mark.parametrize(("words", "count"), [("ann", 2), ("f2", 1), ("nobody", 0), ("", 3)])
def test_events_are_found_by_the_whole_id_of_a_person_or_an_item(boss, items, words, count):
    _like(items[0], items[1])
    _like(items[2], user="bob")
    page = boss.get(reverse("admin:catalog_event_changelist"), {"q": words})
    assert page.context["cl"].result_count == count


def test_one_persons_events_are_linked_from_their_page(boss, items):
    _like(items[0])
    _like(items[1], user="bob")
    person = Person.objects.get(external_id="ann")
    page = boss.get(_change("person", person.pk)).content.decode()
    url = f"{reverse('admin:catalog_event_changelist')}?person__id__exact={person.pk}"
    assert url in page
    assert [e.item_id for e in boss.get(url).context["cl"].result_list] == [items[0].pk]


def test_the_list_of_events_takes_as_many_queries_for_many_as_for_few(boss, items):
    url = reverse("admin:catalog_event_changelist")
    _like(items[0])
    with CaptureQueriesContext(connection) as few:
        boss.get(url)
    for n in range(20):
        _like(*items, user=f"p{n}")
    with CaptureQueriesContext(connection) as many:
        boss.get(url)
    assert len(many) == len(few)


def test_events_are_counted_by_day_and_by_month_as_a_slow_count_would(items):
    old = datetime(2003, 5, 9, 23, 59, tzinfo=UTC)
    _like(items[0], items[1])
    _like(items[0], time=old, user="bob")
    days = counts_by_day(days=30)
    assert (days.total, days.newest, days.kinds) == (
        2,
        f"{timezone.now():%Y-%m-%d}",
        ("like",),
    )
    months = {start: total for start, total, _ in counts_by_month(year=2003).rows}
    assert months["2003-05-01"] == 1
    assert sum(months.values()) == Event.objects.filter(time__year=2003).count()


@pytest.mark.parametrize("year", ["2003", "0000", "99999", "x", "'"])
def test_the_page_of_counts_takes_any_year(boss, year):
    url = reverse("admin:catalog_event_counts")
    assert boss.get(url, {"year": year}).status_code == 200


def test_the_planners_estimate_adds_up_the_partitions(items):
    for year in (2001, 2002):
        time = datetime(year, 1, 1, tzinfo=UTC)
        _like(*items, time=time)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE catalog_event")
        cursor.execute("ANALYZE catalog_item")
    assert estimated_rows("catalog_event") == 6
    assert estimated_rows("catalog_item") == 3


def test_a_filtered_list_is_counted_up_to_the_limit_only(items):
    paginator = EstimatedPaginator(Item.objects.filter(year__gte=1971), 2)
    with CaptureQueriesContext(connection) as asked:
        assert paginator.count == 2
    assert f"LIMIT {COUNT_LIMIT}" in asked[0]["sql"]


def test_lines_keep_commas_and_lose_empty_lines():
    field = LinesField(required=False)
    assert field.clean(" Smith, John \r\n\r\nVarda ") == ["Smith, John", "Varda"]
    assert field.prepare_value(["a", "b"]) == "a\nb"
    assert not field.has_changed(["a"], "a\n")


def test_erasing_a_person_asks_first_and_is_handed_to_a_worker(boss, items):
    _like(items[0])
    person = Person.objects.get(external_id="ann")
    url = _change("person", person.pk).replace("change/", "erase/")
    assert b"Erase this person?" in boss.get(url).content
    assert not Job.objects.exists(), "looking at the question erases nothing"
    answer = boss.post(url, {"_form_submitted": "True"})
    job = Job.objects.get()
    assert job.params == {"person_id": person.pk}
    assert answer["HX-Redirect"] == _change("job", job.pk)
