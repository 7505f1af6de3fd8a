"""Made-up judgments: a thing of a colour is asked for, and titles have both, one or none."""

import csv

import numpy as np

from recs.ml.fit_types import FitConfig, RunOptions
from recs.ml.relevance.late_interaction import LateConfig
from recs.ml.relevance.pairs import Pairs
from recs.ml.relevance.ranker import RelevanceConfig
from recs.ml.relevance.trees import TreesConfig

CPU = RunOptions(device="cpu")
THINGS = ("shoe", "lamp", "guitar", "kettle", "jacket", "tent")
COLOURS = ("red", "blue", "green", "black")
COLUMNS = (
    "id", "query", "product_title", "product_description", "median_relevance", "relevance_variance",
)  # fmt: skip
# Small enough for seconds; what is tested with it is not how good it gets.
SMALL = RelevanceConfig(
    folds=3,
    trees=TreesConfig(trees=10, least_in_leaf=5, members=1),
    late=LateConfig(
        fit=FitConfig(epochs=1, learning_rate=5e-5, batch_size=32, patience=0, precision="fp32")
    ),
)


def rows(things=THINGS, first_id=0, seed=0):
    """Nine products of each query: grade 4 both words, 3 and 2 the thing, 1 something else."""
    random = np.random.default_rng(seed)
    listed = []
    for place, thing in enumerate(things):
        colour, other = COLOURS[place % 4], COLOURS[(place + 1) % 4]
        strange = things[(place + 1) % len(things)]
        titles = [
            (4, f"{colour.title()} {thing}, model {{}}"),
            (4, f"Acme {colour} {thing} {{}}"),
            (4, f"Zenith {{}} {thing} in {colour}"),
            (3, f"{other} {thing} {{}}"),
            (3, f"Acme {thing} {{}}"),
            (2, f"Case for {other} {thing} {{}}"),
            (1, f"{other} {strange} {{}}"),
            (1, f"Acme {strange} {{}}"),
            (1, f"{colour} {strange} with handle {{}}"),
        ]
        for grade, title in titles:
            listed.append(
                {
                    "id": str(first_id + len(listed)),
                    "query": f"{colour} {thing}",
                    "product_title": title.format(random.integers(100, 999)),
                    "product_description": f"A good {title.split()[-2]}." if grade % 2 else "",
                    "median_relevance": str(grade),
                    "relevance_variance": "0.5" if grade == 2 else "0",
                }
            )
    return listed


def write_rows(path, listed, columns=COLUMNS):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(listed)
    return path


def pairs_of(listed):
    """The same as read_pairs gives, without a file."""
    return Pairs(
        ids=tuple(row["id"] for row in listed),
        queries=tuple(row["query"] for row in listed),
        titles=tuple(row["product_title"] for row in listed),
        descriptions=tuple(row["product_description"] for row in listed),
        grades=np.array([float(row["median_relevance"]) for row in listed], np.float32),
        variances=np.array([float(row["relevance_variance"]) for row in listed], np.float32),
    )


def encode(texts):
    """Unit vectors in which texts that share words are near; nothing of a real encoder."""
    vectors = np.full((len(texts), 48), 1e-3, np.float32)
    for row, text in enumerate(texts):
        for word in text.casefold().replace(",", "").split():
            vectors[
                row, sum(place * letter for place, letter in enumerate(word.encode())) % 48
            ] += 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
