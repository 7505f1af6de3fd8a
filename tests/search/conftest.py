"""A small part of the real films, with real vectors, for the tests of search."""

from collections import defaultdict

import pytest
from django.db import connection, transaction
from django.test import override_settings

from catalog.items import upsert_items
from catalog.models import Item
from catalog.profiles import forget_profile, save_profile
from recs.embeddings import encode_pending
from recs.learning import learn
from recs.models import ItemPopularity, ModelVersion, NeighbourVersion
from search.query_store import build_queries
from search.spelling import build_terms
from tests.search.films import load_films
from tests.search.match_world import grade_shop, like_and_grade, make_shop

DIRECTORS = (
    "Alfred Hitchcock", "Francis Ford Coppola", "Stanley Kubrick", "George Lucas", "Jacques Tati",
    "Michelangelo Antonioni", "Jean-Pierre Jeunet", "John Lasseter",
)  # fmt: skip
OTHERS = 60


def _is_wanted(row):
    text = f"{row['directors']} {row['title']}"
    if any(name in text for name in (*DIRECTORS, "Godfather", "Space", "Robot", "Toy Story")):
        return True
    return (
        "France" in (row["countries"] or "")
        and "Comedy" in (row["genres"] or "")
        and 1960 <= row["year"] < 1970
    )


@pytest.fixture(scope="module")
def film_world(django_db_setup, django_db_blocker):
    """Some 250 films, encoded; gone again after the module's tests."""
    films = pytest.importorskip("catalog.importers.films")
    pytest.importorskip("bokeh_sampledata")
    rows = films.read_film_rows()
    wanted = [row for row in rows if _is_wanted(row)]
    others = [row for row in rows if not _is_wanted(row)][::200][:OTHERS]
    items = [films.film_item(row, defaultdict(float)) for row in wanted + others]
    with django_db_blocker.unblock(), transaction.atomic():
        with connection.cursor() as cursor:
            # An index cannot be made while checks of foreign keys wait for the end.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        upsert_items(items=items)
        save_profile(item_noun="film", item_noun_plural="films", range_facet="year")
        encode_pending()
        build_terms()
        _make_popular(["Psycho", "The Godfather", "Playtime", "Toy Story"])
        yield Item.objects
        transaction.set_rollback(True)
    forget_profile()


def _make_popular(titles):
    version = NeighbourVersion.objects.create(as_of="2020-01-01T00:00Z", is_live=True)
    ItemPopularity.objects.bulk_create(
        ItemPopularity(version=version, item=item, wanted=50, people=50, trending=1.0)
        for item in Item.objects.filter(title__in=titles)
    )


@pytest.fixture
def films(db):
    """Fifteen films, by title, without vectors: for the tests of query recommendations."""
    return load_films()


@pytest.fixture
def built(films):
    """The same, with their store of queries."""
    build_queries()
    return films


@pytest.fixture(scope="module")
def match_shop(django_db_setup, django_db_blocker):
    """Things with their vectors; gone again after the module's tests."""
    with django_db_blocker.unblock(), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        yield make_shop()
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def match_learned(match_shop, django_db_blocker, tmp_path_factory):
    """Grades of the shop, and the version that was learned of them, in a folder that stays."""
    folder = tmp_path_factory.mktemp("models")
    with django_db_blocker.unblock(), transaction.atomic():
        grade_shop(match_shop)
        like_and_grade(match_shop)
        with override_settings(RECS_ARTIFACT_DIR=folder):
            run = learn(kind="match_filter")
        yield folder, run.version_id
        transaction.set_rollback(True)


@pytest.fixture
def graded_shop(match_shop, match_learned):
    return match_shop


@pytest.fixture
def live_filter(match_learned, own_artifacts, settings):
    settings.RECS_ARTIFACT_DIR, key = match_learned
    version = ModelVersion.objects.get(pk=key)
    assert version.state == "live", (version.gate, version.metrics)
    return version
