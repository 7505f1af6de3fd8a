"""Rules in the admin: a draft, its preview, the switch; two editors; what is refused."""

import html
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from catalog.models import Item
from search.models import Rule
from search.retrieval import retrieve
from search.types import SearchRequest
from tests.search.films import log_search, visitor

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("films")]
ADD, LIST = "admin:search_rule_add", "admin:search_rule_changelist"
PIN = {
    "name": "Tati first", "match": "is", "patterns": "Hitchcock!", "action": "pin",
    "items": "mon oncle\nPlaytime (1967)", "position": "1", "priority": "0",
}  # fmt: skip
BANNER = PIN | {"action": "banner", "items": "", "text": "<script>x</script>"}


@pytest.fixture
def boss(client):
    client.force_login(User.objects.create_superuser("boss", password="correct horse battery"))
    return client


def change(row):
    return reverse("admin:search_rule_change", args=[row.pk])


def added(client, **stated):
    client.post(reverse(ADD), PIN | stated)
    return Rule.objects.latest("pk")


def titles(query="hitchcock"):
    return [hit.item.title for hit in retrieve(SearchRequest(query=query)).hits]


def words(answer):
    return html.unescape(answer.content.decode())


def test_from_a_query_to_a_draft_to_its_preview_to_the_switch(boss):
    log_search("Hitchcock", viewer=visitor("a"), total=5)
    form = boss.get(f"{reverse(ADD)}?patterns=Hitchcock").content.decode()
    assert "Hitchcock</textarea>" in form
    answer = boss.post(reverse(ADD), PIN | {"is_on": "on"}, follow=True)
    (row,) = Rule.objects.all()
    assert answer.redirect_chain[-1][0] == change(row)
    assert (row.is_on, row.patterns, row.created_by) == (False, ["hitchcock"], "boss")
    assert titles()[0] != "Mon Oncle"
    page = words(answer)
    assert "1 person in 90 days" in page
    assert page.index("Without:</strong> 5 found") < page.index("With:</strong> 7 found")
    assert "Mon Oncle (1958) [f5]\nPlaytime (1967) [f6]</textarea>" in page
    boss.post(change(row), PIN | {"is_on": "on", "seen": row.revision})
    row.refresh_from_db()
    assert (row.is_on, row.revision) == (True, 2)
    assert titles()[:2] == ["Mon Oncle", "Playtime"]


def test_what_does_something_else_is_a_draft_again_and_new_dates_are_not(boss):
    row = added(boss)
    boss.post(change(row), PIN | {"is_on": "on", "seen": 1})
    ends = timezone.now() + timedelta(days=1)
    dated = PIN | {"ends_at_0": f"{ends:%Y-%m-%d}", "ends_at_1": "12:00:00", "is_on": "on"}
    boss.post(change(row), dated | {"seen": 2})
    row.refresh_from_db()
    assert (row.is_on, row.ends_at.date()) == (True, ends.date())
    answer = boss.post(change(row), dated | {"items": "Trafic", "seen": 3}, follow=True)
    row.refresh_from_db()
    assert (row.is_on, len(row.item_ids)) == (False, 1)
    assert answer.redirect_chain[-1][0] == change(row)
    assert "so it is switched off" in words(answer)


def test_two_editors_on_one_rule(boss):
    row = added(boss)
    other = User.objects.create_superuser("anna", password="correct horse battery")
    boss.force_login(other)
    boss.post(change(row), PIN | {"name": "Anna's", "seen": 1})
    boss.force_login(User.objects.get(username="boss"))
    answer = boss.post(change(row), PIN | {"name": "Mine", "seen": 1})
    assert "anna saved this rule on" in words(answer)
    assert 'value="Mine"' in words(answer)
    assert Rule.objects.get().name == "Anna's"
    assert 'name="seen" value="2"' in words(answer)
    boss.post(change(row), PIN | {"name": "Mine", "seen": 2})
    assert Rule.objects.get().name == "Mine"


def test_a_save_without_the_revision_is_refused(boss):
    row = added(boss)
    answer = boss.post(change(row), PIN | {"name": "Mine"})
    assert "saved this rule on" in words(answer)
    assert Rule.objects.get().name == "Tati first"


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"patterns": ""}, "State the queries"),
        ({"match": "pattern", "patterns": "*"}, "choose every search"),
        ({"match": "holds", "patterns": "the"}, "too many queries"),
        ({"patterns": "a" * 2000}, "2,000 characters"),
        ({"items": "Mon Oncle\nNowhere <b>"}, "external ID 'Nowhere <b>'"),
        ({"items": "\n".join(["Rope"] * 101)}, "At most 100 items"),
        ({"action": "redirect", "target": "https://evil.example"}, "is not on this site"),
        ({"action": "redirect", "target": "javascript:alert(1)"}, "is not on this site"),
        ({"action": "redirect", "target": "//evil.example"}, "is not on this site"),
        ({"starts_at_0": "2030-01-02", "starts_at_1": "00:00", "ends_at_0": "2030-01-01",
          "ends_at_1": "00:00"}, "ends before it starts"),
        ({"starts_at_0": "soon", "starts_at_1": "00:00"}, "Enter a valid date"),
        ({"position": "x"}, "Enter a whole number"),
        ({"position": "99999999999"}, "A whole number from 1 to 100"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_rule_is_said_and_what_was_typed_is_kept(boss, stated, said):
    answer = boss.post(reverse(ADD), PIN | stated)
    assert answer.status_code == 200
    assert said in words(answer)
    assert 'value="Tati first"' in words(answer)
    assert Rule.objects.count() == 0


def test_fields_that_the_action_has_no_use_for_are_left_out(boss):
    row = added(boss, action="banner", text="Hello", categories="Nothing like it")
    assert (row.item_ids, row.categories, row.text) == ([], [], "Hello")


def test_a_banner_is_shown_as_text(boss):
    boss.post(reverse(ADD), BANNER)
    page = boss.get(change(Rule.objects.get())).content.decode()
    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


def test_many_are_switched_at_once_and_history_says_by_whom(boss):
    rows = [added(boss, patterns=f"q{n}") for n in range(3)]
    chosen = [row.pk for row in rows[:2]]
    answer = boss.post(
        reverse(LIST), {"action": "switch_on", "_selected_action": chosen}, follow=True
    )
    assert "2 of 2 selected are now switched on." in words(answer)
    boss.post(reverse(LIST), {"action": "switch_off", "_selected_action": chosen[:1]})
    states = Rule.objects.order_by("pk").values_list("is_on", flat=True)
    assert list(states) == [False, True, False]
    told = [str(entry.get_change_message()) for entry in LogEntry.objects.order_by("pk")]
    assert told.count("Switched on.") == 2
    history = words(boss.get(reverse("admin:search_rule_history", args=[chosen[0]])))
    assert "Switched off." in history
    assert "boss" in history


def test_the_list_says_what_when_and_whether_it_counts(boss):
    now, day = timezone.now(), timedelta(days=1)
    added(boss)
    for name, starts, ends in (
        ("now", now - day, None), ("soon", now + day, None), ("past", None, now - day)
    ):  # fmt: skip
        Rule.objects.create(
            name=name, action="banner", text="x", match="every", starts_at=starts, ends_at=ends,
            is_on=True,
        )  # fmt: skip
    page = words(boss.get(reverse(LIST)))
    for said in ("pin 2 items, at 1", "every search", "running now", "not yet", "over", "boss, "):
        assert said in page, said
    for state, name in (("running", "now"), ("waiting", "soon"), ("over", "past"), ("off", "Tati")):
        found = boss.get(reverse(LIST), {"state": state}).context["cl"].queryset
        assert [row.name.split()[0] for row in found] == [name]


def test_it_is_found_by_its_name_or_a_query(boss):
    added(boss)
    for text, count in (("tati", 1), ("HITCHCOCK", 1), ("%", 0), ("western", 0)):
        page = boss.get(reverse(LIST), {"q": text})
        assert page.context["cl"].result_count == count, text


def test_a_query_without_results_leads_to_a_new_rule(boss):
    log_search("zzyzx & co", viewer=visitor("a"))
    page = words(boss.get(reverse("admin:search_no_results")))
    assert f"{reverse(ADD)}?patterns=zzyzx%20%26%20co" in page


def test_who_may_only_look_changes_nothing(client):
    viewer = User.objects.create_user("viewer", password="correct horse battery", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_rule"))
    client.force_login(viewer)
    row = Rule.objects.create(
        name="x", action="pin", match="every", item_ids=[Item.objects.get(title="Rope").pk]
    )
    page = client.get(change(row))
    assert page.status_code == 200
    assert "Rope (1948) [f2]" in words(page)
    assert 'name="seen"' not in words(page)
    assert client.post(change(row), PIN | {"seen": 1}).status_code == 403
    client.post(reverse(LIST), {"action": "switch_on", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert (row.name, row.is_on) == ("x", False)


def test_the_second_editor_loses_nothing_of_what_they_typed(boss):
    row = added(boss)
    mine = PIN | {
        "name": "Mine", "match": "holds", "patterns": "suspense\nhulot & co", "items": "Rope",
        "position": "3", "priority": "7", "starts_at_0": "2030-01-02", "starts_at_1": "08:30:00",
        "is_on": "on", "seen": 1,
    }  # fmt: skip
    Rule.objects.update(name="Anna's", updated_by="anna", revision=2)
    page = words(boss.post(change(row), mine))
    assert "anna saved this rule on" in page
    assert "What you typed is kept below, not stored." in page
    for kept in (
        'value="Mine"', "suspense\nhulot & co</textarea>", "Rope</textarea>", 'value="3"',
        'value="7"', 'value="2030-01-02"', 'value="08:30:00"', '<option value="holds" selected>',
    ):  # fmt: skip
        assert kept in page, kept
    assert Rule.objects.get().name == "Anna's"
    boss.post(change(row), mine | {"seen": 2})
    stored = Rule.objects.get()
    assert (stored.name, stored.position, stored.revision) == ("Mine", 3, 3)
    assert stored.patterns == ["suspense", "hulot co"]


def test_a_rule_that_was_deleted_meanwhile_is_said_so(boss):
    row = added(boss)
    url = change(row)
    row.delete()
    answer = boss.post(url, PIN | {"name": "Mine", "seen": 1}, follow=True)
    assert answer.status_code == 200
    assert "deleted" in words(answer)
    assert not Rule.objects.exists()
