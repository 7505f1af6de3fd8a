import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.events import record_events
from catalog.filters import ItemFilters
from catalog.items import set_hidden
from catalog.models import Answer, Item, Person
from catalog.types import ItemInput, Viewer
from recs import pipeline, registry
from recs.content import content_vectors, live_versions
from recs.features import history_rows
from recs.history import History, read_history
from recs.home import home_rows
from recs.item_vectors import write_pending
from recs.ml.evidence import unit
from recs.ml.histories import Histories
from recs.ml.served_evidence import Proposals, content_asked, content_cosines
from recs.models import ContentEmbedding, ItemVector
from recs.recommend import RecommendRequest, recommend
from recs.recommenders import user_model
from recs.recommenders.base import Ask
from recs.recommenders.user_model import VectorCache, picking
from recs.user_models import KIND, forget_models, load_model
from tests.recs.conftest import NOON, like, make_items
from tests.recs.served import broken, drawn_version, live_version

LATER = NOON + timedelta(days=60)


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.RECS_ARTIFACT_DIR = tmp_path


@pytest.fixture
def live(world):
    return live_version(name="first")


def person(name="drama-fan-0"):
    return Viewer(person_id=Person.objects.get(external_id=name).pk)


def ask_of(viewer, **changes):
    history = read_history(viewer=viewer)
    given = {"k": 10, "taste": history.taste, "excluded": history.seen}
    return picking(history), Ask(**(given | changes))


def titles(hits):
    rows = dict(Item.objects.values_list("pk", "title"))
    return [rows[hit.item_id] for hit in hits]


def test_the_home_surface_is_answered_by_the_live_version(live, world):
    answer = recommend(RecommendRequest(surface="home", viewer=person(), k=5))
    assert {hit.source for hit in answer.hits} == {"user_model"}
    assert (answer.model_version, answer.fallback) == ("first", "")
    assert all(title.startswith("Drama") for title in titles(answer.hits)[:4])
    assert answer.hits[0].reason.startswith("Because you liked ")
    logged = Answer.objects.get(pk=answer.query_id)
    assert (logged.model_version, logged.fallback) == ("first", "")


def test_the_home_page_begins_with_what_it_picks_and_says_so(live, world):
    rows = home_rows(person())
    assert rows[0].title == "Picked for you"
    assert rows[0].model_version == "first"
    assert {row.model_version for row in rows[1:]} == {""}
    logged = Answer.objects.in_bulk([row.query_id for row in rows])
    assert logged[rows[0].query_id].model_version == "first"
    assert not {hit.item_id for hit in rows[0].hits} & read_history(viewer=person()).seen


@pytest.mark.django_db(transaction=True)
def test_a_click_changes_the_next_page_though_no_task_ran(request):
    request.getfixturevalue("world")
    live_version()
    viewer = person()
    before = [hit.item_id for hit in home_rows(viewer)[0].hits]
    clicked = before[0]
    others = [f"western-{n}" for n in range(3)]
    record_events(
        events=[
            like("drama-fan-0", name, kind="click", time=LATER + timedelta(minutes=n))
            for n, name in enumerate([Item.objects.get(pk=clicked).external_id, *others])
        ]
    )
    after = [hit.item_id for hit in home_rows(viewer)[0].hits]
    assert clicked not in after
    assert after != before
    westerns = Item.objects.filter(pk__in=after, categories__contains=["Western"])
    assert (
        westerns.count()
        > Item.objects.filter(pk__in=before, categories__contains=["Western"]).count()
    )


def test_the_reason_names_what_the_viewer_chose_that_is_most_like_it(live, world):
    picked, ask = ask_of(person())
    model = load_model(live)
    for candidate in picked.source(ask):
        rows = model.vocabulary.rows([str(item.item_id) for item in ask.taste])
        table = model.vectors(rows)
        own = model.vectors(model.vocabulary.rows([str(candidate.item_id)]))[0]
        lengths = np.linalg.norm(table, axis=1) * np.linalg.norm(own)
        best = int(np.argmax(table @ own / lengths))
        assert candidate.because == ask.taste[best]


def test_a_hidden_reason_is_no_reason_and_hidden_items_never_come(live, world):
    picked, ask = ask_of(person())
    first = picked.source(ask)
    names = Item.objects.filter(pk__in=[c.item_id for c in first[:3]])
    set_hidden(external_ids=list(names.values_list("external_id", flat=True)), hidden=True)
    again = {candidate.item_id for candidate in picked.source(ask)}
    assert not again & {candidate.item_id for candidate in first[:3]}
    assert len(again) == 10


def test_filters_and_exclusions_hold_for_both_ways_to_an_item(live, world):
    picked, ask = ask_of(person(), k=50, filters=ItemFilters(category=("Western",)))
    found = picked.source(ask)
    westerns = set(
        Item.objects.filter(categories__contains=["Western"]).values_list("pk", flat=True)
    )
    assert {candidate.item_id for candidate in found} == westerns
    picked, ask = ask_of(person(), k=50, excluded=frozenset(world.values()) - westerns)
    assert {candidate.item_id for candidate in picked.source(ask)} == westerns


def test_what_is_answered_is_the_order_of_the_version_over_everything(live, world):
    """The index, neighbours and SQL together against multiplying all by hand."""
    picked, ask = ask_of(person(), k=100)
    model = load_model(live)
    history = picked.source.history
    user = model.users(history)[0]
    rows = np.setdiff1d(np.arange(1, len(world) + 1), history.items)
    keys = [int(key) for key in model.vocabulary.ids(np.arange(1, len(world) + 1))]
    table = np.concatenate(
        [np.zeros((1, 384)), content_vectors(keys, versions=live_versions())["text"]]
    ).astype(np.float32)
    table = unit(table)
    asked = content_asked(table[history.items[-10:]])
    proposals = Proposals(
        rows=rows,
        scores=model.vectors(rows) @ user,
        content={"text": content_cosines(table[rows] @ asked.T)},
    )
    expected = model.scores(history, user, proposals)
    ids, scores = picked.source.ranked(ask)
    by_row = dict(zip(model.vocabulary.ids(rows), expected.tolist(), strict=True))
    assert set(ids) == {int(key) for key in by_row}
    np.testing.assert_allclose(scores, [by_row[str(key)] for key in ids], atol=2e-2)
    assert np.corrcoef(scores, [by_row[str(key)] for key in ids])[0, 1] > 0.9999


def test_a_vector_is_never_that_of_another_history(live, world):
    cache = VectorCache(most=4)
    model = load_model(live)
    people = [person(f"{group}-fan-{n}") for group in ("drama", "comedy") for n in range(4)]
    histories = [history_rows(read_history(viewer=one), model.vocabulary) for one in people]
    expected = [model.users(history)[0] for history in histories]
    assert len({vector.tobytes() for vector in expected}) == len(people)
    for _ in range(2):  # the second time around some come from the cache, others were pushed out
        for history, vector in zip(histories, expected, strict=True):
            np.testing.assert_array_equal(cache.vector(live, model, history), vector)
    assert len(cache._kept) == 4


def test_the_vector_follows_kind_and_time_and_the_version(live, world):
    model = load_model(live)
    other = drawn_version(name="second", seed=5)
    given = history_rows(read_history(viewer=person()), model.vocabulary)
    changed = Histories(
        people=("",), offsets=given.offsets, items=given.items,
        kinds=(given.kinds + 1).astype(np.int8), days=given.days,
    )  # fmt: skip
    later = Histories(
        people=("",), offsets=given.offsets, items=given.items, kinds=given.kinds,
        days=given.days * np.linspace(1.0, 1.1, len(given.days)),
    )  # fmt: skip
    cache = VectorCache()
    found = [cache.vector(live, model, one) for one in (given, changed, later)]
    found.append(cache.vector(other, load_model(other), given))
    assert len({vector.tobytes() for vector in found}) == 4


@pytest.mark.parametrize(
    ("prepare", "fallback"),
    [
        (lambda: None, "no_live_version"),
        (lambda: broken(live_version()), "unusable_version"),
        (lambda: live_version(layout=99, is_ready=False), "unusable_version"),
    ],
    ids=["none", "tampered", "of another release"],
)
def test_without_a_usable_version_the_other_sources_answer_and_the_answer_says_so(
    world, prepare, fallback
):
    prepare()
    forget_models()  # another process would read it anew
    answer = recommend(RecommendRequest(surface="home", viewer=person(), k=5))
    assert (answer.model_version, answer.fallback) == ("", fallback)
    assert answer.hits[0].source == "also_liked"
    assert Answer.objects.get(pk=answer.query_id).fallback == fallback
    assert home_rows(person())[0].title.startswith("Because you liked")


def test_who_did_nothing_or_only_what_the_version_does_not_know_is_told(live, world):
    nobody = recommend(RecommendRequest(surface="home", viewer=Viewer()))
    assert (nobody.model_version, nobody.fallback) == ("", "no_history")
    assert {hit.source for hit in nobody.hits} == {"popular", "new"}
    make_items([ItemInput(external_id="late", title="Late")])
    record_events(events=[like("new", "late", time=LATER)])
    answer = recommend(RecommendRequest(surface="home", viewer=person("new")))
    assert (answer.model_version, answer.fallback) == ("", "unknown_items")
    assert answer.hits


def test_other_surfaces_do_not_ask_it(live, world):
    for request in (
        RecommendRequest(surface="item", item_id=world["drama-0"]),
        RecommendRequest(surface="session", session_item_ids=(world["drama-0"],)),
    ):
        answer = recommend(request)
        assert (answer.model_version, answer.fallback) == ("", "no_live_version")
        assert "user_model" not in {hit.source for hit in answer.hits}


def test_codes_of_another_version_are_refused(world):
    codes = registry.create_version(
        kind="semantic_ids", as_of=datetime(2025, 1, 1, tzinfo=UTC), config={}, name="codes-1"
    )
    version = live_version(semantic_version=codes)
    load_model(version)
    other = registry.create_version(
        kind="semantic_ids", as_of=datetime(2025, 1, 1, tzinfo=UTC), config={}, name="codes-2"
    )
    type(version).objects.filter(pk=version.pk).update(semantic_version=other)
    forget_models()
    answer = recommend(RecommendRequest(surface="home", viewer=person()))
    assert answer.fallback == "unusable_version"


def test_rolling_back_changes_the_next_answer(live, world):
    live_version(name="second", seed=9)
    assert recommend(RecommendRequest(surface="home", viewer=person())).model_version == "second"
    registry.roll_back(kind=KIND)
    assert recommend(RecommendRequest(surface="home", viewer=person())).model_version == "first"


def test_an_item_that_came_later_is_picked_without_retraining(live, world, monkeypatch):
    ids = make_items(
        [
            ItemInput(
                external_id="fresh", title="Drama anew", category_paths=["Drama"], year=1995,
                creators=["Maker Drama 1"],
            )
        ]
    )  # fmt: skip
    near = ContentEmbedding.objects.get(item_id=world["drama-0"])
    ContentEmbedding.objects.create(
        item_id=ids["fresh"], version=near.version, input_hash="new", vector=near.vector
    )
    assert write_pending() == 1
    assert write_pending() == 0
    picked, ask = ask_of(person(), k=20)
    found = {candidate.item_id: candidate for candidate in picked.source(ask)}
    assert ids["fresh"] in found
    assert found[ids["fresh"]].because is not None
    home = [hit.item_id for row in home_rows(person()) for hit in row.hits]
    assert ids["fresh"] in home


def test_an_item_posted_to_the_api_is_placed_by_the_task_that_encodes_it(live, world):
    ids = make_items(
        [ItemInput(external_id="posted", title="Posted", description="A drama of the sea.")]
    )
    pipeline.encode_items()
    assert ItemVector.objects.filter(version=live, item_id=ids["posted"]).exists()
    picked, ask = ask_of(person(), k=60)
    assert ids["posted"] in {candidate.item_id for candidate in picked.source(ask)}


def test_a_changed_item_gets_another_vector_and_others_keep_theirs(live, world):
    before = dict(ItemVector.objects.filter(version=live).values_list("item_id", "input_hash"))
    assert len(before) == len(world)
    embedding = ContentEmbedding.objects.get(item_id=world["comedy-3"])
    embedding.input_hash = "another"
    embedding.vector = ContentEmbedding.objects.get(item_id=world["western-3"]).vector
    embedding.save()
    assert write_pending() == 1
    after = dict(ItemVector.objects.filter(version=live).values_list("item_id", "input_hash"))
    assert {item for item in after if after[item] != before[item]} == {world["comedy-3"]}


def test_a_version_that_cannot_be_used_gets_no_vectors_and_stops_nobody(world, caplog):
    broken(live_version())
    forget_models()
    with caplog.at_level(logging.WARNING):
        assert write_pending() == 0
    assert "no vectors were written" in caplog.text


def test_few_queries_however_many_items(world, django_assert_max_num_queries):
    with CaptureQueriesContext(connection) as without:
        home_rows(person())
    live_version()
    for k in (3, 12):
        request = RecommendRequest(surface="home", viewer=person(), k=k)
        recommend(request)
        with django_assert_max_num_queries(20):
            recommend(request)
    with django_assert_max_num_queries(len(without) + 16):
        home_rows(person())


SERVE = """
import json, sys
import config.wsgi
from django.conf import settings
from django.test import Client
settings.ALLOWED_HOSTS = ["*"]
client = Client()
answer = client.get("/api/v1/recommend", {"user_id": "drama-fan-0", "k": 5}).json()
page = client.get("/")
from catalog.models import Person
from catalog.types import Viewer
from recs.home import home_rows
rows = home_rows(Viewer(person_id=Person.objects.get(external_id="drama-fan-0").pk))
print(json.dumps({
    "answer": answer, "page": page.status_code, "rows": [row.title for row in rows],
    "torch": [n for n in sys.modules if n.split(".")[0] in ("torch", "sentence_transformers")],
}))
"""


@pytest.mark.django_db(transaction=True)
def test_a_web_process_answers_from_the_version_without_torch(request, settings):
    request.getfixturevalue("world")
    live_version(name="first")
    address = urlsplit(os.environ["DATABASE_URL"])
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": address._replace(path=f"/{connection.settings_dict['NAME']}").geturl(),
        "RECS_ARTIFACT_DIR": str(settings.RECS_ARTIFACT_DIR),
    }
    done = subprocess.run(
        [sys.executable, "-c", SERVE], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["torch"] == []
    assert told["answer"]["model_version"] == "first"
    assert {hit["source"] for hit in told["answer"]["hits"]} == {"user_model"}
    assert told["page"] == 200
    assert told["rows"][0] == "Picked for you"


def test_nobody_has_no_source():
    assert picking(History()).fallback == "no_history"
    assert user_model.SOURCE == "user_model"
