"""Synonyms in the admin: an editor states a set, sees what it changes, and approves it."""

import html

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from catalog.items import upsert_items
from catalog.types import ItemInput
from search.models import Synonym
from search.retrieval import retrieve
from search.spelling import build_terms
from search.types import SearchRequest

pytestmark = pytest.mark.django_db
ADD = "admin:search_synonym_add"


@pytest.fixture
def boss(client):
    client.force_login(User.objects.create_superuser("boss", password="correct horse battery"))
    return client


@pytest.fixture
def films(db):
    upsert_items(
        items=[
            ItemInput(external_id="a", title="Alien", category_paths=["Science fiction"]),
            ItemInput(external_id="b", title="Sci fi diner"),
        ]
    )
    build_terms()


def total(query):
    return retrieve(SearchRequest(query=query)).total


def change(row):
    return reverse("admin:search_synonym_change", args=[row.pk])


@pytest.mark.usefixtures("films")
def test_from_a_query_without_results_to_an_approved_set(boss):
    page = boss.get(f"{reverse(ADD)}?words=Sci-Fi").content.decode()
    assert "Sci-Fi</textarea>" in page
    answer = boss.post(reverse(ADD), {"words": "Sci-Fi\nScience Fiction", "finds": ""}, follow=True)
    (row,) = Synonym.objects.all()
    assert answer.redirect_chain[-1][0] == change(row)
    assert (row.words, row.review) == (["sci fi", "science fiction"], "proposed")
    assert total("sci fi") == 1
    told = html.unescape(answer.content.decode())
    assert "stated by boss" in told
    assert "Alien" in told
    boss.post(change(row), {"words": "sci fi\nscience fiction", "finds": "", "review": "approved"})
    row.refresh_from_db()
    assert (row.review, row.reviewed_by) == ("approved", "boss")
    assert total("sci fi") == 2


def test_many_are_reviewed_at_once(boss):
    rows = [
        Synonym.objects.create(words=[f"a{n}", f"b{n}"], key=str(n), source="clicks")
        for n in range(3)
    ]
    listed = reverse("admin:search_synonym_changelist")
    chosen = [row.pk for row in rows[:2]]
    boss.post(listed, {"action": "reject", "_selected_action": chosen}, follow=True)
    answer = boss.post(listed, {"action": "approve", "_selected_action": [rows[2].pk]}, follow=True)
    assert "1 of 1 selected are now approved." in answer.content.decode()
    states = Synonym.objects.order_by("pk").values_list("review", flat=True)
    assert list(states) == ["rejected", "rejected", "approved"]


def test_another_set_is_a_proposal_again(boss):
    row = Synonym.objects.create(words=["a1", "b1"], key="k", review="approved")
    boss.post(change(row), {"words": "a1\nc1", "finds": "", "review": "approved"})
    row.refresh_from_db()
    assert (row.words, row.review) == (["a1", "c1"], "proposed")


@pytest.mark.parametrize(
    ("words", "finds", "said"),
    [
        ("one", "", "State two phrases at least"),
        ("", "two", "This field is required"),
        ("one\n<b>!</b>", "one", "cannot stand for itself"),
        ("the", "two", "in too many queries"),
        ("known\nother", "", "The same set stands already."),
    ],
)
def test_what_cannot_be_a_set_is_said_at_its_field(boss, words, finds, said):
    boss.post(reverse(ADD), {"words": "other\nknown", "finds": ""})
    answer = boss.post(reverse(ADD), {"words": words, "finds": finds})
    assert answer.status_code == 200
    assert said in html.unescape(answer.content.decode())
    assert Synonym.objects.count() == 1


def test_who_may_only_look_changes_nothing(client):
    viewer = User.objects.create_user("viewer", password="correct horse battery", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_synonym"))
    client.force_login(viewer)
    row = Synonym.objects.create(words=["a1", "b1"], key="k")
    assert client.get(change(row)).status_code == 200
    assert client.post(change(row), {"words": "x\ny", "review": "approved"}).status_code == 403
    listed = reverse("admin:search_synonym_changelist")
    client.post(listed, {"action": "approve", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert (row.words, row.review) == (["a1", "b1"], "proposed")


def test_it_is_found_by_a_phrase_and_waits_on_the_first_page(boss):
    Synonym.objects.create(words=["sci fi"], finds=["science fiction"], key="k", source="meaning")
    listed = reverse("admin:search_synonym_changelist")
    for text, count in (("Sci-Fi", 1), ("science fiction", 1), ("western", 0), ("%", 1)):
        page = boss.get(listed, {"q": text})
        assert page.context["cl"].result_count == count, text
    tasks = {task["name"]: task for task in boss.get(reverse("admin:index")).context["tasks"]}
    assert tasks["proposed synonyms to review"]["count"] == 1
    assert boss.get(tasks["proposed synonyms to review"]["url"]).status_code == 200
