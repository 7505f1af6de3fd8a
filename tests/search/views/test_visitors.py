"""Who looks, what is recorded of them, and what they may undo."""

import re
import uuid

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from catalog.event_kinds import EventKind
from catalog.models import Event, Person
from search.views.cards import item_url
from search.views.viewer import COOKIE

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def text(response):
    return response.content.decode()


def kinds():
    return [
        EventKind(kind).label
        for kind in Event.objects.order_by("id").values_list("kind", flat=True)
    ]


@pytest.fixture
def item(built):
    return built["Rear Window"]


def test_a_click_is_recorded_with_where_it_came_from_and_leads_to_the_clean_address(client, item):
    answer = uuid.uuid4()
    response = client.get(f"{item_url(item)}?a={answer}&p=3&s=search")
    assert response.status_code == 302
    assert response["Location"] == item_url(item)
    cookie = response.cookies[COOKIE]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    client.get(response["Location"])
    assert kinds() == ["click", "view"]
    click = Event.objects.get(kind=EventKind.CLICK)
    assert (click.query_id, click.position, click.surface) == (answer, 3, "search")
    assert set(Event.objects.values_list("anonymous_id", flat=True)) == {cookie.value}


def test_looking_twice_within_the_hour_is_one_look(client, item):
    client.get(item_url(item))
    client.get(item_url(item))
    assert kinds() == ["view"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch;prerender"},
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
    ],
)
def test_robots_and_prefetching_leave_no_trace(client, item, headers):
    response = client.get(item_url(item), headers=headers)
    assert response.status_code == 200
    client.get(f"{item_url(item)}?p=1&s=home", headers=headers)
    client.head(item_url(item))
    assert kinds() == []
    assert COOKIE not in response.cookies


@pytest.mark.parametrize(
    "tail", ["?a=nonsense&p=-1&s=<b>", "?a=&p=9999999999&s=" + "x" * 300, "?p=٣"]
)
def test_a_forged_trail_is_recorded_as_a_click_from_nowhere(client, item, tail):
    assert client.get(item_url(item) + tail).status_code == 302
    click = Event.objects.get(kind=EventKind.CLICK)
    assert (click.query_id, click.surface) == (None, "")
    assert click.position in (None, 3)


def test_a_forged_cookie_is_not_believed(client, item):
    client.cookies[COOKIE] = "'; drop table"
    response = client.get(item_url(item))
    assert re.fullmatch("[0-9a-f]{32}", response.cookies[COOKIE].value)


def test_an_opinion_is_kept_replaced_and_taken_back(client, item):
    path = f"/item/{item.pk}/opinion/"
    assert client.post(path, {"kind": "like"})["Location"] == f"{item_url(item)}#opinion"
    assert 'aria-pressed="true">Like' in text(client.get(item_url(item)))
    part = client.post(path, {"kind": "dislike"}, headers={"HX-Request": "true"})
    assert "<!doctype" not in text(part)
    assert "less like" in text(part)
    assert [kind for kind in kinds() if kind != "view"] == ["dislike"]
    client.post(path, {"kind": "undo"})
    assert 'aria-pressed="true"' not in text(client.get(item_url(item))).split("bottom")[0]
    assert client.post(path, {"kind": "burn"}).status_code == 400
    assert client.get(path).status_code == 405


def test_forms_need_their_token(item):
    strict = Client(enforce_csrf_checks=True)
    response = strict.post(f"/item/{item.pk}/opinion/", {"kind": "like"})
    assert response.status_code == 403
    assert "grown old" in text(response)
    assert kinds() == []


def test_history_shows_what_was_done_and_deletes_one_or_all(client, item, built):
    client.get("/search?q=hitchcock")
    client.get(item_url(item))
    client.get(item_url(built["Playtime"]))
    page = text(client.get("/history"))
    assert "Rear Window" in page
    assert "hitchcock" in page
    one = Event.objects.get(item=item)
    client.post(f"/history/forget/{one.pk}")
    assert Event.objects.count() == 1
    assert "1 entry" in text(client.get("/history/forget"))
    assert Event.objects.count() == 1
    client.post("/history/forget")
    page = text(client.get("/history"))
    assert "Nothing yet" in page
    assert "hitchcock" not in page


def test_nobody_deletes_from_another_history(client, item):
    client.get(item_url(item))
    Client().post(f"/history/forget/{Event.objects.get().pk}")
    Client().post("/history/forget")
    assert Event.objects.count() == 1


def test_signing_up_brings_a_guests_history_along(client, item):
    client.get(item_url(item))
    response = client.post(
        "/sign-up", {"username": "anne", "password1": PASSWORD, "password2": PASSWORD}
    )
    assert response["Location"] == "/"
    person = Person.objects.get(account__username="anne")
    assert Event.objects.get().person == person
    assert "anne" in text(client.get("/"))
    client.post("/sign-out")
    assert "anne" not in text(client.get("/"))


def test_signing_in_tells_what_is_wrong_and_keeps_the_way(client, built):
    get_user_model().objects.create_user("bob", password=PASSWORD)
    wrong = client.post("/sign-in", {"username": "bob", "password": "x", "next": "/history"})
    assert wrong.status_code == 422
    assert 'role="alert"' in text(wrong)
    assert 'value="/history"' in text(wrong)
    right = client.post("/sign-in", {"username": "bob", "password": PASSWORD, "next": "/history"})
    assert right["Location"] == "/history"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"],
)
def test_no_form_leads_to_another_site(client, built, elsewhere):
    assert client.post("/theme", {"theme": "dark", "next": elsewhere})["Location"] == "/"


def test_the_theme_is_kept_and_printed_without_a_flash(client, built):
    client.post("/theme", {"theme": "dark", "next": "/about"})
    assert '<html lang="en" data-theme="dark">' in text(client.get("/about"))
    client.post("/theme", {"theme": "<b>", "next": "/about"})
    assert '<html lang="en">' in text(client.get("/about"))


def test_a_numbered_person_lends_their_eyes_and_nothing_is_kept_meanwhile(client, item):
    person = Person.objects.create(external_id="movielens:42", is_demo=True)
    assert "Person 42" in text(client.get("/people"))
    client.post(f"/people/{person.pk}/act-as")
    assert "You see the site as" in text(client.get("/"))
    client.get(item_url(item))
    client.post(f"/item/{item.pk}/opinion/", {"kind": "like"})
    client.post("/history/forget")
    assert kinds() == []
    client.post("/people/stop")
    assert "You see the site as" not in text(client.get("/"))


def test_the_eyes_of_real_people_are_not_lent(client, built):
    person = Person.objects.create(external_id="somebody", is_demo=False)
    assert client.post(f"/people/{person.pk}/act-as").status_code == 404
    assert client.get(f"/people/{person.pk}/act-as").status_code == 405
