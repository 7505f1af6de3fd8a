"""What is saved answers as what was learned: no skew between offline and online."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from recs.ml.artifacts import Artifact, load_artifact, save_artifact
from recs.ml.unified.features import ASKED, LONGEST, NAMES_OF_ALL, Candidates
from recs.ml.unified.impute import FILLED
from recs.ml.unified.joint_systems import SystemConfig, fit_system
from recs.ml.unified.made_searches import with_made_searches
from recs.ml.unified.person_model import with_person_model
from recs.ml.unified.prepared import PreparedConfig, prepare
from recs.ml.unified.served import LiveRequest, NewItems
from recs.ml.unified.served_files import read, saved
from recs.ml.unified.serving_parts import served_of
from recs.ml.unified.surfaces import NOBODY, SIMILAR, newest_then
from tests.recs.ml.unified.joint_world import FIRST_DAY, prepared_films
from tests.recs.ml.unified.small import CPU, PERSON, RANKER, UNIFIED, later


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    early = prepared_films(tmp_path_factory.mktemp("films"))
    late = prepare(early.data, early.texts, early.until + 30, PreparedConfig())
    early, late = (with_person_model(one, PERSON, options=CPU) for one in (early, late))
    config = SystemConfig(unified=UNIFIED, ranker=RANKER)
    return fit_system((early, late), later(early, 30), config, CPU)


@pytest.fixture(scope="module")
def served(learned, tmp_path_factory):
    """Written to a folder and read again."""
    model = served_of(learned, {"text": 7})
    config, tensors = saved(model)
    place = tmp_path_factory.mktemp("versions") / "one"
    artifact = Artifact(
        config=config, tensors=tensors, vocabulary=model.vocabulary,
        metrics={}, card="# one", provenance={},
    )  # fmt: skip
    save_artifact(place, artifact)
    artifact = load_artifact(place)
    return read(artifact.config, artifact.tensors, artifact.vocabulary)


def live(learned, requests, row):
    """One request of a log as it comes in over the wire."""
    reader = learned.ranker.reader
    prepared, log = reader.prepared, reader.retriever.reader.log
    rows = prepared.texts.rows
    one = requests.select(np.array([row]))
    known = newest_then(log.wanted, one.persons, one.days, LONGEST)
    asked = newest_then(log.asked, one.persons, one.days, ASKED)
    chosen = newest_then(log.chosen, one.persons, one.days, ASKED)
    words, source = int(one.words[0]), int(one.sources[0])
    title = prepared.texts.first_title + source
    return LiveRequest(
        task=int(one.tasks[0]),
        day=float(one.days[0]),
        text=rows[words],
        text_vector=prepared.texts.words[words],
        source=source,
        title=rows[title] if source else "",
        title_vector=prepared.texts.words[title] if source else None,
        history=known,
        searches=[(rows[w], int(i)) for w, i in zip(asked.items, chosen.items, strict=True)],
        search_vectors=prepared.texts.words[asked.items],
        is_person=int(one.persons[0]) != NOBODY,
    )


@pytest.mark.parametrize("imputes", [(), FILLED])
@pytest.mark.parametrize("out", [False, True])
def test_a_live_request_has_the_features_of_training(learned, served, out, imputes):
    towers = learned.retriever
    towers = replace(towers, reader=replace(towers.reader, imputes=imputes))
    reader = replace(learned.ranker.reader, retriever=towers)
    served = replace(served, imputes=imputes)
    requests = later(reader.prepared, 60).requests
    requests = requests.signed_out() if out else requests
    some = np.concatenate([np.flatnonzero(requests.tasks == task)[:8] for task in range(3)])
    candidates = np.tile(np.arange(1, 31), (len(some), 1))
    expected = reader.read(requests.select(some), candidates)
    for place, row in enumerate(some.tolist()):
        question = served.question(live(learned, requests, row))
        rows = candidates[[place]]
        shown = Candidates(rows=rows, side=served.facts.items.take(rows))
        logits, features = served.logits(question, shown)
        for name, ours, theirs in zip(NAMES_OF_ALL, features.T, expected[place].T, strict=True):
            # Text vectors are kept as halves.
            assert np.abs(ours - theirs).max() < 2e-3, name
        assert np.abs(logits - learned.ranker.scores.logits(expected[place])).max() < 0.02


def test_the_product_with_what_is_stored_counts_what_fits_and_what_is_good(learned, served):
    reader = learned.ranker.reader
    requests = later(reader.prepared, 60).requests
    rows = np.arange(1, len(served.vocabulary) + 1)
    nothing = NewItems(
        text=np.zeros((len(rows), 48), np.float32), texts=[""] * len(rows),
        facts=[()] * len(rows), years=np.full(len(rows), np.nan),
    )  # fmt: skip
    weights = np.array([0.3, 0.0, 0.2, 0.1], np.float32)
    model = replace(served, weights=weights)
    stored = model.stored_vectors(rows, nothing)
    for row in (0, len(requests) // 2, len(requests) - 1):
        question = model.question(live(learned, requests, row))
        found = stored @ model.asked_vector(question)
        vectors, quality = model.parted(stored)
        expected = vectors @ question.vectors[0] + quality @ weights
        assert np.abs(found - expected).max() < 1e-5


def test_a_new_item_is_placed_beside_what_is_stated_alike(learned, served):
    data, texts = learned.ranker.reader.prepared.data, learned.ranker.reader.prepared.texts
    known = np.arange(1, 41)
    new = NewItems(
        text=texts.items[known],
        texts=[data.texts[row - 1] for row in known],
        facts=[data.facts[row - 1] for row in known],
        years=data.years[known - 1],
    )
    placed, _ = served.parted(served.stored_vectors(np.zeros(40, np.int64), new))
    own = served.facts.items.vectors[known]
    assert (np.abs(np.linalg.norm(placed, axis=1) - 1) < 1e-5).all()
    genre = np.array([row % 4 for row in range(40)])
    near = (placed @ own.T).argmax(axis=1)
    # Its nearest neighbour is of its genre far more often than one in four.
    assert (genre[near] == genre).mean() > 0.7


def test_words_that_were_chosen_for_are_found_however_they_are_written(served):
    assert served.query_row("noir") == served.query_row("  NOIR! ") > 0
    assert served.query_row("no such words") == 0
    assert served.query_row("") == 0


def test_contributions_say_which_group_speaks_for_a_candidate(learned, served):
    reader = learned.ranker.reader
    requests = later(reader.prepared, 60).requests
    features = reader.read(requests.select(np.array([0])), np.arange(1, 31)[None])[0]
    usual = features.mean(axis=0)
    found = served.scores.contributions(features, usual)
    assert found.shape == (30, 6)
    assert np.abs(served.scores.contributions(usual[None], usual)).max() < 1e-4
    # What is the same for all candidates is no reason for one of them.
    assert np.abs(found[:, 5]).max() < 1e-4
    assert np.abs(found).max() > 0.01


def test_another_release_or_another_catalog_is_refused(served):
    config, tensors = saved(served)
    with pytest.raises(ValueError, match="Layout"):
        read({**config, "layout": 99}, tensors, served.vocabulary)
    fewer = type(served.vocabulary)(served.vocabulary.item_ids[:-1])
    with pytest.raises(ValueError, match="number of items"):
        read(config, tensors, fewer)


def test_made_searches_are_of_the_persons_own_items(learned):
    prepared = learned.ranker.reader.prepared
    data, texts = prepared.data, prepared.texts
    more = with_made_searches(data, texts, most=200, seed=1)
    made = more.searches.select(np.arange(len(data.searches), len(more.searches)))
    assert len(made) == 200
    assert (made.days > FIRST_DAY - 1).all()
    titles = (made.words >= texts.first_title) & (made.words < texts.first_fact)
    assert 0.1 < titles.mean() < 0.9
    for word, item in zip(made.words.tolist(), made.items.tolist(), strict=True):
        if word >= texts.first_fact:
            assert texts.facts.names[word - texts.first_fact] in data.facts[item - 1]
        else:
            assert word == texts.first_title + item
    wanted = set(zip(data.log.wanted.owners.tolist(), data.log.wanted.items.tolist(), strict=True))
    assert set(zip(made.persons.tolist(), made.items.tolist(), strict=True)) <= wanted
    known = {}
    wanted_log = data.log.wanted
    for person, item, day in zip(
        wanted_log.owners.tolist(), wanted_log.items.tolist(), wanted_log.days.tolist(), strict=True
    ):
        known.setdefault((person, item), day)
    first = [known[pair] for pair in zip(made.persons.tolist(), made.items.tolist(), strict=True)]
    # Some are asked by who knows the item already.
    assert 0.02 < (made.days > np.array(first)).mean() < 0.9
    assert made.days.max() <= wanted_log.days.max()
    assert len(with_made_searches(data, texts, most=0).searches) == len(data.searches)


def test_it_needs_no_torch():
    code = "import sys; import recs.ml.unified.served_files; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_more_like_this_reads_the_title_of_an_item_that_the_version_lacks(learned, served):
    reader = learned.ranker.reader
    requests = later(reader.prepared, 60).requests
    row = int(np.flatnonzero(requests.tasks == SIMILAR)[0])
    one = live(learned, requests, row)
    assert served.question(one).words == ("",)
    lacking = served.question(replace(one, source=0))
    assert lacking.words == (one.title,)
    assert lacking.text.any()
    assert lacking.given.tolist() == [[0.0, 0.0, 1.0]]
    assert replace(served, imputes=FILLED).question(one).words == (one.title,)
