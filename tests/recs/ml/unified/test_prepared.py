"""What is made ready for a moment knows nothing later."""

from dataclasses import replace

import numpy as np

from recs.ml.unified.prepared import PreparedConfig, prepare, read_texts
from recs.ml.unified.surfaces import SEARCH
from tests.recs.ml.unified.joint_world import FIRST_DAY, encode, films

UNTIL = FIRST_DAY + 120


def without_later(data):
    """The folder as it was at the moment: later events never happened."""
    log = data.log.before(UNTIL)
    kept = data.ratings.days < UNTIL
    ratings = replace(
        data.ratings,
        items=data.ratings.items[kept],
        values=data.ratings.values[kept],
        days=data.ratings.days[kept],
    )
    searches = data.searches.select(data.searches.days < UNTIL)
    return replace(data, log=log, searches=searches, ratings=ratings)


def test_later_events_change_nothing(tmp_path):
    data = films(tmp_path)
    texts = read_texts(data, encode)
    whole = prepare(data, texts, UNTIL, PreparedConfig())
    part = prepare(without_later(data), texts, UNTIL, PreparedConfig())
    assert (whole.quality == part.quality).all()
    assert (whole.items.graph == part.items.graph).all()
    assert (whole.words.graph == part.words.graph).all()
    assert (whole.items.counts == part.items.counts).all()
    assert (whole.items.codes == part.items.codes).all()
    assert (whole.chosen != part.chosen).nnz == 0
    assert (whole.knn.similar != part.knn.similar).nnz == 0
    assert whole.bm25.score(["noir film"]).tolist() == part.bm25.score(["noir film"]).tolist()
    for name in ("tasks", "words", "sources", "persons", "days"):
        left = getattr(whole.examples.requests, name)
        assert (left == getattr(part.examples.requests, name)).all()
    assert (whole.examples.targets == part.examples.targets).all()
    # The test can fail: later there was more.
    later = prepare(data, texts, FIRST_DAY + 400, PreparedConfig())
    assert len(later.examples) > len(whole.examples)
    assert (later.quality != whole.quality).any()


def test_no_later_choice_is_in_the_graph(tmp_path):
    data = films(tmp_path)
    found = prepare(data, read_texts(data, encode), UNTIL, PreparedConfig())
    before = data.searches.select(data.searches.days < UNTIL)
    assert found.chosen.sum() == len(before)


def test_made_searches_are_of_the_words_of_their_item(tmp_path):
    data = films(tmp_path)
    texts = read_texts(data, encode)
    found = prepare(data, texts, UNTIL, PreparedConfig()).examples
    made = found.select(found.made)
    assert set(made.requests.tasks) == {SEARCH}
    for words, item in zip(made.requests.words, made.targets, strict=True):
        text = texts.rows[words]
        values = [fact.partition(":")[2] for fact in data.facts[item - 1]]
        assert text in (data.titles[item - 1], *values)


def test_an_item_is_found_by_what_it_was_chosen_for(tmp_path):
    data = films(tmp_path)
    texts = read_texts(data, encode)
    found = prepare(data, texts, UNTIL, PreparedConfig())
    row = int(np.argmax(np.asarray(found.chosen.sum(axis=0)).reshape(-1)))
    word = texts.rows[found.chosen[:, row].nonzero()[0][0]]
    assert found.bm25.score([word])[0, row] > 0
