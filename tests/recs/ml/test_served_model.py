import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from recs.ml.blended import BlendedSettings, fit_blended
from recs.ml.blended_parts import parts_of
from recs.ml.evidence import unit
from recs.ml.fit_types import FitConfig
from recs.ml.histories import Histories
from recs.ml.item_content import Attributes, ItemContent
from recs.ml.item_facts import ItemFactsConfig
from recs.ml.reranker import RerankerConfig
from recs.ml.semantic_ids import SemanticIdConfig
from recs.ml.sequence_data import SequenceData, TrainOptions
from recs.ml.served_evidence import Proposals, content_asked, content_cosines
from recs.ml.served_model import read, saved
from recs.ml.transformer import TransformerConfig
from recs.ml.user_model import UserModelConfig
from recs.ml.user_model_fit import UserModelSettings
from recs.ml.vocabulary import Vocabulary
from tests.recs.ml.worlds import groups_in_turn

NAMES = (*(f"group:{n}" for n in range(6)), "odd")


def small_settings(**changes):
    return BlendedSettings(
        user_model=UserModelSettings(
            net=UserModelConfig(body=TransformerConfig(embedding_size=8, layers=1, dropout=0.1)),
            facts=ItemFactsConfig(
                content_width=6, semantic_ids=SemanticIdConfig(levels=2, codes=4, flat=4)
            ),
            fit=FitConfig(learning_rate=5e-3, patience=0, validate_every=3, warmup_steps=2),
            steps=30,
            epochs=(3, 3),
        ),
        tuning_seconds=0.1,
        reranker=RerankerConfig(
            candidates=12, width=8, members=2, least_lists=50,
            fit=FitConfig(epochs=2, precision="fp32", warmup_steps=0),
        ),
        **changes,
    )  # fmt: skip


def attributed(data):
    """The world with attributes, and with two items that nobody wanted."""
    unwanted = (7, 19)
    keep = ~np.isin(data.histories.items, unwanted)
    groups = (np.arange(1, data.item_count + 1) - 1) // 5
    lists = [[], *([int(group)] + ([6] if n % 2 else []) for n, group in enumerate(groups))]
    content = replace(data.content, attributes=Attributes.of_lists(lists, len(NAMES)))
    targets = np.where(np.isin(data.targets, unwanted), 1, data.targets)
    return SequenceData(histories=data.histories.only(keep), targets=targets, content=content)


@pytest.fixture(scope="module")
def fitted():
    data = attributed(groups_in_turn())
    blended = fit_blended(data, small_settings(), TrainOptions(seed=1))
    assert blended.ranking.nets
    config, tensors = saved(parts_of(blended, data, NAMES))
    vocabulary = Vocabulary(tuple(f"i{n}" for n in range(1, data.item_count + 1)))
    # As it comes back from JSON and from a file.
    served = read(json.loads(json.dumps(config)), tensors, vocabulary)
    return data, blended, served, (config, tensors, vocabulary)


def proposals(served, data, history, rows):
    table = unit(data.content.vectors["text"])
    asked = content_asked(table[history.items])
    return Proposals(
        rows=rows,
        scores=served.vectors(rows) @ served.users(history)[0],
        content={"text": content_cosines(table[rows] @ asked.T)},
    )


def ranked(scores, rows):
    return rows[np.lexsort((rows, -scores))].tolist()


def test_what_is_served_is_what_was_measured(fitted):
    data, blended, served, _ = fitted
    expected = blended.score(data.histories, np.arange(40))
    for person in range(40):
        history = data.histories.select([person])
        unseen = np.setdiff1d(np.arange(1, data.item_count + 1), history.items)
        given = proposals(served, data, history, unseen)
        found = served.scores(history, served.users(history)[0], given)
        in_order = expected[person, unseen[np.argsort(-found)]]
        assert (np.diff(in_order) < 1e-4).all()


def test_every_number_is_the_one_that_was_weighed(fitted):
    data, blended, served, _ = fitted
    mixture = blended.ranking.mixture
    assert served.evidence.names == mixture.names
    rows = np.arange(1, data.item_count + 1)
    for person in (0, 5, 9):
        history = data.histories.select([person])
        user = served.users(history)[0]
        given = proposals(served, data, history, rows)
        log_chances = given.scores - served._log_sum(user)
        found = served.evidence.numbers(history, given, log_chances)
        tables = [table for part in mixture.evidence for table in part.tables(history)]
        expected = np.stack([table[0, 1:] for table in tables], axis=1)
        for column, name in enumerate(mixture.names):
            np.testing.assert_allclose(
                found[:, column], expected[:, column], atol=2e-4, err_msg=name
            )


def test_a_shorter_list_keeps_the_order_of_its_items_before_the_second_look(fitted):
    data, _, served, _ = fitted
    served = replace(served, again=())
    history = data.histories.select([3])
    user = served.users(history)[0]
    rows = np.setdiff1d(np.arange(1, data.item_count + 1), history.items)
    whole = served.scores(history, user, proposals(served, data, history, rows))
    some = rows[::3]
    part = served.scores(history, user, proposals(served, data, history, some))
    np.testing.assert_allclose(part, whole[::3], atol=1e-4)


def test_items_are_encoded_again_as_they_were_and_a_new_one_without_being_known(fitted):
    data, blended, served, _ = fitted
    rows = np.arange(1, data.item_count + 1)
    again = served.encode_items(rows, data.content)
    expected = np.concatenate([member.items for member in blended.members], axis=1)[1:]
    np.testing.assert_allclose(again, expected, atol=1e-4)
    np.testing.assert_allclose(served.vectors(rows), expected, atol=1e-4)

    unknown = served.encode_items(np.zeros(len(rows), np.int64), data.content)
    assert np.isfinite(unknown).all()
    assert np.abs(unknown).max() > 0
    nobody_wanted = served.evidence.counts[1:] == 0
    assert nobody_wanted.sum() == 2
    np.testing.assert_allclose(unknown[nobody_wanted], again[nobody_wanted], atol=1e-5)
    assert not np.allclose(unknown[~nobody_wanted], again[~nobody_wanted], atol=1e-3)


def test_an_item_that_the_vocabulary_lacks_scores_like_one_that_nobody_wanted(fitted):
    data, _, served, _ = fitted
    twin = int(np.flatnonzero(served.evidence.counts[1:] == 0)[0]) + 1
    history = data.histories.select([2])
    user = served.users(history)[0]
    known = proposals(served, data, history, np.array([twin, 3, 4]))
    values = data.content.attributes
    lists = [[]] + [
        values.values[values.offsets[row] : values.offsets[row + 1]].tolist()
        for row in (twin, 3, 4)
    ]
    new = replace(
        known,
        rows=np.array([0, 3, 4]),
        attributes=Attributes.of_lists(lists, len(NAMES)),
    )
    np.testing.assert_allclose(
        served.scores(history, user, new), served.scores(history, user, known), atol=1e-4
    )


def test_neighbours_are_named_in_turn_and_once(fitted):
    data, _, served, _ = fitted
    history = data.histories.select([4])
    rows = served.neighbours(history, 8)
    assert 0 < len(rows) <= 8
    assert len(set(rows.tolist())) == len(rows)
    assert rows.min() > 0
    firsts = [
        found.indices[found.data.argmax()]
        for knn in served.evidence.knn.values()
        if (found := knn.sparse_scores(history, np.array([0]))).nnz
    ]
    assert set(firsts) <= set(rows.tolist())


def test_somebody_with_one_event_and_a_single_proposal_are_scored(fitted):
    data, _, served, _ = fitted
    history = Histories.of_lists([[4]])
    one = proposals(served, data, history, np.array([9]))
    assert served.scores(history, served.users(history)[0], one).shape == (1,)
    none = proposals(served, data, history, np.zeros(0, np.int64))
    assert served.scores(history, served.users(history)[0], none).shape == (0,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layout": 0}, "Layout 0"),
        ({"names": ["user_model", "stars"]}, "stars"),
        ({"attributes": ["one"]}, "other attributes"),
    ],
)
def test_what_does_not_fit_together_is_refused(fitted, change, message):
    config, tensors, vocabulary = fitted[3]
    with pytest.raises(ValueError, match=message):
        read({**config, **change}, tensors, vocabulary)


def test_another_vocabulary_is_refused(fitted):
    config, tensors, vocabulary = fitted[3]
    with pytest.raises(ValueError, match="another number of items"):
        read(config, tensors, Vocabulary(vocabulary.item_ids[:-1]))


def test_a_user_model_alone_is_served_too():
    data = groups_in_turn(people=60)
    data = replace(data, content=ItemContent.none(data.item_count))
    blended = fit_blended(data, small_settings(blend=False, members=1), TrainOptions(seed=2))
    config, tensors = saved(parts_of(blended, data))
    served = read(config, tensors, Vocabulary(tuple(map(str, range(1, data.item_count + 1)))))
    history = data.histories.select([0])
    rows = np.setdiff1d(np.arange(1, data.item_count + 1), history.items)
    given = Proposals(rows=rows, scores=served.vectors(rows) @ served.users(history)[0])
    found = served.scores(history, served.users(history)[0], given)
    expected = blended.score(data.histories, np.array([0]))[0, rows]
    assert ranked(found, rows) == ranked(expected, rows)
    assert served.neighbours(history, 5).tolist() == []


def test_it_is_read_without_torch():
    code = "import sys, recs.ml.served_model; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
