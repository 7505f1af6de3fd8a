import numpy as np

from benchmarks.item_knn import sweep
from recs.ml.histories import Histories
from recs.ml.item_knn_tuning import SEARCH, TuningOptions


def test_every_value_of_every_number_has_a_line_and_the_chosen_one_the_tuned_score():
    rng = np.random.default_rng(0)
    histories = Histories.of_lists(
        [((rng.integers(20) + np.arange(6)) % 20 + 1).tolist() for _ in range(60)]
    )
    head, *lines = (line.split("\t") for line in sweep(histories, 20, TuningOptions(rounds=1)))
    assert float(head[2]) > 0.9
    assert len(lines) == sum(map(len, SEARCH.values())) + 3
    assert {line[2] for line in lines if "(chosen)" in line[1]} == {head[2]}
    # Whether what came before counts as much as what came after makes a difference here.
    of = {
        line[1].removesuffix(" (chosen)"): float(line[2]) for line in lines if line[0] == "backward"
    }
    assert of["0.0"] > of["1.0"]
