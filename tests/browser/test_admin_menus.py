"""The menus of the page of jobs, with the keyboard alone."""

from django.contrib.auth.models import User
from playwright.sync_api import expect

PASSWORD = "correct horse battery"


def test_a_menu_opens_moves_and_closes_by_keyboard(site, page):
    User.objects.create_superuser("boss", password=PASSWORD)
    page.goto(f"{site}/admin/login/?next=/admin/catalog/job/")
    page.fill("[name=username]", "boss")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    opener = page.get_by_role("button", name="Write", exact=False).first
    expect(opener).to_be_visible()
    expect(opener).to_have_attribute("aria-expanded", "false")
    opener.focus()
    page.keyboard.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    first = page.get_by_role("link", name="Write queries")
    expect(first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("link", name="Write facts of items")).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("link", name="Name categories", exact=False)).to_be_focused()
    page.keyboard.press("Escape")
    expect(first).to_be_hidden()
    expect(opener).to_be_focused()
    expect(opener).to_have_attribute("aria-expanded", "false")
    # The mouse tells the same, also where it closes the menu by a click beside it.
    opener.click()
    expect(opener).to_have_attribute("aria-expanded", "true")
    page.mouse.click(700, 700)
    expect(opener).to_have_attribute("aria-expanded", "false")
    opener.focus()
    page.keyboard.press("Enter")
    expect(first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Write queries")).to_be_visible()
