import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from recs.ml.batches import (
    GAP_BUCKETS,
    KNOWN_BUCKETS,
    BatchConfig,
    TensorBatch,
    gap_bucket,
    history_batch,
    known_before,
    known_bucket,
    next_item_batches,
)
from recs.ml.errors import NothingToLearn
from recs.ml.histories import Histories

MINUTE = 1 / 1440


def dated(lists, days) -> Histories:
    """Histories of (items, days), the kinds counted from 1 as they come."""
    plain = Histories.of_lists(lists)
    return Histories(
        people=plain.people,
        offsets=plain.offsets,
        items=plain.items,
        kinds=np.arange(1, len(plain.items) + 1).astype(np.int8),
        days=np.array([day for row in days for day in row], float),
    )


def pairs(batch) -> list[tuple[list[int], list[int]]]:
    """Items and targets of each row, the padding left out, told apart by the items."""
    return [
        ([int(i) for i in row if i], [int(t) for t in targets[row != 0]])
        for row, targets in zip(batch.items, batch.targets, strict=True)
    ]


def test_a_history_predicts_each_of_its_events_from_those_before():
    batches = list(next_item_batches(Histories.of_lists([[5, 3, 9]]), BatchConfig(), epoch=0))
    assert len(batches) == 1
    assert batches[0].items.tolist() == [[5, 3]]
    assert batches[0].targets.tolist() == [[3, 9]]
    assert batches[0].terms == 2


def test_short_histories_are_padded_on_the_left():
    histories = Histories.of_lists([[1, 2], [3, 4, 5, 6]])
    (batch,) = next_item_batches(histories, BatchConfig(), epoch=0)
    rows = sorted(zip(batch.items.tolist(), batch.targets.tolist(), strict=True))
    assert rows == [([0, 0, 1], [0, 0, 2]), ([3, 4, 5], [4, 5, 6])]


def test_a_history_of_50_000_keeps_its_newest_events():
    items = list(range(1, 50_001))
    histories = Histories.of_lists([items])
    (batch,) = next_item_batches(histories, BatchConfig(longest=2000), epoch=0)
    assert batch.items.shape == (1, 2000)
    assert batch.items[0].tolist() == items[-2001:-1]
    assert batch.targets[0].tolist() == items[-2000:]
    whole = history_batch(histories, np.array([0]), 2000)
    assert whole.items[0].tolist() == items[-2000:]
    assert not whole.targets.any()


@pytest.mark.parametrize("lists", [[], [[]], [[1]], [[1], [2], []]])
def test_without_two_events_of_one_person_there_is_nothing_to_learn(lists):
    with pytest.raises(NothingToLearn):
        next_item_batches(Histories.of_lists(lists), BatchConfig(), epoch=0)


def test_one_person_is_enough():
    (batch,) = next_item_batches(Histories.of_lists([[1, 2]]), BatchConfig(), epoch=0)
    assert pairs(batch) == [([1], [2])]


def random_histories(people: int, longest: int, seed: int = 0) -> Histories:
    random = np.random.default_rng(seed)
    lists = [random.integers(1, 99, random.integers(0, longest)).tolist() for _ in range(people)]
    return Histories.of_lists(lists)


def test_an_epoch_holds_every_history_once_and_the_same_batches_again():
    histories = random_histories(200, 30)
    config = BatchConfig(longest=20, batch_size=16)
    batches = next_item_batches(histories, config, epoch=3)
    found = sorted(pair for batch in batches for pair in pairs(batch))
    wanted = sorted(
        ([int(i) for i in row[:-1][-20:]], [int(i) for i in row[1:][-20:]])
        for row in histories
        if len(row) > 1
    )
    assert found == wanted
    again = next_item_batches(histories, config, epoch=3)
    assert len(again) == len(list(batches))
    for one, other in zip(batches, again, strict=True):
        assert torch.equal(one.items, other.items)
    assert max(len(batch) for batch in batches) <= 16


def test_epochs_and_seeds_differ_in_who_shares_a_batch():
    histories = random_histories(200, 30)

    def first(epoch: int, seed: int) -> list:
        config = BatchConfig(batch_size=16, seed=seed)
        return next(iter(next_item_batches(histories, config, epoch=epoch))).items.tolist()

    assert first(0, 0) != first(1, 0)
    assert first(0, 0) != first(0, 1)


def test_batches_are_of_like_length_and_come_in_no_order_of_it():
    histories = random_histories(2000, 100)
    batches = list(next_item_batches(histories, BatchConfig(longest=100, batch_size=64), epoch=0))
    real = sum(int((batch.items != 0).sum()) for batch in batches)
    padded = sum(batch.items.numel() for batch in batches)
    # Batches drawn at random would pad half of all positions.
    assert real / padded > 0.85
    widths = [batch.items.shape[1] for batch in batches]
    assert widths not in (sorted(widths), sorted(widths, reverse=True))


def test_long_histories_come_in_batches_of_fewer_rows():
    histories = Histories.of_lists([[1] * 101] * 32 + [[1, 2]] * 32)
    config = BatchConfig(longest=100, batch_size=32, most_positions=800)
    batches = list(next_item_batches(histories, config, epoch=0))
    assert {(len(b), b.items.shape[1]) for b in batches} == {(8, 100), (32, 1)}
    # A single row may be longer than what a batch should hold; it is not dropped.
    config = BatchConfig(longest=100, batch_size=32, most_positions=10)
    assert sum(len(b) for b in next_item_batches(histories, config, epoch=0)) == 64


def test_histories_are_encoded_in_the_order_that_is_asked():
    histories = Histories.of_lists([[1, 2, 3], [], [4]])
    batch = history_batch(histories, np.array([2, 0, 1, 0]), 2)
    assert batch.items.tolist() == [[0, 4], [2, 3], [0, 0], [2, 3]]
    nobody = history_batch(Histories.of_lists([[], []]), np.array([0, 1]), 5)
    assert nobody.items.tolist() == [[0], [0]]


def test_kinds_gaps_and_known_stand_at_their_events():
    histories = dated([[1, 2, 1], [2]], [[0, MINUTE, 1], [0.5]])
    known = np.array([10, 0, 3, 1])
    batch = history_batch(histories, np.array([0, 1]), 9, known)
    assert batch.kinds.tolist() == [[1, 2, 3], [0, 0, 4]]
    # The first event of a history has none before it; a minute; a day less a minute.
    assert batch.gaps.tolist() == [[0, 2, 11], [0, 0, 0]]
    assert batch.known.tolist() == [[4, 0, 2], [0, 0, 1]]
    (trained,) = next_item_batches(histories, BatchConfig(), epoch=0, known=known)
    assert trained.kinds.tolist() == [[1, 2]]
    assert trained.gaps.tolist() == [[0, 2]]
    assert trained.known.tolist() == [[4, 0]]


def test_the_oldest_event_that_is_read_knows_how_long_before_it_was():
    histories = dated([[1, 2, 3]], [[0, 10, 10 + 2 * MINUTE]])
    cut = history_batch(histories, np.array([0]), 2)
    assert cut.gaps[0, 0] == gap_bucket(np.array(10.0))


def test_gaps_double_from_bucket_to_bucket():
    minutes = np.array([np.nan, -5, 0, 0.9, 1, 2.9, 3, 6.9, 7, 2.0**22 * 0.99, 2.0**22, 1e12])
    wanted = [0, 1, 1, 1, 2, 2, 3, 3, 4, 22, 23, 23]
    assert gap_bucket(minutes / 1440).tolist() == wanted
    assert GAP_BUCKETS == 24


def test_known_doubles_from_bucket_to_bucket():
    counts = np.array([-1, 0, 1, 2, 3, 4, 7, 8, 2**18 - 1, 2**18, 10**7])
    wanted = [0, 0, 1, 2, 2, 3, 3, 4, 18, 19, 19]
    assert known_bucket(counts).tolist() == wanted
    assert KNOWN_BUCKETS == 20


@given(
    st.lists(
        st.lists(st.tuples(st.integers(1, 4), st.sampled_from([0.0, 1.0, 2.0, 3.0])), max_size=6),
        min_size=1,
        max_size=6,
    )
)
def test_known_before_counts_what_came_strictly_before(people):
    people = [sorted(events, key=lambda event: event[1]) for events in people]
    histories = dated(
        [[item for item, _ in events] for events in people],
        [[day for _, day in events] for events in people],
    )
    everything = [event for events in people for event in events]
    wanted = [
        sum(other == item and earlier < day for other, earlier in everything)
        for item, day in everything
    ]
    assert known_before(histories, 4).tolist() == wanted


def test_what_happens_later_changes_nothing_that_was_known():
    short = dated([[1, 2], [1]], [[0, 1], [0.5]])
    long = dated([[1, 2, 1, 1], [1]], [[0, 1, 2, 3], [0.5]])
    assert known_before(short, 2).tolist() == [0, 0, 1]
    assert known_before(long, 2).tolist() == [0, 0, 2, 3, 1]


def test_without_times_the_other_events_of_an_item_are_known():
    histories = Histories.of_lists([[1, 2], [1, 3], [1]])
    assert known_before(histories, 3).tolist() == [2, 0, 2, 0, 2]


def test_part_of_a_batch_loses_the_padding_of_the_others():
    histories = Histories.of_lists([[1, 2], [3, 4, 5, 6]])
    batch = history_batch(histories, np.array([0, 1]), 9)
    assert batch.rows(0, 1).items.tolist() == [[1, 2]]
    assert batch.rows(1, 2).items.tolist() == [[3, 4, 5, 6]]
    empty = history_batch(Histories.of_lists([[], [1, 2]]), np.array([0, 1]), 9)
    assert empty.rows(0, 1).items.tolist() == [[0]]


def test_a_batch_of_tensors_counts_rows():
    batch = TensorBatch((torch.arange(4), torch.arange(8).view(4, 2)))
    assert (len(batch), batch.terms) == (4, 4)
    part = batch.rows(1, 3).to("cpu")
    assert part.tensors[0].tolist() == [1, 2]
    assert part.tensors[1].tolist() == [[2, 3], [4, 5]]


@pytest.mark.parametrize("wrong", ["longest", "batch_size", "most_positions"])
def test_a_batch_of_nothing_is_refused(wrong):
    with pytest.raises(ValueError, match="count from 1"):
        BatchConfig(**{wrong: 0})
