"""An editor's morning in the admin, start to finish, and what visitors see after each step."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from search.models import Query

PASSWORD = "correct horse battery"


@dataclass
class Desk:
    """The editor's browser, signed in."""

    page: Any
    site: str
    shot: Callable[[str], None]

    def open(self, name, query=""):
        self.page.goto(f"{self.site}{reverse(f'admin:{name}')}{query}")

    def fill(self, **values):
        """Type into a form once its scripts have run: one of them moves the cursor, which would
        put the rest of a word into another field."""
        self.page.wait_for_load_state("load")
        for name, value in values.items():
            self.page.fill(f"#id_{name}", value)

    def save(self):
        self.page.get_by_role("button", name="Save", exact=True).click()

    def told(self, text):
        expect(self.page.locator("body")).to_contain_text(text)

    def search(self, text):
        """As a visitor does."""
        self.page.goto(f"{self.site}/search?q={text}")


@pytest.fixture
def desk(page, site, shot):
    get_user_model().objects.create_superuser("editor", password=PASSWORD)
    desk = Desk(page, site, shot)
    desk.open("login")
    page.fill("#id_username", "editor")
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return desk


def mends_a_query_without_results(desk, page):
    for _ in range(3):
        desk.search("whodunit")
    expect(page.locator(".hit")).to_have_count(0)
    desk.open("search_analytics")
    desk.shot("analytics")
    line = page.locator("tr", has_text="whodunit").first
    line.get_by_role("link", name=re.compile("synonym", re.IGNORECASE)).click()
    expect(page.locator("#id_words")).to_have_value("whodunit")
    desk.fill(finds="mystery")
    desk.save()
    # Its effect is looked at before it counts.
    desk.told("Look at its effect, then approve it.")
    desk.shot("synonym-preview")
    desk.search("whodunit")
    expect(page.locator(".hit")).to_have_count(0)
    page.go_back()
    page.locator("#id_review").select_option("approved")
    desk.save()
    desk.search("whodunit")
    expect(page.locator(".hit h3").first).to_be_visible()
    desk.shot("synonym-effect")


def pins_a_film_for_a_week(desk, page):
    desk.search("hitchcock")
    last = page.locator(".hit h3").last.inner_text()
    desk.open("search_rule_add", "?patterns=hitchcock")
    desk.fill(items=last)
    page.locator("#id_action").select_option("pin")
    begin = timezone.now() - timedelta(minutes=1)
    for name, when in (("starts_at", begin), ("ends_at", begin + timedelta(days=7))):
        desk.fill(**{f"{name}_0": f"{when:%Y-%m-%d}", f"{name}_1": f"{when:%H:%M:%S}"})
    desk.save()
    desk.told("Look at what it changes, then switch it on.")
    desk.shot("pin-preview")
    page.locator("#id_is_on").check()
    desk.save()
    desk.search("hitchcock")
    expect(page.locator(".hit h3").first).to_have_text(last)
    desk.shot("pin-effect")


def bans_a_query(desk, page):
    desk.search("hitchcock")
    unwanted = page.locator(".pill bdi").first.inner_text()
    desk.open("search_bannedpattern_add")
    desk.fill(pattern=unwanted)
    desk.save()
    desk.told("Not stored yet.")
    desk.shot("ban-preview")
    desk.save()
    desk.search("hitchcock")
    expect(page.locator(".pill").first).to_be_visible()
    expect(page.locator(".pill bdi", has_text=re.compile(f"^{unwanted}$"))).to_have_count(0)


def approves_ten(desk, page, ids):
    desk.open("search_review_queue")
    boxes = page.locator("input[name=query]")
    expect(boxes).to_have_count(len(ids))
    for place in range(10):
        boxes.nth(place).focus()
        page.keyboard.press("Space")
    desk.shot("queue")
    page.get_by_role("button", name="Approve (A)").press("Enter")
    expect(boxes).to_have_count(len(ids) - 10)
    assert Query.objects.filter(pk__in=ids, review="approved").count() == 10


def test_from_a_query_without_results_to_what_visitors_see(page, desk):
    stored = Query.objects.filter(review="approved", source="expansions")
    ids = list(stored.values_list("pk", flat=True)[:12])
    assert len(ids) == 12
    Query.objects.filter(pk__in=ids).update(review="proposed")

    mends_a_query_without_results(desk, page)
    pins_a_film_for_a_week(desk, page)
    bans_a_query(desk, page)
    approves_ten(desk, page, ids)

    # Who did it, and that it runs.
    desk.open("search_rule_changelist")
    row = page.locator("tr", has_text="hitchcock").first
    expect(row).to_contain_text("editor")
    expect(row).to_contain_text("running now")
    desk.shot("rules")
