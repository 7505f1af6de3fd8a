from dataclasses import replace

import numpy as np

from benchmarks.finished_data import Source
from benchmarks.finished_queries import windows_of
from benchmarks.simulated_typing import Ask, Assumptions, Hits, simulate
from recs.ml.finished.features import Store

ASKS = [Ask(f"p{n}", n * 100.0, text) for n in range(50) for text in ("stairway", "rope")]
HITS = Hits(["stairway to heaven", "rope", "stairs"])
# Nothing goes wrong and every letter is slower than the page waits.
PLAIN = Assumptions(
    letter_median=0.5, letter_spread=0.0, thought=0.0, long_thought=0.0, slip=0.0, abandon=0.0,
    early_hit=0.0, completion=0.0, submit=0.0, edited=0.0,
)  # fmt: skip


def test_the_same_seed_gives_the_same_log():
    assert simulate(ASKS, HITS, Assumptions(), seed=1) == simulate(
        ASKS, HITS, Assumptions(), seed=1
    )
    assert simulate(ASKS, HITS, Assumptions(), seed=1) != simulate(
        ASKS, HITS, Assumptions(), seed=2
    )


def test_a_slow_typist_leaves_a_row_for_each_letter():
    log = simulate(ASKS[:1], HITS, PLAIN)
    assert [row.text for row in log.rows] == ["stairway"[:n] for n in range(1, 9)]
    assert log.truth == [False] * 7 + [True]


def test_a_fast_typist_leaves_one_row():
    log = simulate(ASKS[:1], HITS, replace(PLAIN, letter_median=0.05))
    assert [row.text for row in log.rows] == ["stairway"]


def test_what_is_given_up_is_never_whole():
    log = simulate(ASKS, HITS, replace(PLAIN, abandon=1.0))
    assert not any(log.truth)


def test_a_hit_taken_midway_is_a_prefix_with_something_taken():
    log = simulate(ASKS, HITS, replace(PLAIN, early_hit=1.0))
    taken = [(row.is_taken, truth) for row, truth in zip(log.rows, log.truth, strict=True)]
    assert (True, False) in taken
    assert (True, True) not in taken


def test_a_slip_is_deleted_again():
    log = simulate(ASKS, HITS, replace(PLAIN, slip=0.3, slip_unseen=0.0))
    whole = {row.text for row, truth in zip(log.rows, log.truth, strict=True) if truth}
    assert whole == {"stairway", "rope"}
    assert any(not "stairway".startswith(row.text) and not "rope".startswith(row.text)
               for row in log.rows)  # fmt: skip


def test_hits_hold_every_word_the_last_as_a_beginning():
    assert [HITS.count(text) for text in ("stair", "stairway he", "heaven st", "rope x", "to")] == [
        2, 1, 1, 0, 1,
    ]  # fmt: skip


def test_windows_follow_in_time():
    source = Source(ASKS, Store.of({}, []), HITS)
    windows = windows_of(source, Assumptions(), seed=0)
    last = [max(v.time for v in w.visits) for w in (windows.first, windows.then)]
    first = [min(v.time for v in w.visits) for w in (windows.then, windows.last)]
    assert np.all(np.array(last) <= np.array(first))
