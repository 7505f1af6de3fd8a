import re
import unicodedata

import pytest
from django.utils.html import escape
from hypothesis import example, given, settings
from hypothesis import strategies as st

from catalog.models import Item
from search.highlight import mark, marker_for, matched_fields, snippet
from search.tsquery import parse

NASTY = [
    "<script>alert(1)</script>",
    "Robert'); DROP TABLE catalog_item;--",
    '"><img src=x onerror=alert(1)>',
    "<mark>not ours</mark>",
    "🎬🍿 film",
    "\u202eשלגל\u202c",
    "a & b &amp; c",
]


def marker(text, **options):
    return marker_for(parse(text), **options)


@pytest.mark.parametrize(
    ("query", "title", "marked"),
    [
        ("amelie", "Amélie", "<mark>Amélie</mark>"),
        ("robot", "Robots & Men", "<mark>Robots</mark> &amp; Men"),
        ("godfathers", "The Godfather", "The <mark>Godfather</mark>"),
        ("schindlers list", "Schindler's List", "<mark>Schindler&#x27;s List</mark>"),
        ("adventures", "Adventure", "<mark>Adventure</mark>"),
        ("running", "Run", "<mark>Run</mark>"),
        ("space", "Spade", "Spade"),
    ],
)
def test_words_that_match_are_marked(query, title, marked):
    assert mark(title, marker(query)) == marked


def test_a_word_being_typed_marks_what_begins_with_it():
    assert mark("Hitchcock", marker("hitch", is_typing=True)) == "<mark>Hitchcock</mark>"
    assert mark("Hitchcock", marker("hitch")) == "Hitchcock"


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("query", ["script", "drop table", "film img", "mark", "amp", "שלגל"])
def test_nothing_of_an_item_is_html(text, query):
    item = Item(
        title=text,
        description=text * 9,
        creators=[text],
        category_paths=[text],
        countries=[text],
        attributes={"cast": [text, text], "n": 3},
    )
    shown = mark(item.title, marker(query)) + snippet(item, marker(query))
    without_marks = shown.replace("<mark>", "").replace("</mark>", "")
    assert "<" not in without_marks
    assert '"' not in without_marks
    assert shown.count("<mark>") == shown.count("</mark>")
    assert not re.search(r"&(?!amp;|lt;|gt;|#x27;|quot;)", shown)


@settings(deadline=None)
@given(title=st.text(max_size=80), query=st.text(max_size=30))
@example(title="\uf900", query="\uf900")
@example(title="\uf900", query="")
def test_marking_adds_marks_and_changes_nothing_else(title, query):
    bare = re.sub(r"</?mark>", "", str(mark(title, marker(query))))
    assert bare == escape(unicodedata.normalize("NFC", title))


def test_a_snippet_shows_where_a_long_text_matches():
    text = "word " * 100 + "the lighthouse keeper " + "tail " * 100
    found = snippet(Item(title="x", description=text), marker("lighthouse"))
    assert "<mark>lighthouse</mark>" in found
    assert found.startswith("…")
    assert found.endswith("…")
    assert len(found) < 260


def test_a_snippet_names_the_person_who_matches():
    item = Item(title="x", description="", attributes={"cast": ["Grace Kelly", "Cary Grant"]})
    assert snippet(item, marker("kelly")) == "Cast: Grace <mark>Kelly</mark>"


def test_fields_that_match_are_named_in_the_order_of_their_weight():
    item = Item(
        title="Rear Window",
        description="A thriller with a camera.",
        creators=["Alfred Hitchcock"],
        categories=["Thriller"],
        countries=["France"],
        year=1964,
        attributes={"cast": ["Grace Kelly"]},
    )
    fields = matched_fields(item, marker("hitchcock thriller french 60s kelly"), by_meaning=True)
    assert fields == (
        "creator", "category", "country", "year", "cast", "description", "meaning",
    )  # fmt: skip
    assert matched_fields(item, marker("nothing"), by_meaning=False) == ()
