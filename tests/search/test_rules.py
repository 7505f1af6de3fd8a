"""The editors' rules: what they make of the list, and that they have the last word on it."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.errors import InvalidInput
from catalog.filters import ItemFilters
from catalog.items import set_hidden
from catalog.models import Answer
from recs import registry
from search import lexical
from search.answer import search
from search.models import Rule
from search.retrieval import retrieve
from search.rule_input import RuleInput
from search.rule_preview import previews
from search.rule_store import save_rule, switch_rules
from search.types import SearchRequest
from tests.recs.unified_world import learned_version, make_world
from tests.search.rules import rule

pytestmark = pytest.mark.django_db


def find(query="hitchcock", **options):
    return retrieve(SearchRequest(query=query, **options))


def titles(found):
    return [hit.item.title for hit in found.hits]


def test_pins_stand_at_their_place_and_join_what_was_not_found(films):
    rule("pin", items=["Mon Oncle", "Vertigo"], position=2)
    before = retrieve(SearchRequest(query="alfred hitchcock"))
    found = find()
    assert titles(found)[1:3] == ["Mon Oncle", "Vertigo"]
    assert found.total == before.total + 1 == len(found.hits)
    assert [hit.source for hit in found.hits[1:3]] == ["pinned", "pinned"]
    assert [bool(hit.rule) for hit in found.hits[:4]] == [False, True, True, False]
    scores = [hit.score for hit in found.hits]
    assert scores == sorted(scores, reverse=True)
    assert [(each.name, each.action) for each in found.rules] == [("pin it", "pin")]
    facets = {facet.key: facet for facet in found.facets}
    assert {v.value: v.count for v in facets["category"].values}["Comedy"] == 1


def test_pins_are_inside_the_filters_and_keep_their_place_there(films):
    rule("pin", items=["Mon Oncle", "Rope"], position=1)
    assert titles(find(filters=ItemFilters(category=("Crime",)))) == ["Rope"]
    comedies = find(filters=ItemFilters(category=("Comedy",)))
    assert titles(comedies) == ["Mon Oncle"]


def test_pins_of_two_rules_share_no_place(films):
    rule("pin", items=["Mon Oncle"], name="second")
    rule("pin", items=["Playtime"], name="first", priority=5)
    found = find()
    assert titles(found)[:2] == ["Playtime", "Mon Oncle"]
    assert [hit.rule for hit in found.hits[:2]] == ["first", "second"]


def test_a_pin_beyond_the_end_is_the_last(films):
    rule("pin", items=["Mon Oncle"], position=100)
    assert titles(find())[-1] == "Mon Oncle"


def test_an_item_hidden_since_is_not_pinned(films):
    rule("pin", items=["Mon Oncle"])
    before = find().total
    set_hidden(external_ids=[films["Mon Oncle"].external_id], hidden=True)
    found = find()
    assert "Mon Oncle" not in titles(found)
    assert found.total == before - 1 == len(found.hits)


def test_what_somebody_excludes_is_not_pinned(films):
    rule("pin", match="holds", items=["Mon Oncle"])
    assert titles(find("hitchcock -comedy"))[0] != "Mon Oncle"


def test_boosted_before_the_rest_and_buried_behind_it(films):
    plain = titles(find())
    rule("boost", categories=["Romance"])
    rule("bury", items=[plain[0]])
    found = titles(find())
    assert found[0] == "To Catch a Thief"
    assert found[-1] == plain[0]
    rest = [t for t in plain[1:] if t != "To Catch a Thief"]
    assert found[1:-1] == rest


def test_a_title_typed_in_full_stays_before_what_is_boosted(films):
    rule("boost", ["rear window"], categories=["Comedy"])
    assert titles(find("rear window"))[0] == "Rear Window"


def test_what_is_hidden_is_in_no_list_count_or_facet(films):
    before = find()
    rule("hide", items=["Vertigo"], categories=["Horror"])
    found = find()
    assert found.total == before.total - 2
    assert not {"Vertigo", "The Birds"} & set(titles(found))
    assert not {"Vertigo", "The Birds"} & {hit.item.title for hit in found.related}
    facets = {facet.key: {v.value for v in facet.values} for facet in found.facets}
    assert "Horror" not in facets["category"]


def test_an_item_obeys_the_rule_of_the_highest_priority_and_of_equals_hide(films):
    rule("pin", items=["Vertigo"])
    hide = rule("hide", items=["Vertigo"])
    assert "Vertigo" not in titles(find())
    stated = RuleInput.read(
        {"name": "x", "match": "is", "patterns": ["hitchcock"], "action": "hide",
         "items": ["Vertigo"], "priority": -1}
    )  # fmt: skip
    save_rule(stated=stated, by="boss", pk=hide.pk, revision=hide.revision, is_on=True)
    assert titles(find())[0] == "Vertigo"


def test_in_an_order_of_its_own_a_list_is_not_moved(films):
    rule("pin", items=["Mon Oncle"])
    rule("boost", categories=["Romance"])
    found = find(sort="newest")
    years = [hit.item.year for hit in found.hits]
    assert years == sorted(years, reverse=True)
    assert "Mon Oncle" in titles(found)
    assert {hit.item.title for hit in found.hits if hit.rule} == {"Mon Oncle"}
    assert [each.action for each in found.rules] == ["pin"]


def test_a_corrected_query_follows_the_rules_of_both_but_only_its_own_redirect(films):
    from search.spelling import build_terms

    build_terms()
    rule("pin", items=["Mon Oncle"])
    rule("redirect", target="/browse/Thriller")
    found = find("hitchcok")
    assert found.corrected_query == "hitchcock"
    assert titles(found)[0] == "Mon Oncle"
    assert found.redirect is None
    assert find("hitchcock").redirect == "/browse/Thriller"


def test_a_redirect_is_told_and_let_go_where_the_words_are_wanted(films):
    rule("redirect", target="/browse/Thriller")
    assert find().redirect == "/browse/Thriller"
    assert [each.action for each in find().rules] == ["redirect"]
    assert find(verbatim=True).redirect is None
    assert find(verbatim=True).rules == ()
    assert find().total == find(verbatim=True).total > 0


def test_redirects_are_followed_to_their_end_and_a_ring_is_none(films):
    rule("redirect", ["one"], target="two")
    two = rule("redirect", ["two"], target="/browse/Comedy")
    assert find("one").redirect == "/browse/Comedy"
    switch_rules(ids=[two.pk], is_on=False, by="boss")
    assert find("one").redirect == "/search?q=two"
    with pytest.raises(InvalidInput, match="leads back"):
        rule("redirect", ["two"], target="one")
    # Two drafts that know nothing of each other.
    first = rule("redirect", ["three"], target="four", is_on=False)
    second = rule("redirect", ["four"], target="three", is_on=False)
    switch_rules(ids=[first.pk, second.pk], is_on=True, by="boss")
    assert find("three").redirect is None
    assert find("three").rules == ()


def test_a_redirect_to_its_own_search_is_refused_unless_it_ends_there(films):
    with pytest.raises(InvalidInput, match="verbatim=1"):
        rule("redirect", match="holds", target="alfred hitchcock")
    rule("redirect", target="/search?q=hitchcock&category=Horror")
    assert find().redirect == "/search?q=hitchcock&category=Horror"


def test_a_banner_is_told_with_where_it_leads(films):
    rule("banner", match="every", patterns=(), text="Sale & <b>more</b>", target="/browse")
    banner = find().banner
    assert (banner.text, banner.url) == ("Sale & <b>more</b>", "/browse")
    assert find("").banner is None


def test_browsing_hides_redirects_and_says_something(films):
    before = find("", filters=ItemFilters(country=("France",)))
    browsing = {"match": "browse", "patterns": ()}
    rule("hide", **browsing, items=["Vertigo"], creators=["Jacques Tati"])
    rule("banner", **browsing, text="Closed today")
    rule("redirect", **browsing, target="/browse")
    found = find("", per_page=100)
    assert found.total == 15 - 4 == len(found.hits)
    creators = next(facet for facet in found.facets if facet.key == "creator")
    assert "Jacques Tati" not in {value.value for value in creators.values}
    assert find("", filters=ItemFilters(country=("France",))).total == before.total - 3
    assert (found.banner.text, found.redirect) == ("Closed today", "/browse")
    assert {each.action for each in found.rules} == {"hide", "banner", "redirect"}


def test_a_rule_counts_within_its_dates_and_while_it_is_on(films):
    now, day = timezone.now(), timedelta(days=1)
    row = rule("pin", items=["Mon Oncle"], is_on=False)
    assert (row.state_at(now), titles(find())[0]) == ("off", titles(find("alfred hitchcock"))[0])
    switch_rules(ids=[row.pk], is_on=True, by="boss")
    assert titles(find())[0] == "Mon Oncle"
    for starts, ends, state in [
        (now + day, None, "waiting"), (None, now - day, "over"),
        (now - day, now + day, "running"),
    ]:  # fmt: skip
        Rule.objects.filter(pk=row.pk).update(
            starts_at=starts, ends_at=ends, updated_at=timezone.now()
        )
        assert Rule.objects.get().state_at(now) == state
        assert (titles(find())[0] == "Mon Oncle") is (state == "running")
    row.delete()
    assert titles(find())[0] != "Mon Oncle"


@pytest.fixture
def world(settings, tmp_path):
    settings.RECS_ARTIFACT_DIR = tmp_path / "artifacts"
    return make_world()


def test_rules_have_the_last_word_over_the_live_model(world):
    live = registry.promote(version=learned_version())
    before = find("tale")
    assert before.model_version == live.name
    last = find("tale", page=before.pages).hits[-1].item
    rule("pin", ["tale"], items=[last.external_id])
    found = find("tale")
    assert found.hits[0].item == last
    assert found.hits[0].source == "pinned"
    assert found.model_version == live.name
    assert titles(found)[1:] == titles(before)[: len(found.hits) - 1]


def test_the_log_tells_what_was_pinned(films):
    rule("pin", items=["Mon Oncle"])
    answer = search(SearchRequest(query="hitchcock"))
    logged = Answer.objects.get(pk=answer.query_id)
    assert logged.hits[0]["source"] == "pinned"
    assert logged.total == answer.retrieved.total


def test_the_preview_shows_a_draft_beside_the_list_and_counts_nothing(films):
    row = rule("pin", items=["Mon Oncle"], is_on=False)
    (preview,) = previews(row)
    assert (preview.query, preview.people) == ("hitchcock", 0)
    assert titles(preview.with_it)[0] == "Mon Oncle"
    assert preview.with_it.total == preview.without.total + 1
    assert preview.is_followed
    assert Answer.objects.count() == 0
    assert titles(find())[0] != "Mon Oncle"


LINES = list(range(15))


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    pinned=st.lists(st.sampled_from(LINES), unique=True, max_size=4),
    hidden=st.lists(st.sampled_from(LINES), unique=True, max_size=4),
    buried=st.lists(st.sampled_from(LINES), unique=True, max_size=4),
    position=st.integers(1, 20),
    per_page=st.integers(1, 7),
    category=st.sampled_from(["", "Comedy", "Thriller"]),
    sort=st.sampled_from(["relevance", "newest", "popular"]),
    query=st.sampled_from(["hitchcock", "comedy", ""]),
    looked_at=st.sampled_from([3, 1_000]),
)
def test_counts_facets_and_pages_agree_whatever_the_rules(
    films, pinned, hidden, buried, position, per_page, category, sort, query, looked_at
):
    with pytest.MonkeyPatch.context() as patch:
        # Of a set with more matches only the best are looked at, and the rest is counted.
        patch.setattr(lexical, "MAX_MATCHES", looked_at)
        asked = (per_page, ItemFilters(category=(category,) if category else ()), sort, query)
        _agree(films, (pinned, hidden, buried, position), asked)


def _agree(films, stated, asked):
    pinned, hidden, buried, position = stated
    per_page, filters, sort, query = asked
    category = (*filters.category, "")[0]
    Rule.objects.all().delete()
    ids = {action: [f"f{n}" for n in each] for action, each in
           (("pin", pinned), ("hide", hidden), ("bury", buried))}  # fmt: skip
    for action, items in ids.items():
        if items and (query or action == "hide"):
            match = "every" if query else "browse"
            rule(action, (), match=match, items=items, position=position)
    first = find(query, per_page=per_page, filters=filters, sort=sort)
    pages = [
        find(query, per_page=per_page, page=page + 1, filters=filters, sort=sort)
        for page in range(max(first.pages, 1))
    ]
    shown = [hit.item.external_id for page in pages for hit in page.hits]
    assert {page.total for page in pages} == {len(shown)}
    assert len(set(shown)) == len(shown)
    assert not set(ids["hide"]) & set(shown)
    if query:
        wanted = [each for each in ids["pin"] if each not in ids["hide"]]
        fitting = {
            item.external_id for item in films.values()
            if not category or category in item.categories
        }  # fmt: skip
        assert {each for each in wanted if each in fitting} <= set(shown)
    for facet in first.facets:
        for value in facet.values:
            if facet.key != "category" or value.is_selected:
                chosen = find(query, filters=_with(filters, facet.key, value.value), sort=sort)
                assert chosen.total == value.count


def _with(filters, key, value):
    from catalog.filters import parse_filters

    params = dict(filters.as_params())
    return parse_filters({name: [v] for name, v in {**params, key: value}.items()})
