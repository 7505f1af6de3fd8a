"""Is one ranking better than another, or is it chance? Paired over people.

    python -m benchmarks.compare_rankings SEQUENCES ONE.tsv OTHER.tsv

The files are those of `manage.py benchmark sequences`. Prints both NDCG@10 and the 95 % interval of
their difference over bootstrap draws of people.
"""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from recs.ml.metrics import ndcg_at, paired_bootstrap

LEAST_EVENTS = 3
MISSED = 10**6


def gains(sequences: Path, rankings: Path) -> npt.NDArray[np.float64]:
    """(U,) NDCG@10 of each person with at least three events, in the order of the sequences.

    Raises:
        KeyError: for a person without a ranking.
    """
    ranked = dict(
        line.rstrip("\n").split("\t") for line in rankings.read_text(encoding="utf-8").splitlines()
    )
    ranks = []
    for line in sequences.read_text(encoding="utf-8").splitlines():
        person, *items = line.split()
        if len(items) >= LEAST_EVENTS:
            listed = ranked[person].split()
            ranks.append(listed.index(items[-1]) if items[-1] in listed else MISSED)
    return ndcg_at(np.array(ranks, np.int64), 10)


def main() -> None:
    """Read both, draw, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sequences", type=Path)
    parser.add_argument("one", type=Path)
    parser.add_argument("other", type=Path)
    args = parser.parse_args()
    one, other = gains(args.sequences, args.one), gains(args.sequences, args.other)
    found = paired_bootstrap(one, other, draws=2000, seed=0)
    print(f"NDCG@10 {one.mean():.4f} and {other.mean():.4f}; difference {found}")


if __name__ == "__main__":
    main()
