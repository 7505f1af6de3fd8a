"""The user model that the ranker reads: frozen, as of its moment, silent about strangers."""

from dataclasses import replace

import numpy as np
import pytest

from recs.ml.item_content import ItemContent
from recs.ml.unified.feature_reader import FeatureReader
from recs.ml.unified.features import NAMES_OF_ALL
from recs.ml.unified.joint_systems import SystemConfig, fit_system
from recs.ml.unified.person_model import with_person_model
from recs.ml.unified.ranker import candidates_of
from recs.ml.unified.retriever import fit_retriever
from recs.ml.unified.served_files import read, saved
from recs.ml.unified.serving_parts import served_of
from recs.ml.unified.surfaces import HOME
from tests.recs.ml.unified.joint_world import prepared_films
from tests.recs.ml.unified.small import CPU, PERSON, RANKER, UNIFIED, later

COLUMNS = [NAMES_OF_ALL.index(name) for name in ("user_model", "user_model_best")]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return prepared_films(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def prepared(plain):
    config = replace(PERSON, steps=1500, epochs=(60, 100), embedding_size=32)
    return with_person_model(plain, config, options=CPU)


@pytest.fixture(scope="module")
def reader(prepared):
    return FeatureReader(prepared, fit_retriever(prepared, UNIFIED, None, CPU)[0])


@pytest.fixture(scope="module")
def homes(plain):
    return later(plain, 60).of_task(HOME).requests.select(np.arange(12))


def test_it_is_a_chance_over_all_items_and_nothing_for_strangers(reader, homes):
    every = np.tile(np.arange(1, reader.prepared.item_count + 1), (len(homes), 1))
    chances = np.exp(10 * reader.read(homes, every)[..., COLUMNS[0]].astype(np.float64))
    assert chances.sum(axis=1) == pytest.approx(1.0, abs=1e-3)
    best = reader.read(homes, every)[..., COLUMNS[1]]
    assert best.max(axis=1) == pytest.approx(0.0, abs=1e-6)
    assert not reader.read(homes.signed_out(), every)[..., COLUMNS].any()


def test_without_one_both_features_are_zero(plain, reader, homes):
    candidates = candidates_of(reader, homes, 9)
    without = replace(reader, prepared=plain).read(homes, candidates)
    with_it = reader.read(homes, candidates)
    assert not without[..., COLUMNS].any()
    assert with_it[..., COLUMNS].any()
    others = np.delete(np.arange(len(NAMES_OF_ALL)), COLUMNS)
    assert (without[..., others] == with_it[..., others]).all()


def test_it_likes_what_its_person_likes(reader, homes):
    """Films of four genres, every person of one: its best items are of that genre."""
    every = np.tile(np.arange(1, reader.prepared.item_count + 1), (len(homes), 1))
    best = reader.read(homes, every)[..., COLUMNS[0]].argsort(axis=1)[:, -5:] + 1
    films = np.array([0, *map(int, reader.prepared.data.vocabulary.item_ids)])
    people = [int(reader.prepared.data.log.wanted.people[p]) for p in homes.persons]
    right = [
        (films[rows] % 4 == person % 4).mean() for rows, person in zip(best, people, strict=True)
    ]
    assert np.mean(right) > 0.6


def test_stale_vectors_know_nothing_of_the_newest_days(prepared, reader, homes):
    """As if the vectors were made so many days before; the rest of the features stays fresh."""
    candidates = candidates_of(reader, homes, 9)
    days = 25.0
    fresh, stale = (
        reader.read(homes, candidates),
        replace(reader, stale_days=days).read(homes, candidates),
    )
    others = np.delete(np.arange(len(NAMES_OF_ALL)), COLUMNS)
    assert (fresh[..., others] == stale[..., others]).all()
    assert (fresh[..., COLUMNS] != stale[..., COLUMNS]).any()
    # A request of that day earlier had the very same vectors.
    earlier = replace(homes, days=homes.days - days)
    then = reader.read(earlier, candidates)
    assert np.abs(then[..., COLUMNS] - stale[..., COLUMNS]).max() < 1e-5


def test_nobody_with_two_events_leaves_it_out(plain):
    alone = plain.data.log.wanted
    first = np.unique(alone.owners, return_index=True)[1]
    kept = np.zeros(len(alone.items), np.bool_)
    kept[first] = True
    few = replace(
        plain, data=replace(plain.data, log=replace(plain.data.log, wanted=alone.only(kept)))
    )
    assert with_person_model(few, PERSON, options=CPU).person is None


@pytest.fixture(scope="module")
def served(prepared):
    learned = fit_system(
        (prepared, prepared), later(prepared, 30),
        SystemConfig(unified=UNIFIED, ranker=RANKER), CPU,
    )  # fmt: skip
    return served_of(learned, {"text": 7})


def test_a_new_item_is_seen_by_its_text(prepared, served):
    """What the network says of an item without events is what it says of its text alone."""
    assert prepared.person is not None
    rows = np.arange(1, 31)
    bare = prepared.person.forgetting(
        np.arange(prepared.item_count + 1) > 0, ItemContent.of_text(prepared.texts.items)
    )
    found = served.person_side(prepared.texts.items[rows])
    assert np.abs(found - bare.items[rows]).max() < 1e-4


def test_a_version_without_one_is_saved_and_read(served):
    model = replace(
        served, person=None,
        facts=replace(
            served.facts,
            items=replace(
                served.facts.items, person=np.zeros((len(served.vocabulary) + 1, 0), np.float32)
            ),
        ),
    )  # fmt: skip
    again = read(*saved(model), model.vocabulary)
    assert again.person is None
    assert again.person_side(np.zeros((3, 48), np.float32)).shape == (3, 0)
