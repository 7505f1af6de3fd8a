"""An hour of a judge, with the keyboard alone; the same without scripts, and on a phone."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from playwright.sync_api import expect

from catalog.events import record_events
from catalog.judging.stale import add_pairs, new_pair
from catalog.judging.turns import Judge, decide, next_turn
from catalog.models import Item, Judgement, JudgingPair, Label, Person
from catalog.types import EventInput
from tests.browser.test_accessibility import RULES, SIZES

PASSWORD = "correct horse battery"
QUERIES = ("hitchcock thriller", "quiet comedy")


@pytest.fixture
def judges(settings):
    settings.CATALOG_CALIBRATION_SHARE = 0.0
    for name, codes in (("anna", ["judge_pair"]), ("boss", ["judge_pair", "adjudicate_pair"])):
        made = User.objects.create_user(name, password=PASSWORD, is_staff=True)
        made.user_permissions.set(Permission.objects.filter(codename__in=codes))


def queue(count=32):
    items = list(Item.objects.order_by("pk"))
    pairs = [
        new_pair(
            kind="relevance", query=query, item_id=item.pk, content_hash=item.content_hash,
            reason=JudgingPair.Reason.REST,
        )
        for query in (*QUERIES, "noir") for item in items
    ]  # fmt: skip
    add_pairs(pairs=pairs[:count])


def queue_fit():
    items = list(Item.objects.order_by("pk"))
    record_events(
        events=[
            EventInput(kind="dislike" if n == 3 else "like", item_id=item.external_id,
                       time=timezone.now(), user_id="jane.doe@example.org")
            for n, item in enumerate(items[:8])
        ]
    )  # fmt: skip
    person = Person.objects.get(external_id="jane.doe@example.org")
    pair = new_pair(
        kind="fit", person_id=person.pk, item_id=items[9].pk, content_hash=items[9].content_hash,
        reason="rest", priority=9,
    )  # fmt: skip
    add_pairs(pairs=[pair])


def sign_in(page, site, name):
    page.goto(f"{site}/admin/login/?next=/admin/")
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r":\d+/admin/$"))


def judge_page(page, site):
    page.goto(f"{site}/admin/catalog/judgingpair/judge/")


def press(page, key):
    """A key, and the next pair is there: until then the page takes no other key."""
    page.evaluate(
        """() => {
            window.settled = false;
            document.addEventListener("htmx:afterSettle", () => { window.settled = true; },
                                      { once: true });
        }"""
    )
    page.keyboard.press(key)
    page.wait_for_function("window.settled")
    expect(page.locator("#judging [data-focus]")).to_be_focused()


def test_thirty_grades_and_one_undo_with_the_keyboard_alone(page, site, judges, console, shot):
    queue()
    other = Judge(name="ben")
    while turn := next_turn(other):
        decide(judge=other, turn_id=turn.pk, outcome="graded", grade=turn.pair_id % 4)
    sign_in(page, site, "anna")
    judge_page(page, site)
    expect(page.locator("#judging [data-focus]")).to_be_focused()
    shot("first-pair")
    for n in range(29):
        press(page, str(n % 4))
    page.keyboard.press("n")
    expect(page.get_by_label("Note, for whoever adjudicates")).to_be_focused()
    page.keyboard.type("0 or 3? a 2")
    page.keyboard.press("Escape")
    shown = page.locator(".judge-title").inner_text()
    press(page, "2")
    expect(page.locator("#judging-said")).to_contain_text("Graded 2 good. 30 today, 2 left.")
    assert page.locator(".judge-progress").inner_text().startswith("30 today")
    shot("thirty-grades")
    press(page, "u")
    expect(page.locator(".judge-title")).to_have_text(shown)
    assert Label.objects.filter(labeller="anna").count() == 29
    expect(page.get_by_label("Note, for whoever adjudicates")).to_have_value("0 or 3? a 2")
    shot("undone")
    press(page, "3")
    press(page, "c")
    press(page, "s")
    expect(page.get_by_role("heading", name="Nothing is left for you")).to_be_focused()
    own = Judgement.objects.filter(labeller="anna")
    assert sorted(own.values_list("outcome", flat=True)) == [
        "cant_say",
        *["graded"] * 30,
        "skipped",
    ]
    assert Label.objects.filter(labeller="anna").count() == 30
    assert Label.objects.filter(labeller="anna", note="0 or 3? a 2").get().grade == 3

    page.context.clear_cookies()
    sign_in(page, site, "boss")
    page.goto(f"{site}/admin/catalog/judgingpair/agreement/")
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="anna")).first
    expect(row).to_contain_text("30")
    expect(page.get_by_role("heading", name="Between people", exact=True)).to_be_visible()
    expect(page.get_by_text("pairs that two or more graded")).to_contain_text("30 pairs")
    shot("agreement")


def test_a_held_key_judges_one_pair_and_keys_can_be_switched_off(page, site, judges, console):
    queue(6)
    sign_in(page, site, "anna")
    judge_page(page, site)
    with page.expect_response(lambda answer: "judge/" in answer.url):
        for _ in range(5):
            page.keyboard.down("1")
    page.keyboard.up("1")
    page.wait_for_timeout(300)
    assert Label.objects.count() == 1
    page.keyboard.press("?")
    page.get_by_label("Single keys judge").uncheck()
    page.keyboard.press("2")
    page.wait_for_timeout(300)
    assert Label.objects.count() == 1


def test_an_item_that_was_deleted_is_told_and_the_next_pair_is_there(page, site, judges, console):
    queue(3)
    sign_in(page, site, "anna")
    judge_page(page, site)
    Item.objects.filter(pk=Judgement.objects.get().pair.item_id).delete()
    press(page, "3")
    expect(page.locator(".judge-told")).to_contain_text("deleted meanwhile. Here is the next one.")
    expect(page.locator(".judge-title")).to_be_visible()


def test_a_grade_is_one_request_and_no_new_page(page, site, judges):
    queue(12)
    sign_in(page, site, "anna")
    judge_page(page, site)
    asked = []
    page.on("request", lambda request: asked.append(request.resource_type))
    for _ in range(11):
        press(page, "2")
    # The browser may fetch an icon meanwhile.
    assert asked.count("xhr") == 11
    assert "document" not in asked


def test_judging_without_scripts(browser, site, judges):
    queue(3)
    page = browser.new_context(java_script_enabled=False).new_page()
    sign_in(page, site, "anna")
    judge_page(page, site)
    page.get_by_role("button", name="2 good").click()
    assert Label.objects.get().grade == 2
    expect(page.get_by_text("Graded 2 good.").first).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    assert not Label.objects.exists()


def test_a_judge_sees_no_person_and_nothing_but_judging(page, site, judges):
    queue(1)
    queue_fit()
    sign_in(page, site, "anna")
    expect(page.locator("main").get_by_role("link")).to_have_count(1)
    judge_page(page, site)
    assert "jane" not in page.content()
    expect(page.get_by_role("heading", name="Somebody chose")).to_be_visible()
    for path in ("judgingpair/", "judgingpair/agreement/", "judgingpair/adjudicate/", "label/"):
        assert page.goto(f"{site}/admin/catalog/{path}").status == 403


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(page, site, judges, theme, size):
    queue(32)
    queue_fit()
    for name in ("ben", "carl"):
        judge = Judge(name=name)
        for n in range(24):
            turn = next_turn(judge)
            decide(judge=judge, turn_id=turn.pk, outcome="graded", grade=n % 4, note="why " * 9)
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size(SIZES[size])
    sign_in(page, site, "boss")
    found = {}
    for path in ("judge", "adjudicate", "agreement"):
        page.goto(f"{site}/admin/catalog/judgingpair/{path}/")
        # Unfold's own frame (its sidebar and bar) is not this page's.
        results = Axe().run(page, context="main", options=RULES)
        for violation in results.response["violations"]:
            found[f"{path}: {violation['id']}"] = [n["html"][:160] for n in violation["nodes"][:3]]
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(wide) <= 0, path
    assert found == {}
