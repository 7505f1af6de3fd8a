"""Everything that matters works with JavaScript switched off."""

import re

import pytest
from playwright.sync_api import expect

PASSWORD = "correct horse battery"


@pytest.fixture
def browser_context_args(browser_context_args):
    return browser_context_args | {"java_script_enabled": False}


def test_search_filter_page_and_sort_are_forms_and_links(page, site):
    page.goto(site)
    page.fill("#q", "hitchcock")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?q=hitchcock"))
    expect(page.locator(".total")).to_contain_text("5")
    page.get_by_label("Mystery").check()
    page.locator(".apply").click()
    expect(page.locator(".total")).to_contain_text("2")
    expect(page.locator(".chips")).to_contain_text("Mystery")
    page.get_by_role("link", name="Clear all").click()
    page.locator("#sort").select_option("title")
    page.locator("noscript button").first.click()
    expect(page.locator(".hit h3").first).to_have_text("Rear Window")
    page.locator(".pill").first.click()
    expect(page).to_have_url(re.compile("from="))


def test_opinions_and_history_are_forms(page, site):
    page.goto(f"{site}/search?q=rear+window")
    page.locator(".hit h3 a").first.click()
    expect(page).to_have_url(re.compile(r"/item/\d+/rear-window$"))
    page.get_by_role("button", name="Like").click()
    expect(page.get_by_role("button", name="Like")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Like")).to_have_attribute("aria-pressed", "false")
    page.get_by_role("link", name="Your history").click()
    expect(page.locator(".entries li").first).to_contain_text("Rear Window")
    page.get_by_role("link", name="Delete everything").click()
    page.get_by_role("button", name="Delete everything").click()
    expect(page.locator(".empty")).to_contain_text("Nothing yet")


def test_an_account_and_the_dark_theme_need_no_script(page, site):
    page.goto(f"{site}/sign-up")
    page.fill("#id_username", "anne")
    page.fill("#id_password1", PASSWORD)
    page.fill("#id_password2", PASSWORD)
    page.get_by_role("button", name="Make an account").click()
    expect(page.locator(".places")).to_contain_text("anne")
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator(".places")).to_contain_text("Sign in")


def test_filters_open_on_a_phone(page, site):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}/search?q=hitchcock")
    expect(page.locator("#filters")).to_be_hidden()
    page.locator(".count-tools button[popovertarget]").click()
    expect(page.locator("#filters")).to_be_visible()
    page.get_by_label("Mystery").check()
    page.locator(".apply").click()
    expect(page.locator(".total")).to_contain_text("2")
