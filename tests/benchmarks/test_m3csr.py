import numpy as np
import pytest

from benchmarks import m3csr_data
from benchmarks.m3csr import clustered_bootstrap
from benchmarks.m3csr_data import encode_texts, histories_of, queries_between, split_days


def histories():
    owners = np.array([1, 0, 0, 1, 0, 2])
    items = np.array([5, 2, 1, 6, 3, 9])
    days = np.array([3.0, 2.0, 1.0, 5.0, 6.0, 4.0])
    return histories_of(owners, items, days)


def test_events_are_put_in_order_of_time():
    found = histories()
    assert [items.tolist() for items in found] == [[1, 2, 3], [5, 6], [9]]


def test_questions_hold_what_was_before_each_event_and_nothing_after():
    found = queries_between(histories(), 2.0, 6.0)
    asked = {
        (name, tuple(items.tolist()), int(target))
        for name, items, target in zip(
            found.histories.people, found.histories, found.targets, strict=True
        )
    }
    # Person 2's only event has nothing before it, and item 3 of person 0 is past the end.
    assert asked == {("0", (1,), 2), ("1", (5,), 6)}


def test_moments_cut_shares_of_events():
    assert split_days(histories(), [0.0, 1.0]) == [1.0, 6.0]


def test_the_bootstrap_draws_people_with_all_their_questions():
    differences = np.array([1.0, 1.0, 1.0, 0.0])
    mean, low, high = clustered_bootstrap(differences, np.array([0, 0, 0, 1]))
    assert mean == pytest.approx(0.75)
    assert (low, high) == (0.0, 1.0)
    assert clustered_bootstrap(np.full(9, 0.5), np.arange(9)) == (0.5, 0.5, 0.5)


def test_a_text_is_encoded_once_and_kept_under_its_hash_and_the_encoders_revision(
    tmp_path, monkeypatch
):
    texts = ["A ship in the fog.", "A dog and a boy."]
    first = encode_texts(texts, tmp_path)
    assert [path.name.startswith("text-") for path in tmp_path.iterdir()] == [True]
    monkeypatch.setattr(m3csr_data, "TextEncoder", None)  # would fail if it were asked
    assert np.array_equal(encode_texts(texts[::-1], tmp_path), first[::-1])
    with pytest.raises(TypeError):
        encode_texts([*texts, "Another text."], tmp_path)
    monkeypatch.setattr(m3csr_data, "encoder_revision", lambda folder: "another")
    with pytest.raises(TypeError):
        encode_texts(texts, tmp_path)
