"""axe finds nothing on the main pages, in both themes, on a phone and on a wide screen."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from catalog.models import Item
from recs.codes import build_codes
from recs.embeddings import encode_pending
from recs.ml.semantic_ids import SemanticIdConfig

SIZES = {"wide": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
PATHS = (
    "/",
    "/search?q=hitchcock+thriller",
    "/search?q=tati&category=Comedy&year=1950..1970",
    "/search?q=qqqqzzzz",
    "/browse",
    "/browse/Comedy",
    "/collections",
    "/history",
    "/people",
    "/sign-in",
    "/sign-up",
    "/about",
    "/no/such/page",
    "item",
)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(page, site, theme, size):
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size(SIZES[size])
    found = {}
    for path in PATHS:
        item = Item.objects.get(title="Rear Window")
        page.goto(site + (f"/item/{item.pk}" if path == "item" else path))
        results = Axe().run(page, options=RULES)
        for violation in results.response["violations"]:
            nodes = [node["html"][:160] for node in violation["nodes"][:3]]
            found[f"{path}: {violation['id']}"] = nodes
    assert found == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_while_suggestions_are_open(page, site, theme):
    page.emulate_media(color_scheme=theme)
    page.goto(site)
    page.locator("#q").press_sequentially("hitch", delay=30)
    page.locator("[role=option]").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert Axe().run(page, options=RULES).response["violations"] == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_kinds(page, site, theme, size):
    encode_pending()
    build_codes(config=SemanticIdConfig(codes=3))
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size(SIZES[size])
    item = Item.objects.get(title="Rear Window")
    for path in ("/kinds", "/kinds/0", f"/item/{item.pk}"):
        page.goto(site + path)
        assert Axe().run(page, options=RULES).response["violations"] == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("#row-kind").count() == 1


def test_every_target_is_large_enough(page, site):
    page.set_viewport_size(SIZES["phone"])
    small = []
    for path in ("/", "/search?q=hitchcock+thriller&category=Mystery", "/history"):
        page.goto(site + path)
        small += page.evaluate(
            """() => [...document.querySelectorAll("a, button, summary, select, input")]
                .filter(e => e.checkVisibility() && !e.closest("p, dd, .skip, [aria-hidden]"))
                .filter(e => getComputedStyle(e).position !== "absolute")
                .map(e => [e, (e.closest("label") ?? e).getBoundingClientRect()])
                .filter(([, box]) => box.width && (box.width < 24 || box.height < 24))
                .map(([e, box]) => `${e.outerHTML.slice(0, 90)} ${box.width}x${box.height}`)"""
        )
    assert small == []
