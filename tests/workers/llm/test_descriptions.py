"""Descriptions of kinds: written from their members, shown beside the name once approved."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from catalog.models import Item, Job
from recs.codes import name_kinds, rename_kind
from recs.kinds import first_kinds, kind_of_item, trail_of
from recs.models import CodeName, ModelVersion
from search.models import Proposal
from search.proposals import decide
from workers.augmentation import descriptions

pytestmark = pytest.mark.django_db(transaction=True)
GOOD = "A keeper waits by the sea while the ships stay away."


@pytest.fixture
def kind(make_kind):
    return make_kind(
        name="Drama: keeper",
        description="A keeper waits by the sea, and the ships stay away.",
        year=1950,
    )


def say(served, description=GOOD, evidence=("waits by the sea",)):
    served.text = json.dumps({"description": description, "evidence": list(evidence)})


def approve(*rows):
    ids = [row.pk for row in rows or Proposal.objects.all()]
    return decide(ids=ids, review="approved", by="eve", basis={"by": "person"})


def reject(row):
    decide(ids=[row.pk], review="rejected", by="eve", basis={"by": "person"}, reason="untrue")


def came_of_it():
    return Job.objects.latest("created_at").result["came of it"]


def described():
    return CodeName.objects.values_list("description", flat=True).get()


def test_a_description_is_shown_once_it_is_approved_and_taken_back(kind, asks, client):
    say(asks)
    descriptions.write_descriptions(items=5)
    [row] = Proposal.objects.all()
    assert (row.kind, row.subject, row.text) == ("description", "001 of c1", GOOD)
    assert described() == ""
    approve()
    item = Item.objects.first()
    assert [one.description for one in first_kinds(kind.version)] == [GOOD]
    assert kind_of_item(kind.version, item.pk).descriptions[0] == GOOD
    assert trail_of(kind.version, "001") == (("001", "Drama: keeper"),)
    assert client.get("/api/v1/kinds").json()["kinds"] == [
        {"path": "1", "name": "Drama: keeper", "description": GOOD, "count": 4}
    ]
    told = client.get(f"/api/v1/kinds/of-item?item_id={item.external_id}").json()
    assert [one["description"] for one in told["kinds"]] == [GOOD, ""]
    assert GOOD in client.get("/kinds").content.decode()
    assert GOOD in client.get("/kinds/1").content.decode()
    page = client.get(f"/item/{item.pk}/lighthouse-nights-0").content.decode()
    assert f"{GOOD} Put together by what they are about" in page
    reject(row)
    assert described() == ""
    # Asked once.
    asked = len(asks.asked)
    descriptions.write_descriptions(items=5)
    assert len(asks.asked) == asked


def test_a_description_outlives_the_names(kind, asks):
    say(asks)
    descriptions.write_descriptions(items=5)
    approve()
    name_kinds(kind.version)
    named = CodeName.objects.get(path="001")
    assert (named.description, named.source) == (GOOD, "derived")
    rename_kind(version=kind.version, path="001", name="Coast")
    assert CodeName.objects.get(path="001").description == GOOD


def test_what_a_person_wrote_stays(kind, asks, admin_client):
    say(asks)
    descriptions.write_descriptions(items=5)
    address = reverse("admin:recs_codename_change", args=[kind.pk])
    admin_client.post(address, {"name": kind.name, "description": "Lights on  the coast."})
    named = CodeName.objects.get()
    # The name is still the derived one.
    assert (named.description, named.source) == ("Lights on the coast.", "derived")
    approve()
    assert described() == "Lights on the coast."
    reject(Proposal.objects.get())
    assert described() == "Lights on the coast."


def test_the_newest_that_stands_approved_is_shown(kind):
    value = {"version": kind.version_id, "path": "001"}
    rows = [
        Proposal.objects.create(
            kind="description", subject="001 of c1", text=text, normalized=text, value=value,
            model="m", prompt_version="1", call=1,
        )
        for text in ("First.", "Second.")
    ]  # fmt: skip
    approve(rows[0])
    approve(rows[1])
    assert described() == "Second."
    reject(rows[1])
    assert described() == "First."
    # Of a version that is gone nothing is left to describe.
    ModelVersion.objects.all().delete()
    reject(rows[0])
    approve(rows[0])


@pytest.mark.parametrize(
    ("description", "evidence", "why"),
    [
        ("A keeper waits by the sea of Ada Lantern.", "sea", "names a person"),
        ("Things like Lighthouse Nights 2 by the sea.", "sea", "names an item"),
        ("A drama of a keeper.", "keeper", "repeats the name"),
        ("Keepers wait by the sea", "sea", "cut off"),
        ("Keepers waiting.", "sea", "too short"),
        ("A keeper waits by the sea in 1951.", "sea", "a number of its own"),
        ("A keeper waits by the sea in Norway.", "sea", "a name of its own"),
        ("A murderer waits by the sea with ships.", "sea", "a word of its own"),
        ("The instructions wait by the sea with ships.", "sea", "speaks of the task"),
        (GOOD, "the mountain", "no evidence"),
    ],
)
def test_what_is_no_description_is_counted_by_reason(kind, asks, description, evidence, why):
    say(asks, description, [evidence])
    descriptions.write_descriptions(items=5)
    assert came_of_it() == {why: 1}
    assert not Proposal.objects.exists()


@pytest.mark.parametrize(
    "answer", ["the sea", "[]", "{}", '{"description": "x', '{"name": "x", "evidence": "y"}']
)
def test_nonsense_is_counted_and_proposes_nothing(kind, asks, answer):
    asks.text = answer
    descriptions.write_descriptions(items=5)
    assert came_of_it() == {"llm_answer": 1}


def test_without_codes_there_is_nothing_to_ask(db, asks):
    descriptions.write_descriptions(items=5)
    assert not asks.asked


def test_the_command_says_what_it_would_cost_and_what_a_small_model_cannot(
    kind, asks, settings, capsys
):
    call_command("write", kind="descriptions", dry_run=True)
    assert "1 calls of tiny" in capsys.readouterr().out
    settings.LLM_WRITES = "closed"
    with pytest.raises(CommandError, match="too small to write descriptions"):
        call_command("write", kind="descriptions")
