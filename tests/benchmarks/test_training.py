import subprocess
import sys

import numpy as np
import pytest

from benchmarks import training
from benchmarks.training import Sizes, Timing, measure_grown, read_histories, time_ours

SMALL = Sizes(batch=4, longest=5, size=8, inner_size=16, steps=5)


@pytest.fixture
def sequences(tmp_path):
    path = tmp_path / "sequences.txt"
    path.write_text("u1 a b c d\nu2 b a\nu3 d c b a e f\n")
    return path


def test_both_sides_learn_from_lines_less_their_last_two_items(sequences):
    histories, item_count = read_histories(sequences)
    assert item_count == 6
    assert [row.tolist() for row in histories] == [[1, 2], [4, 3, 2, 1]]


def test_steps_are_timed_without_the_first_few():
    timing = Timing([9, 9, 9, 0.5, 1.5], [7, 7, 7, 4, 4], [7, 7, 7, 10, 30])
    assert timing.rows_a_second() == 4
    assert timing.predictions_a_second() == 20


def test_as_many_steps_are_made_as_were_asked_for(sequences):
    histories, item_count = read_histories(sequences)
    timing = time_ours(histories, item_count, "fp32", SMALL)
    assert len(timing.seconds) == len(timing.rows) == 5
    # One batch holds both histories, of one and three predictions.
    assert (timing.rows[0], timing.predictions[0]) == (2, 4)


@pytest.mark.parametrize("samples", [0, 50])
def test_a_synthetic_catalogue_is_trained_on(samples):
    found = measure_grown(200, samples, SMALL)
    assert found["seconds"] > 0
    assert found["peak_mib"] > 50


def test_recbole_that_does_not_run_says_why(sequences):
    with pytest.raises(SystemExit, match="No module named 'recbole'"):
        training.time_recbole(sequences, sys.executable, SMALL)


def test_without_arguments_it_says_what_to_give():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.training"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--growth" in done.stderr


def test_growth_is_tenfold_twice():
    assert np.array_equal(np.divide(training.GROWTH[1:], training.GROWTH[:-1]), [10, 10])
