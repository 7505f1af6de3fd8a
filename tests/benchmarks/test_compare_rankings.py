import numpy as np

from benchmarks.compare_rankings import gains


def test_gains_are_of_the_last_item_and_of_people_who_are_scored(tmp_path):
    sequences, rankings = tmp_path / "sequences.txt", tmp_path / "rankings.tsv"
    sequences.write_text("ann 1 2 3\nben 4 5\ncat 1 2 9\ndan 1 2 7\n")
    rankings.write_text("ann\t3 4 5\ncat\t8 9 1\ndan\t1 2 3\n")
    np.testing.assert_allclose(gains(sequences, rankings), [1.0, 1 / np.log2(3), 0.0])
