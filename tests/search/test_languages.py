"""Languages kept apart: what is written in what, and who is offered it."""

import pytest
from django.urls import reverse

from catalog.types import Viewer
from search.languages import accepted_languages, go_together, is_accepted, language_of
from search.models import Query
from search.places_to_start import places_to_start
from search.query_recommendation import recommend
from search.query_store import build_queries
from search.suggest import suggest
from tests.search.films import log_search, visitor


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("funny movies about dogs", "en"),
        ("films with robots", "en"),
        ("films sur la guerre", "fr"),
        ("les meilleures comédies", "fr"),
        ("filme über den krieg", "de"),
        ("las mejores películas de amor", "es"),
        ("i migliori film con totò", "it"),
        ("filmes sobre a guerra dos mundos", "pt"),
        ("films over het leven", "nl"),
        ("najlepsze filmy dla dzieci", "pl"),
        ("çocuklar için filmler", "tr"),
        ("комедии про войну", "Cyrl"),
        ("кино film", ""),
        ("ταινίες", "Grek"),
        ("סרטים", "Hebr"),
        ("أفلام", "Arab"),
        ("日本の映画", "Jpan"),
        ("电影", "Hani"),
        ("한국 영화", "Kore"),
        ("हिन्दी फिल्में", "Deva"),
        # Nothing tells: names, single words, titles that cross borders.
        ("blade runner", "Latn"),
        ("kurosawa", "Latn"),
        ("french noir", "Latn"),
        ("las vegas", "Latn"),
        ("die hard", "Latn"),
        ("sin city", "Latn"),
        ("2001", ""),
        ("?!", ""),
        ("", ""),
        ("🎬", ""),
        ("<b>", "Latn"),
        ("a" * 2000, "Latn"),
    ],
)
def test_what_a_text_is_written_in(text, language):
    assert language_of(text) == language


def test_unknown_goes_with_everything_in_its_script():
    assert go_together("", "Cyrl")
    assert go_together("en", "")
    assert go_together("Latn", "fr")
    assert not go_together("en", "fr")
    assert not go_together("Latn", "Cyrl")
    assert go_together("Hani", "Jpan")
    assert not go_together("Hani", "Kore")


@pytest.mark.parametrize(
    ("header", "languages"),
    [
        ("fr-CH, fr;q=0.9, en;q=0.8", ("fr", "en")),
        ("de;q=0, en", ("en",)),
        ("en, *;q=0.5", ()),
        ("", ()),
        (";;;,,,=", ()),
        ("x" * 5000, ()),
        ("en;q=nonsense", ()),
    ],
)
def test_accept_language_is_read_and_nonsense_is_nothing(header, languages):
    assert accepted_languages(header) == languages


def test_what_a_browser_accepts():
    assert is_accepted("fr", ("fr", "en"))
    assert not is_accepted("de", ("fr", "en"))
    assert is_accepted("Cyrl", ("ru",))
    assert not is_accepted("Cyrl", ("fr",))
    for language, accepted in (("Latn", ("ru",)), ("", ("fr",)), ("de", ())):
        assert is_accepted(language, accepted)


@pytest.fixture
def spoken(films):
    """Queries of four languages for the same film, typed by several people."""
    for text in (
        "hulot films with trains",
        "hulot films sur les trains",
        "комедии юло",
        "hulot trains",
    ):
        for n in range(3):
            log_search(text, viewer=visitor(f"v{n}"), items=[films["Playtime"]])
    build_queries()
    return films  # fmt: skip


def suggested(prefix, languages=()):
    found = suggest(prefix=prefix, viewer=Viewer(), k=20, languages=languages)
    return {query.text for query in found.queries}


@pytest.mark.django_db
def test_names_and_titles_belong_to_no_language(spoken):
    languages = dict(Query.objects.values_list("text", "language"))
    assert languages["Zazie dans le Métro"] == languages["Jacques Tati"] == ""
    assert languages["hulot films with trains"] == "en"
    assert languages["hulot films sur les trains"] == "fr"
    assert languages["комедии юло"] == "Cyrl"
    assert languages["hulot trains"] == "Latn"


@pytest.mark.django_db
def test_what_is_typed_decides_and_then_the_browser(spoken):
    english, french = "hulot films with trains", "hulot films sur les trains"
    assert {english, french, "hulot trains"} <= suggested("hulot")
    assert suggested("hulot", ("fr",)) & {english, french} == {french}
    assert suggested("hulot", ("ru", "en")) & {english, french} == {english}
    assert suggested("hulot films with", ("fr",)) & {english, french} == {english}
    assert "hulot trains" in suggested("hulot", ("ru",))


@pytest.mark.django_db
def test_pills_speak_the_language_of_the_search(spoken):
    def pills(query):
        found = recommend(
            query=query, normalized=query, top_item_ids=[spoken["Playtime"].pk],
            exact_title=False, viewer=Viewer(),
        )  # fmt: skip
        return {each.text for each in found.queries}

    assert "hulot films sur les trains" not in pills("films about hulot")
    assert "hulot films with trains" not in pills("les films de hulot")


@pytest.mark.django_db
def test_places_to_start_are_never_empty_for_a_strange_language(spoken):
    assert places_to_start(k=8, languages=("tlh",))
    assert "комедии юло" not in {each.text for each in places_to_start(k=50, languages=("en",))}


@pytest.mark.django_db
def test_the_page_and_the_api_read_the_header(client, spoken):
    for name, path in (("page", reverse("pages:suggest")), ("api", "/api/v1/suggest")):
        answer = client.get(path, {"q": "hulot"}, headers={"Accept-Language": "fr"})
        told = answer.content.decode()
        assert "sur les trains" in told, name
        assert "with trains" not in told, name
