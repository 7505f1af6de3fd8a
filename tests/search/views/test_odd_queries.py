"""Whatever is typed, page, API and completion give the same kind of answer: one, or the reason."""

import html
import json
import re

import pytest

from search.models import Synonym
from search.rule_input import RuleInput
from search.rule_store import save_rule
from search.synonym_sets import SynonymSet
from search.synonym_store import review_synonyms, state
from search.text import MAX_QUERY_CHARACTERS

pytestmark = pytest.mark.django_db
# One sample of a script and a few words of it.
SCRIPTS = {
    "latin": "rope fantômas ",
    "greek": "ταινία ",
    "cyrillic": "кино ",
    "arabic": "مرحبا ",
    "hebrew": "סרט ",
    "devanagari": "फ़िल्म ",
    "thai": "ภาพยนตร์",
    "han": "電影",
    "kana": "えいが",
    "hangul": "영화 ",
    "emoji": "👩‍👩‍👧🎬",
    "plane 2": "𠀀",
    "figures": "1958 ",
    "combining": "e\u0301\u0323",
    "written out": "\ufb2c\u0958",
}
LENGTHS = (1, 2, 80, MAX_QUERY_CHARACTERS)
ODD = [
    "?!;:,.()[]{}-_=+/\\|~^",
    "\"'`\u00b4",
    "-",
    "- - -",
    "the and of a",
    "the",
    '"rear window" -birds',
    '-"rear window"',
    "-rope -vertigo",
    '"" "" ""',
    '"unbalanced rope',
    '"a" ' * 120,
    "-a " * 160,
    "rope AND (vertigo OR NOT birds)",
    "rope & vertigo | !birds <-> :* ()",
    "creator:hitchcock year:>1950",
    "rope* ro?e ~rope^2",
    "<b>rope</b><script>alert(1)</script>",
    "&lt;script&gt; &amp; rope",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{ 7*7 }} {% raw %} ${7*7}",
    "films like films like films like",
    "by by by with with",
    "under over under 100 minutes minutes from the from the 60s",
]


@pytest.fixture(autouse=True)
def public(settings, built):
    settings.API_PUBLIC_READ = True


def answers(client, query):
    """The same text through every door."""
    asked = {"q": query}
    body = json.dumps(asked)
    return {
        "page": client.get("/search", asked),
        "half typed": client.get("/search", {**asked, "typing": "1"}),
        "word for word": client.get("/search", {**asked, "verbatim": "1"}),
        "API": client.get("/api/v1/search", asked),
        "API, posted": client.post("/api/v1/search", body, content_type="application/json"),
        "completion": client.get("/suggest", asked),
        "API completion": client.get("/api/v1/suggest", asked),
        "API recommendations": client.get("/api/v1/query-recommendations", asked),
    }


def all_are(found, status):
    assert {name: answer.status_code for name, answer in found.items()} == dict.fromkeys(
        found, status
    )


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("script", SCRIPTS)
def test_any_script_at_any_length_is_answered_through_every_door(client, script, length):
    sample = SCRIPTS[script]
    query = (sample * length)[:length]
    found = answers(client, query)
    all_are(found, 200)
    told = found["API"].json()
    assert told == told | {"original_query": query, "page": 1}
    assert told["total"] == found["API, posted"].json()["total"]


@pytest.mark.parametrize("query", ODD)
def test_signs_stop_words_operators_and_html_are_words_or_nothing(client, query):
    found = answers(client, query)
    all_are(found, 200)
    for answer in found.values():
        if "text/html" in answer["Content-Type"]:
            page = answer.content.decode()
            assert "<script>alert" not in page
            assert "<img src=x" not in page
            assert ">49<" not in page
    told = found["API"].json()
    assert told["total"] == found["API, posted"].json()["total"]
    assert "<script" not in "".join(hit["highlight"]["title"] for hit in told["hits"])


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("length", [MAX_QUERY_CHARACTERS + 1, 2000])
def test_more_than_a_query_may_have_is_refused_alike_and_says_how_many(client, script, length):
    if script == "combining" and length < 1000:
        pytest.skip("written together they are few enough")
    query = ("x" + SCRIPTS[script].strip() * length)[: length - 1] + "x"
    found = answers(client, query)
    all_are(found, 400)
    said = f"A query has at most 500 characters; this one has {length:,}."
    if script in (
        "combining",
        "written out",
    ):  # accents are written together with their letter before they count
        said = "A query has at most 500 characters; this one has"
    for name, answer in found.items():
        assert said in html.unescape(answer.content.decode()), name
    for name in ("API", "API, posted", "API completion", "API recommendations"):
        assert found[name].json()["errors"][0]["field"] == "q"
    page = found["page"].content.decode()
    kept = html.unescape(re.search(r'<input[^>]*name="q"[^>]*value="([^"]*)"', page)[1])
    assert query.startswith(kept.strip()[:400])
    assert "its first words are kept above" in page


@pytest.mark.parametrize("padding", [" " * 600, "\u200b" * 600, "\u202e\u202c" * 300, "\n" * 600])
def test_what_cannot_be_seen_does_not_count(client, padding):
    found = answers(client, f"{padding}rope{padding}")
    all_are(found, 200)
    assert found["API"].json()["query"] == "rope"
    assert found["API"].json()["total"] == client.get("/api/v1/search?q=rope").json()["total"]


def test_synonyms_in_a_loop_end(client):
    for typed, finds in (("rope", "cord"), ("cord", "string"), ("string", "rope")):
        row = state(stated=SynonymSet(words=(typed,), finds=(finds,)), by="ed")
        review_synonyms(ids=[row.pk], review=Synonym.Review.APPROVED, by="ed")
    for query in ("rope", "cord", "string", "rope cord string"):
        all_are(answers(client, query), 200)
    # A synonym is followed once: "string" finds "rope", "cord" does not go on to it.
    assert client.get("/api/v1/search?q=string").json()["total"] >= 1
    told = client.get("/api/v1/search?q=cord").json()["synonyms"]
    assert told == [{"typed": "cord", "also": ["string"]}]


def test_a_rule_that_hides_for_every_search_hides_and_the_page_goes_on(client):
    stated = RuleInput.read(
        {"name": "No films", "match": "every", "action": "hide", "countries": ["France"]}
    )
    row = save_rule(stated=stated, by="ed")
    save_rule(stated=stated, by="ed", pk=row.pk, revision=1, is_on=True)
    for query in ("comedy", "tati", "french comedy", "rope"):
        found = answers(client, query)
        all_are(found, 200)
        shown = found["API"].json()
        assert "France" not in [c for hit in shown["hits"] for c in hit["item"]["countries"]]
        assert [rule["name"] for rule in shown["rules"]] == ["No films"]


class TestChips:
    """Very many filters in one address."""

    def asked(self, client, given):
        return {
            "page": client.get("/search", given),
            "API": client.get("/api/v1/search", given),
            "API, posted": client.post(
                "/api/v1/search", json.dumps(given), content_type="application/json"
            ),
        }

    def test_a_thousand_values_of_a_facet_are_refused_with_the_limits_and_the_query_kept(
        self, client
    ):
        given = {"q": "rope vertigo", "creator": [f"Somebody number {n}" for n in range(1000)]}
        found = self.asked(client, given)
        all_are(found, 400)
        for name in ("page", "API"):
            said = html.unescape(found[name].content.decode())
            assert "creator: The address has 1,001 parameters: at most 200 are read." in said
            assert "up to 50 of one facet" in said
        assert 'value="rope vertigo"' in found["page"].content.decode()
        assert found["API"].json()["code"] == "too_many_parameters"
        posted = found["API, posted"].json()
        assert posted["detail"] == "At most 50 values of 'creator'; these are 1,000."

    @pytest.mark.parametrize("count", [51, 150])
    def test_more_than_fifty_of_one_facet_are_refused_alike(self, client, count):
        given = {"q": "rope", "creator": [f"Somebody {n}" for n in range(count)]}
        found = self.asked(client, given)
        all_are(found, 400)
        for name, answer in found.items():
            said = html.unescape(answer.content.decode())
            assert f"At most 50 values of 'creator'; these are {count}." in said, name

    def test_a_hundred_filters_are_a_page_and_more_are_refused_alike(self, client):
        given = {"q": "rope", "creator": [f"Somebody {n}" for n in range(50)]}
        given["category"] = [f"Sort {n}" for n in range(50)]
        found = self.asked(client, given)
        all_are(found, 200)
        page = found["page"].content.decode()
        assert page.count("Somebody 49") >= 1
        assert len(page) < 500_000
        assert found["API"].json()["total"] == 0
        found = self.asked(client, given | {"country": ["France"]})
        all_are(found, 400)
        for name, answer in found.items():
            said = html.unescape(answer.content.decode())
            assert "At most 100 values of all facets together; these are 101." in said, name

    def test_a_thousand_parts_to_be_taken_as_words_are_refused(self, client):
        given = {"q": "french comedy", "as_words": [f"part {n}" for n in range(1000)]}
        all_are(self.asked(client, given), 400)

    def test_an_address_beyond_reading_says_so_and_keeps_the_query(self, client):
        given = {"q": "rope vertigo", "creator": [f"Somebody number {n}" for n in range(3000)]}
        found = client.get("/search", given)
        assert found.status_code == 414
        page = html.unescape(found.content.decode())
        assert "a facet at most 50 values" in page
        assert 'value="rope vertigo"' in page
        assert client.get("/api/v1/search", given).json()["code"] == "too_long"
