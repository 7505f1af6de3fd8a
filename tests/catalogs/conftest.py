"""Three catalogs in one database: the main one, films and store, each with words of its own."""

from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from catalog import directory, scope
from catalog.collections import upsert_collection
from catalog.events import record_events
from catalog.items import upsert_items
from catalog.keys import issue_key
from catalog.labels import set_label
from catalog.models import Answer, Catalog, Item, Job, JudgingPair, Profile
from catalog.profiles import save_profile
from catalog.schemas import drop_schema
from catalog.types import EventInput, ItemInput
from recs.pipeline import first_models
from search.ban_store import save_ban
from search.models import Rule
from search.pipeline import first_queries
from search.synonym_sets import SynonymSet
from search.synonym_store import review_synonyms, state
from workers.new_catalog import make_catalog


@dataclass(frozen=True)
class World:
    """A catalog, and a word that stands in everything it holds and nowhere else."""

    name: str
    host: str
    word: str

    def client(self, **headers):
        return Client(HTTP_HOST=self.host, headers=headers)


WORLDS = (
    World(scope.MAIN, "testserver", "Mainlandia"),
    World("films", "films.localhost", "Zephyrfilm"),
    World("store", "store.localhost", "Quartzmug"),
)
PASSWORD = "correct-horse-7"


@pytest.fixture(scope="package")
def artifact_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(autouse=True)
def own_artifacts(settings, artifact_folder):
    """Films and store keep what they trained for all tests of the package."""
    settings.RECS_ARTIFACT_DIR = artifact_folder


@pytest.fixture(scope="package")
def schemas(django_db_setup, django_db_blocker, artifact_folder):
    """Films and store, made by what makes them, and filled; gone again after the package."""
    with django_db_blocker.unblock(), override_settings(RECS_ARTIFACT_DIR=artifact_folder):
        keeper = User.objects.create_superuser("keeper", password=PASSWORD)
        for world in WORLDS[1:]:
            directory.register(name=world.name, hosts=[world.host])
            make_catalog(name=world.name)
            with scope.use(world.name):
                fill(world)
        # Tests roll nothing of this back: what lies in the main catalog is taken away again.
        for rows in (Catalog.objects, Job.objects, Profile.objects):
            rows.all().delete()
        keeper.delete()
    yield
    with django_db_blocker.unblock():
        for world in WORLDS[1:]:
            with scope.use(world.name):
                # Its pool, or the test database could not be dropped.
                connection.close_pool()
            drop_schema(world.name)
        connection.close()


@pytest.fixture
def directory_of_three(transactional_db, schemas):
    """The main catalog knows the other two."""
    for world in WORLDS[1:]:
        Catalog.objects.create(name=world.name, hosts=[world.host], state=Catalog.State.READY)
    directory.forget()


@pytest.fixture
def worlds(directory_of_three):
    """All three, filled with the same ids and other words; the main one is emptied after a test."""
    fill(WORLDS[0])
    for world in WORLDS[1:]:
        with scope.use(world.name):
            # What another test typed there.
            Answer.objects.all().delete()
    return {world.name: world for world in WORLDS}


def fill(world):
    """Items, a collection, a person's history, a label, a rule, a synonym, a ban and accounts."""
    word = world.word
    save_profile(
        name=f"{word} shop", tagline=f"All of {word}.", facet_attributes=["maker"],
        fact_attributes=["maker"], range_facet="year",
    )  # fmt: skip
    upsert_items(
        items=[
            ItemInput(
                external_id=str(n),
                title=f"{word} number {n}",
                description=f"What {word} is good for, in the lighthouse.",
                category_paths=[f"{word} category"],
                creators=[f"{word} creator"],
                attributes={"maker": f"{word} maker"},
                year=2000 + n,
            )
            for n in range(12)
        ]
    )
    upsert_collection(external_id="c", title=f"{word} collection", item_ids=["1", "2", "3"])
    now = timezone.now()
    record_events(
        events=[
            EventInput(kind="play", item_id=str(n), user_id="the-same-person", time=now)
            for n in range(6)
        ]
    )
    set_label(
        kind="relevance", query=f"{word} label", item_id=Item.objects.get(external_id="1").pk,
        grade=2, source="human", labeller=f"{word}-labeller", note=f"{word} note",
    )  # fmt: skip
    JudgingPair.objects.create(
        kind="relevance", query=f"{word} pair", item=Item.objects.get(external_id="2"),
        reason="rest",
    )  # fmt: skip
    Rule.objects.create(
        name=f"{word} rule", action=Rule.Action.BANNER, match=Rule.Match.IS, is_on=True,
        patterns=["lighthouse"], text=f"{word} banner",
    )  # fmt: skip
    synonym = state(stated=SynonymSet.read(["beacon"], [word.lower()]), by="editor")
    review_synonyms(ids=[synonym.pk], review="approved", by="editor")
    save_ban(line=f"{word} forbidden", by="editor")
    first_models()
    first_queries()
    User.objects.create_superuser("editor", password=PASSWORD)


@pytest.fixture
def keys(worlds):
    """A key of each catalog that may do everything."""
    found = {}
    for name in worlds:
        with scope.use(name):
            _, found[name] = issue_key(name="test", scopes=["admin"], rate_per_minute=100_000)
    return found
