"""The ban list: from the next request on, everywhere, whatever makes the query."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from catalog.errors import Conflict, InvalidInput
from catalog.types import Viewer
from search.ban_store import ban_phrases, hidden_by, save_ban
from search.bans import Bans, current_bans, read_ban
from search.models import BannedPattern, Query
from search.places_to_start import places_to_start
from search.query_recommendation import recommend
from search.query_store import build_queries, set_review
from search.retrieval import SearchRequest, retrieve
from search.suggest import suggest
from tests.search.films import log_search, visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client):
    client.force_login(User.objects.create_superuser("boss", password="correct horse battery"))
    return client


def suggested(prefix, viewer=None):
    found = suggest(prefix=prefix, viewer=viewer or Viewer(), k=20)
    return {query.text for query in found.queries} | {item.title for item in found.items}


@pytest.mark.parametrize(
    ("lines", "query", "is_banned"),
    [
        (["kill bill"], "kill bill 2", True),
        (["kill bill"], "kill bills", False),
        (["kill bill"], "how to kill bill", True),
        (["kill *"], "kill bill", True),
        (["kill *"], "how to kill", False),
        (["*porn*"], "pornography films", True),
        (["*porn*"], "popcorn films", False),
        (["how to * bomb*"], "how to build a bomb at home", True),
        ([], "anything", False),
    ],
)
def test_phrases_stand_anywhere_and_patterns_fit_the_whole(lines, query, is_banned):
    assert Bans.of(map(read_ban, lines)).holds(query) == is_banned


@pytest.mark.parametrize("line", ["*", "", "  ", "?!", "the", "of the", "\x00", "x" * 301])
def test_what_would_ban_everything_or_nothing_is_refused(line):
    with pytest.raises(InvalidInput):
        read_ban(line)


def test_capitals_accents_and_html_are_brought_into_normal_form():
    assert read_ban("  Crème BRÛLÉE! ") == "creme brulee"
    assert read_ban("<b>Kill**") == "b kill*"


def test_a_ban_counts_from_the_next_request_everywhere_and_is_lifted_again(built):
    assert any("comedy" in text.lower() for text in suggested("com"))
    assert any("comedy" in query.text.lower() for query in places_to_start(k=20))
    ban = save_ban(line="*comedy*", by="ed")
    assert not any("comedy" in text.lower() for text in suggested("com") | suggested("fre"))
    assert not any("comedy" in query.text.lower() for query in places_to_start(k=20))
    hits = retrieve(SearchRequest(query="jacques tati"))
    recommended = recommend(
        query="jacques tati", normalized="jacques tati", top_item_ids=hits.top_item_ids,
        exact_title=False, viewer=Viewer(),
    ).queries  # fmt: skip
    assert not any("comedy" in query.text.lower() for query in recommended)
    ban.delete()
    assert any("comedy" in text.lower() for text in suggested("com"))


def test_a_changed_ban_counts_as_it_is_now(built):
    ban = save_ban(line="comedy", by="ed")
    save_ban(line="thriller", by="bob", pk=ban.pk)
    assert BannedPattern.objects.get().created_by == "ed"
    assert current_bans().holds("french thriller")
    assert not current_bans().holds("french comedy")


def test_a_banned_query_may_be_searched_and_is_suggested_to_nobody_not_even_its_author(built):
    author = visitor("me")
    for name in ("me", "v1", "v2"):
        log_search("playtime tati", viewer=visitor(name), items=[built["Playtime"]])
    build_queries()
    assert "playtime tati" in suggested("playtime t", author)
    save_ban(line="playtime tati", by="ed")
    assert retrieve(SearchRequest(query="playtime tati")).hits
    for viewer in (author, visitor("v1"), visitor("stranger"), Viewer()):
        assert "playtime tati" not in suggested("playtime t", viewer)
        assert "playtime tati" not in suggested("", viewer)
    build_queries()
    assert not Query.objects.filter(normalized="playtime tati").exists()


def test_a_build_makes_nothing_that_is_banned_and_keeps_what_people_decided(films):
    save_ban(line="french *", by="ed")
    build_queries()
    assert not Query.objects.filter(normalized__startswith="french ").exists()
    assert Query.objects.filter(normalized__endswith="french comedy").exists()
    BannedPattern.objects.all().delete()
    build_queries()
    query = Query.objects.get(normalized="french comedy")
    set_review(query_ids=[query.pk], review="approved", by="ann")
    save_ban(line="french *", by="ed")
    build_queries()
    query.refresh_from_db()
    assert (query.review, query.reviewed_by) == ("approved", "ann")
    assert "French comedy" not in suggested("fren")


def test_a_banned_title_is_still_found_by_its_words_and_not_offered(built):
    save_ban(line="monsieur hulot", by="ed")
    save_ban(line="playtime", by="ed")
    build_queries()
    hits = retrieve(SearchRequest(query="monsieur hulot")).hits
    assert {hit.item.title for hit in hits[:3]} == {"Mon Oncle", "Playtime", "Trafic"}
    assert suggested("playt") == set()


def test_the_preview_counts_what_is_stored_and_agrees_with_the_ban(built):
    for line in ("comedy", "french*", "*comedy", "1960s * comedy", "com"):
        found = hidden_by(line)
        bans = Bans.of([read_ban(line)])
        texts = Query.objects.values_list("normalized", flat=True)
        assert found.stored == sum(bans.holds(text) for text in texts), line
        assert len(found.queries) == min(20, found.stored)
    assert hidden_by("comedy").shown > 0


def test_the_same_line_is_banned_once(db):
    save_ban(line="kill bill", by="ed")
    with pytest.raises(Conflict):
        save_ban(line="KILL  bill!", by="bob")
    assert ban_phrases(texts=["kill bill", "kill * bill", "rope"], by="bob") == 1
    assert set(BannedPattern.objects.values_list("pattern", "created_by")) == {
        ("kill bill", "ed"),
        ("rope", "bob"),
    }


def test_an_editor_sees_what_a_line_hides_before_it_counts(boss, built):
    add = reverse("admin:search_bannedpattern_add")
    first = boss.post(add, {"pattern": "*Comedy", "note": "test"})
    page = first.content.decode()
    assert "Not stored yet" in page
    assert "French comedy" in page
    assert not BannedPattern.objects.exists()
    boss.post(add, {"pattern": "*Comedy", "note": "test", "seen": "*comedy"})
    ban = BannedPattern.objects.get()
    assert (ban.pattern, ban.note, ban.created_by) == ("*comedy", "test", "boss")
    change = reverse("admin:search_bannedpattern_change", args=[ban.pk])
    assert "French comedy" in boss.get(change).content.decode()
    boss.post(change, {"pattern": "*comedy", "note": "other", "seen": ""})
    ban.refresh_from_db()
    assert ban.note == "other"
    wrong = boss.post(add, {"pattern": "*", "note": ""}).content.decode()
    assert "fits everything" in wrong


def test_the_list_of_queries_bans_words(boss, built):
    listed = reverse("admin:search_query_changelist")
    one = Query.objects.get(text="French comedy")
    answer = boss.post(listed, {"action": "ban_words", "_selected_action": [one.pk]})
    assert answer["Location"].endswith("?pattern=french+comedy")
    assert "French comedy" in boss.get(answer["Location"]).content.decode()
    two = Query.objects.get(text="Jacques Tati")
    boss.post(listed, {"action": "ban_words", "_selected_action": [one.pk, two.pk]})
    assert set(BannedPattern.objects.values_list("pattern", flat=True)) == {
        "french comedy",
        "jacques tati",
    }
