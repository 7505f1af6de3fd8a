"""What the API says of the editors' rules."""

import pytest
from django.test import Client

from tests.search.rules import rule

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("films")]


def answer(**params):
    response = Client(headers={"host": "localhost"}).get("/api/v1/search", params)
    assert response.status_code == 200
    return response.json()


def test_without_rules_it_says_that_there_are_none():
    told = answer(q="hitchcock")
    assert (told["rules"], told["redirect"], told["banner"]) == ([], None, None)
    assert {hit["rule"] for hit in told["hits"]} == {""}


def test_it_names_the_rules_and_what_each_hit_owes_them():
    pin = rule("pin", items=["Mon Oncle"], name="Tati first")
    bury = rule("bury", items=["Vertigo"], name="Not this")
    rule("redirect", target="/browse/Thriller", name="Thrillers")
    rule("banner", text="Sale <b>", name="Sale")
    told = answer(q="Hitchcock")
    assert told["rules"][:2] == [
        {"id": pin.pk, "name": "Tati first", "action": "pin"},
        {"id": bury.pk, "name": "Not this", "action": "bury"},
    ]
    assert told["redirect"] == "/browse/Thriller"
    assert told["banner"] == {"text": "Sale <b>", "url": None}
    first, last = told["hits"][0], told["hits"][-1]
    assert (first["item"]["title"], first["source"], first["rule"]) == (
        "Mon Oncle", "pinned", "Tati first",
    )  # fmt: skip
    assert (last["item"]["title"], last["rule"]) == ("Vertigo", "Not this")
    assert answer(q="Hitchcock", verbatim="true")["redirect"] is None


def test_browsing_says_so_too():
    rule("hide", (), match="browse", creators=["Alfred Hitchcock"], name="No Hitchcock")
    told = answer(q="")
    assert told["total"] == 10
    assert [each["name"] for each in told["rules"]] == ["No Hitchcock"]
