"""Names and lines of categories: written for what does not read well, shown once approved."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from catalog.category_names import category_label, category_line, name_category, taken_by
from catalog.errors import Conflict, InvalidInput
from catalog.items import upsert_items
from catalog.models import CategoryName, Item, Job
from catalog.profiles import current_profile, forget_profile
from catalog.types import ItemInput
from search.facet_words import build_facet_words
from search.models import Proposal
from search.proposals import decide
from search.query_sources.expansions import spoken
from search.views.cards import facts_of
from workers.augmentation import categories

pytestmark = pytest.mark.django_db(transaction=True)
PATH = "sci-fi_and_fantasy"
NAME = "Science fiction and fantasy"
LINE = "Ships sail through space and wizards wait by the sea."
TEXT = "A ship sails through deep space while a wizard waits by the sea for its crew."


@pytest.fixture(autouse=True)
def fresh_profile():
    forget_profile()
    yield
    forget_profile()


@pytest.fixture
def things():
    upsert_items(
        items=[
            ItemInput(
                external_id=str(n), title=f"Voyage number {n}", description=TEXT,
                category_paths=[PATH, "Drama"],
            )
            for n in range(3)
        ]
    )  # fmt: skip
    current_profile()
    return list(Item.objects.order_by("pk"))


def say(served, name=NAME, line=LINE, evidence=("through deep space",)):
    served.text = json.dumps({"name": name, "line": line, "evidence": list(evidence)})


def approve(*rows):
    ids = [row.pk for row in rows or Proposal.objects.all()]
    return decide(ids=ids, review="approved", by="eve", basis={"by": "person"})


def reject(row):
    decide(ids=[row.pk], review="rejected", by="eve", basis={"by": "person"}, reason="untrue")


def came_of_it():
    return Job.objects.latest("created_at").result["came of it"]


@pytest.mark.parametrize(
    ("path", "reads_well"),
    [
        ("Drama", True), ("Film Noir", True), ("Tanks & Tops", True), ("Sci-Fi", True),
        ("TV", True), ("Men/Tops", True), ("Men's shoes", True), ("Comédie", True), ("日本", True),
        ("1960s", True), ("3D", True), ("Rock 'n' Roll", True),
        (PATH, False), ("Men > Shoes", False), ("mens-running-shoes", False), ("C-102", False),
        ("homeAndGarden", False), ("Toys &amp; Games", False), ("Men/tops_long", False),
        ("10442", False), ("a|b", False), ("Home::Kitchen", False),
    ],
)  # fmt: skip
def test_what_does_not_read_well_is_told_by_its_form(path, reads_well):
    assert categories.is_speakable(path) is reads_well


def test_a_name_is_shown_once_it_is_approved_and_nothing_else_changes(things, asks, client):
    say(asks)
    categories.write_categories(items=5)
    [row] = Proposal.objects.all()
    assert (row.kind, row.subject, row.text, row.value) == ("category", PATH, NAME, {"line": LINE})
    assert category_label(PATH) == PATH
    approve()
    assert (category_label(PATH), category_line(PATH)) == (NAME, LINE)
    assert NAME in facts_of(things[0], current_profile())
    assert spoken("category", PATH) == "science fiction and fantasy"
    # The filter, its parameter and what is stored are what they were.
    answer = client.get("/api/v1/search?q=voyage").json()
    [facet] = [one for one in answer["facets"] if one["key"] == "category"]
    assert {"value": PATH, "label": NAME, "count": 3, "selected": False} in facet["values"]
    assert answer["hits"][0]["item"]["categories"] == [PATH, "Drama"]
    assert client.get(f"/api/v1/search?q=voyage&category={PATH}").json()["total"] == 3
    page = client.get(f"/search?q=voyage&category={PATH}").content.decode()
    assert NAME in page
    assert f'value="{PATH}"' in page
    page = client.get(f"/browse/{PATH}").content.decode()
    assert f"<bdi>{NAME}</bdi></h1>" in page
    assert LINE in page
    assert NAME in client.get("/browse").content.decode()
    item = client.get(f"/item/{things[0].pk}/voyage-number-0").content.decode()
    assert f"<bdi>{NAME}</bdi>" in item
    assert things[0].category_paths == Item.objects.get(pk=things[0].pk).category_paths
    reject(row)
    assert (category_label(PATH), category_line(PATH)) == (PATH, "")
    # Asked once.
    asked = len(asks.asked)
    categories.write_categories(items=5)
    assert len(asks.asked) == asked


def test_a_name_can_be_searched_for_after_the_next_build(things, client):
    name_category(path=PATH, name=NAME, source="person")
    build_facet_words()
    answer = client.get("/api/v1/search?q=science+fiction+and+fantasy+voyage").json()
    assert [(one["facet"], one["values"], one["label"]) for one in answer["understood"]] == [
        ("category", [PATH], NAME)
    ]
    assert answer["total"] == 3


def test_names_cost_no_statement(things, client):
    client.get("/search?q=voyage")
    forget_profile()
    with CaptureQueriesContext(connection) as before:
        client.get("/search?q=voyage")
    name_category(path=PATH, name=NAME, line=LINE, source="person")
    client.get("/search?q=voyage")
    forget_profile()
    with CaptureQueriesContext(connection) as after:
        assert NAME in client.get("/search?q=voyage").content.decode()
    assert len(after) <= len(before)


@pytest.mark.parametrize(
    ("name", "line", "evidence", "why"),
    [
        ("Drama", LINE, "deep space", "stands already"),
        ("drama", LINE, "deep space", "stands already"),
        (PATH, LINE, "deep space", "reads no better"),
        ("Sci-fi/Fantasy", LINE, "deep space", "reads no better"),
        ("Science and fiction and fantasy and sea and space", LINE, "deep space", "too long"),
        ("Romance and fantasy", LINE, "deep space", "a word of its own"),
        ("Fantasy 7", LINE, "deep space", "a number of its own"),
        ("Ignore all fantasy", LINE, "deep space", "speaks of the task"),
        (NAME, "Ships sail by", "deep space", "too short"),
        (NAME, "Ships of murderers sail through space.", "deep space", "a word of its own"),
        (NAME, "Things like voyage number 1 by the sea.", "deep space", "names an item"),
        (NAME, LINE, "shallow space", "no evidence"),
    ],
)
def test_what_is_no_name_is_counted_by_reason(things, asks, name, line, evidence, why):
    say(asks, name, line, [evidence])
    categories.write_categories(items=5)
    assert came_of_it() == {why: 1}
    assert not Proposal.objects.exists()


@pytest.mark.parametrize(
    "answer",
    ["", "[]", "{}", '{"name": "x', '{"name": "", "line": "", "evidence": []}', '{"a": 1}'],
)
def test_nonsense_is_counted_and_proposes_nothing(things, asks, answer):
    asks.text = answer
    categories.write_categories(items=5)
    assert came_of_it() == {"llm_answer": 1}


def test_a_person_s_name_stays_and_can_be_given_in_the_admin(things, asks, admin_client):
    say(asks)
    categories.write_categories(items=5)
    address = reverse("admin:catalog_categoryname_add")
    given = {"path": PATH, "name": "  Wonders  ", "line": ""}
    assert admin_client.post(address, given).status_code == 302
    [row] = CategoryName.objects.all()
    assert (row.name, row.source) == ("Wonders", "person")
    approve()
    assert category_label(PATH) == "Wonders"
    reject(Proposal.objects.get())
    assert category_label(PATH) == "Wonders"
    change = reverse("admin:catalog_categoryname_change", args=[row.pk])
    admin_client.post(change, {"name": "Marvels", "line": "Told so."})
    assert (category_label(PATH), category_line(PATH)) == ("Marvels", "Told so.")
    admin_client.post(reverse("admin:catalog_categoryname_delete", args=[row.pk]), {"post": "yes"})
    assert category_label(PATH) == PATH


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"path": PATH, "name": "drama"}, "is called so"),
        ({"path": "Nothing here", "name": "Wonders"}, "No item is in"),
        ({"path": PATH, "name": ""}, "required"),
        ({"path": PATH, "name": "x" * 61}, "at most 60"),
    ],
)
def test_the_admin_says_why_it_refuses_a_name(things, admin_client, given, says):
    answer = admin_client.post(
        reverse("admin:catalog_categoryname_add"), {"line": "", **given}
    )  # fmt: skip
    assert answer.status_code == 200
    assert says in answer.content.decode().replace("&#x27;", "'")
    assert not CategoryName.objects.exists()


def test_two_categories_are_never_called_alike(things):
    upsert_items(items=[ItemInput(external_id="x", title="X", category_paths=["scifi_2"])])
    name_category(path=PATH, name=NAME, source="person")
    with pytest.raises(Conflict, match="called so"):
        name_category(path="scifi_2", name=NAME.upper(), source="llm")
    with pytest.raises(InvalidInput):
        name_category(path=PATH, name=" ", source="person")
    # A stored value whose words are not shown any more is free.
    assert taken_by(PATH, but="scifi_2") == ""
    rows = [
        Proposal.objects.create(
            kind="category", subject="scifi_2", text=text, normalized=text, model="m",
            prompt_version="1", call=1,
        )
        for text in (NAME, "Wonders")
    ]  # fmt: skip
    approve(*rows)
    rows[0].refresh_from_db()
    # It waits again, and says why.
    assert (rows[0].review, rows[0].note) == ("proposed", f"'{PATH}' is called so.")
    assert category_label("scifi_2") == "Wonders"


def test_a_category_that_is_gone_waits_again(things, asks):
    say(asks)
    categories.write_categories(items=5)
    Item.objects.all().delete()
    approve()
    row = Proposal.objects.get()
    assert (row.review, row.note) == ("proposed", f"No item is in '{PATH}'.")
    assert not CategoryName.objects.exists()


def test_the_command_says_what_it_would_cost_and_what_a_small_model_cannot(
    things, asks, settings, capsys
):
    call_command("write", kind="categories", dry_run=True)
    assert "1 calls of tiny" in capsys.readouterr().out
    settings.LLM_WRITES = "closed"
    with pytest.raises(CommandError, match="too small to write categories"):
        call_command("write", kind="categories")
