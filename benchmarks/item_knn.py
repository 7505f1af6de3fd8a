"""What each number of item-kNN is worth: the tuned setting with one of them changed.

    .venv/bin/python -m benchmarks.item_knn SEQUENCES

SEQUENCES is a file as `manage.py benchmark sequences` reads it. Fitted without the last two items
of each person; the one before the last is ranked. The last is read by nobody.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from recs.ml.histories import Histories
from recs.ml.item_knn_tuning import SEARCH, Trials, TuningOptions, tune_item_knn
from recs.ml.sequence_files import read_sequence_files


def sweep(histories: Histories, item_count: int, options: TuningOptions) -> list[str]:
    """Lines of name, value and NDCG@10; histories without what is never read."""
    learned, targets = histories.without_last(), histories.last_items()
    tuned = tune_item_knn(learned, targets, item_count, options)
    best = tuned.knn.config
    trials = Trials.of(learned, targets, item_count, options)
    lines = [f"tuned\t{best}\t{trials.ndcg(best):.4f}"]
    for name, values in {**SEARCH, "neighbours": (50, 100, 200)}.items():
        for value in values:
            ndcg = trials.ndcg(replace(best, **{name: value}))
            chosen = " (chosen)" if value == getattr(best, name) else ""
            lines.append(f"{name}\t{value}{chosen}\t{ndcg:.4f}")
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sequences", type=Path)
    files = read_sequence_files(parser.parse_args().sequences, None)
    for line in sweep(files.histories.without_last(), len(files.vocabulary), TuningOptions()):
        print(line)


if __name__ == "__main__":
    main()
