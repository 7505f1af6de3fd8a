"""What an editor may state as a rule, and what is refused, at which field, with which words."""

import pytest
from django.utils import timezone

from catalog.errors import Conflict, InvalidInput, NotFound
from catalog.items import set_hidden
from catalog.models import Item
from catalog.types import ItemInput
from search.rule_input import RuleInput
from search.rule_patterns import fits, read_patterns
from search.rule_store import save_rule
from search.rule_targets import read_target
from tests.recs.conftest import make_items
from tests.search.rules import rule

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("match", "pattern", "query", "is_meant"),
    [
        ("is", "Sci-Fi!", "sci fi", True),
        ("is", "sci fi", "sci fi films", False),
        ("is", "the who", "the who", True),
        ("holds", "sci fi", "best sci fi films", True),
        ("holds", "sci fi", "sci fiction", False),
        ("pattern", "cheap * films", "cheap french films", True),
        ("pattern", "cheap * films", "cheap films", False),
        ("pattern", "film*", "film", True),
        ("pattern", "film*", "filming", True),
        ("pattern", "*noir", "film noir", True),
        ("pattern", "a*b*a", "aba", True),
        ("pattern", "aba*aba", "ababa", False),
        ("pattern", "*** Amélie ***", "about amelie again", True),
        ("pattern", "(x+)+$ *", "x y", True),
    ],
)
def test_a_rule_is_for_the_queries_that_are_meant(match, pattern, query, is_meant):
    assert fits(match, read_patterns(match, [pattern]), query) is is_meant


def test_every_search_and_browsing_are_told_apart():
    assert fits("every", (), "x")
    assert not fits("every", (), "")
    assert fits("browse", (), "")
    assert not fits("browse", (), "x")


def test_the_longest_pattern_of_an_editor_is_walked_once():
    (pattern,) = read_patterns("pattern", ["a*" * 149 + "b"])
    assert not fits("pattern", [pattern], "a" * 300)


@pytest.mark.parametrize(
    ("match", "patterns", "said"),
    [
        ("is", [], "one a line"),
        ("is", ["?!"], "holds no word"),
        ("holds", ["the of"], "too many queries"),
        ("pattern", ["the *"], "too many queries"),
        ("pattern", ["*"], "choose every search"),
        ("is", ["*"], "choose every search"),
        ("is", ["film*"], "choose the queries that fit a pattern"),
        ("is", ["a" * 2000], "2,000 characters; at most 300"),
        ("is", ["a\x00b"], "NUL"),
        ("is", [f"query {n}" for n in range(101)], "At most 100 lines"),
    ],
)
def test_what_is_no_pattern_is_refused_with_a_reason(match, patterns, said):
    with pytest.raises(InvalidInput, match=said) as error:
        read_patterns(match, patterns)
    assert error.value.field == "patterns"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/x", "//evil.example", "/\\evil.example", "\\\\evil.example",
        "javascript:alert(1)", "JavaScript:alert(1)", "evil.example/path", "www.evil.example",
        "data:text/html,x", "/a\r\nSet-Cookie: x", "/\t/evil.example", "/a b", "!!!",
        "/" + "a" * 600,
    ],
)  # fmt: skip
def test_a_redirect_leads_nowhere_else(target):
    with pytest.raises(InvalidInput) as error:
        read_target(target)
    assert error.value.field == "target"


def test_a_target_is_a_path_or_the_words_of_a_search():
    assert read_target(" /browse/Comedy?sort=title ") == "/browse/Comedy?sort=title"
    assert read_target("Mr. Robot & co") == "/search?q=Mr.+Robot+%26+co"
    assert read_target("") == ""


@pytest.mark.parametrize(
    ("stated", "field", "said"),
    [
        ({"action": "pin"}, "items", "items to pin"),
        ({"action": "pin", "items": ["Nowhere"]}, "items", "'Nowhere'"),
        ({"action": "pin", "items": ["Trafic"]}, "items", "is hidden"),
        ({"action": "pin", "items": ["x"] * 101}, "items", "At most 100 items"),
        ({"action": "pin", "items": ["Rope"], "position": 0}, "position", "from 1"),
        ({"action": "boost"}, "items", "State items, or a category"),
        ({"action": "hide", "categories": ["Comdy"]}, "categories", "'Comdy'"),
        ({"action": "redirect"}, "target", "where it leads"),
        ({"action": "redirect", "target": "//x"}, "target", "not on this site"),
        ({"action": "redirect", "target": "/x", "match": "every"}, "match", "nobody could search"),
        ({"action": "banner", "text": " "}, "text", "stand here"),
        ({"action": "banner", "text": "x" * 301}, "text", "at most 300"),
        ({"action": "bury", "match": "browse", "items": ["Rope"]}, "action", "no best match"),
        ({"action": "burn"}, "action", "one of pin"),
        ({"action": "pin", "items": ["Rope"], "name": ""}, "name", "stand here"),
        ({"action": "banner", "text": "x", "priority": 9999}, "priority", "1,000"),
    ],
)
def test_what_cannot_be_a_rule_is_refused_at_its_field(films, stated, field, said):
    set_hidden(external_ids=[films["Trafic"].external_id], hidden=True)
    whole = {"name": "x", "match": "is", "patterns": ["hitchcock"]} | stated
    with pytest.raises(InvalidInput, match=said) as error:
        RuleInput.read(whole)
    assert error.value.field == field


def test_a_rule_ends_after_it_starts(films):
    now = timezone.now()
    with pytest.raises(InvalidInput, match="ends before it starts"):
        rule("pin", items=["Rope"], starts_at=now, ends_at=now)


def test_items_are_named_by_title_year_or_id_and_namesakes_told_apart(films):
    make_items([ItemInput(external_id="v2", title="Vertigo", year=2001)])
    with pytest.raises(InvalidInput, match=r"Vertigo \(1958\) \[f1\], Vertigo \(2001\) \[v2\]"):
        rule("pin", items=["vertigo"])
    row = rule("pin", items=["Vertigo (2001)", "ROPE", "f0", "Vertigo (1958) [f1]", "rope"])
    named = [Item.objects.get(pk=pk).external_id for pk in row.item_ids]
    assert named == ["v2", "f2", "f0", "f1"]


def test_of_two_editors_the_second_hears_who_was_first(films):
    row = rule("banner", text="one", is_on=False)
    stated = RuleInput.read(
        {"name": "x", "match": "is", "patterns": ["a"], "action": "banner", "text": "two"}
    )
    save_rule(stated=stated, by="anna", pk=row.pk, revision=1)
    with pytest.raises(Conflict, match="anna saved this rule on"):
        save_rule(stated=stated, by="bert", pk=row.pk, revision=1)
    row.refresh_from_db()
    assert (row.created_by, row.updated_by, row.revision) == ("boss", "anna", 2)
    row.delete()
    with pytest.raises(NotFound):
        save_rule(stated=stated, by="bert", pk=row.pk or 10**9, revision=2)
