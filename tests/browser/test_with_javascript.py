"""Typing, suggestions, the back button, more hits, opinions: with htmx at work."""

import re

import pytest
from playwright.sync_api import expect

from catalog.items import upsert_items
from catalog.types import ItemInput

pytestmark = pytest.mark.usefixtures("console")


def test_typing_searches_and_the_back_button_goes_back_by_queries(page, site):
    page.goto(site)
    page.fill("#q", "tati")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?q=tati$"))
    page.fill("#q", "")
    page.locator("#q").press_sequentially("hitchcock", delay=30)
    expect(page.locator(".total")).to_contain_text("5")
    expect(page).to_have_url(re.compile(r"/search\?q=hitchcock$"))
    expect(page).to_have_title(re.compile("hitchcock"))
    page.keyboard.press("Escape")
    page.get_by_label("Mystery").check()
    expect(page).to_have_url(re.compile("category=Mystery"))
    expect(page.get_by_label("Mystery")).to_be_focused()
    page.go_back()
    expect(page).to_have_url(re.compile(r"/search\?q=hitchcock$"))
    expect(page.locator(".total")).to_contain_text("5")
    page.go_back()
    expect(page).to_have_url(re.compile(rf"^{re.escape(site)}/$"))


def test_the_search_field_is_a_combobox(page, site):
    page.goto(site)
    field = page.get_by_role("combobox", name="Search films")
    field.press_sequentially("hitch", delay=30)
    box = page.get_by_role("listbox")
    expect(box).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#live")).to_contain_text("suggestion")
    field.press("ArrowDown")
    first = box.get_by_role("option").first
    expect(first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", first.get_attribute("id"))
    field.press("ArrowUp")
    expect(field).not_to_have_attribute("aria-activedescendant", re.compile("."))
    field.press("Escape")
    expect(box).to_be_hidden()
    expect(field).to_have_value("hitch")
    field.press("ArrowDown")
    field.press("ArrowDown")
    expect(field).to_be_focused()
    field.press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?q=.*from="))


def test_what_is_being_chosen_is_not_taken_away_by_a_list_that_comes_late(page, site):
    page.goto(site)
    field = page.get_by_role("combobox", name="Search films")
    field.press_sequentially("hitc", delay=30)
    first = page.get_by_role("listbox").get_by_role("option").first
    expect(first).to_be_visible()
    # Sooner than the suggestions of the longer text are asked for.
    page.keyboard.type("h")
    page.keyboard.press("ArrowDown")
    expect(first).to_have_attribute("aria-selected", "true")
    page.wait_for_timeout(800)
    expect(first).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", first.get_attribute("id"))
    # Typing on asks again.
    with page.expect_response(lambda answer: "/suggest?q=hitchc" in answer.url):
        page.keyboard.type("c")


def test_a_suggestion_can_be_clicked_and_tab_leaves(page, site):
    page.goto(site)
    field = page.locator("#q")
    field.press_sequentially("rear", delay=30)
    expect(page.get_by_role("listbox")).to_be_visible()
    field.press("Tab")
    expect(page.get_by_role("listbox")).to_be_hidden()
    field.press_sequentially(" w", delay=30)
    page.get_by_role("option").filter(has=page.locator("img")).first.click()
    expect(page).to_have_url(re.compile(r"/item/\d+/rear-window$"))


def test_more_hits_are_appended_and_the_focus_goes_to_the_first_of_them(page, site):
    upsert_items(items=[ItemInput(external_id=f"n{n}", title=f"Numbered {n}") for n in range(30)])
    page.goto(f"{site}/search?q=numbered")
    expect(page.locator(".hit")).to_have_count(24)
    page.get_by_role("link", name="Load more").click()
    expect(page.locator(".hit")).to_have_count(30)
    expect(page.locator(".hit").nth(24).locator("h3 a")).to_be_focused()
    expect(page.get_by_role("link", name="Load more")).to_have_count(0)


def test_an_opinion_shows_at_once_and_can_be_undone(page, site):
    page.goto(f"{site}/search?q=playtime")
    page.locator(".hit h3 a").first.click()
    page.get_by_role("button", name="Not for me").click()
    expect(page.locator("#opinion")).to_contain_text("less like Playtime")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Not for me")).to_have_attribute("aria-pressed", "false")


def test_filters_stay_open_while_they_are_chosen_on_a_phone(page, site):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}/search?q=hitchcock")
    page.locator(".count-tools button[popovertarget]").click()
    page.get_by_label("Mystery").check()
    expect(page.locator(".apply")).to_have_text("Show 2 films")
    expect(page.locator("#filters")).to_be_visible()
    page.locator(".apply").click()
    expect(page.locator("#filters")).to_be_hidden()
    expect(page.locator(".total")).to_contain_text("2")


def test_the_first_page_is_light_and_asks_no_other_host(page, site):
    fetched = []
    page.on("response", lambda response: fetched.append(response))
    page.goto(site)
    page.wait_for_load_state("networkidle")
    assert {response.url.startswith((site, "data:")) for response in fetched} == {True}
    assert sum(len(response.body()) for response in fetched if "htmx" not in response.url) < 150_000


@pytest.mark.parametrize("width", [360, 390, 768, 1280, 1920])
@pytest.mark.parametrize("path", ["/", "/search?q=hitchcock+thriller", "/browse", "/browse/Comedy"])
def test_no_page_scrolls_sideways(page, site, path, width):
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{site}{path}")
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
