"""The unified model as it is saved: a config and tensors, and the way back.

Letters: N items, D embedding size, T text vector.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from recs.ml.item_facts import ItemFacts, ItemFactsConfig
from recs.ml.item_knn import ItemKnn, ItemKnnConfig
from recs.ml.semantic_ids import SemanticIdConfig
from recs.ml.served_model import member_arrays, member_config
from recs.ml.unified.features import Facts, ItemSide
from recs.ml.unified.inputs import FactNames
from recs.ml.unified.item_arrays import ItemArrays
from recs.ml.unified.lexical import Bm25
from recs.ml.unified.person_arrays import PersonArrays
from recs.ml.unified.quality import Quantiles
from recs.ml.unified.query_arrays import QueryArrays
from recs.ml.unified.ranker_arrays import RankerScores
from recs.ml.unified.served import ServedUnified
from recs.ml.unified.tokens import TokenWeights
from recs.ml.vocabulary import Vocabulary

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Arrays = Mapping[str, npt.NDArray[Any]]

# Of what a folder holds: another number is read by another release.
LAYOUT = 3


def saved(model: ServedUnified) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
    """Config and tensors of an artifact; `read` is the way back."""
    ordered = sorted(model.queries, key=model.queries.__getitem__)
    config: dict[str, Any] = {
        "layout": LAYOUT,
        "knn": asdict(model.facts.knn.config),
        "codes": asdict(model.codes.config),
        "names": list(model.names.names),
        "queries": ordered,
        "weights": [float(weight) for weight in model.weights],
        "calibration": list(model.scores.calibration),
        "without": list(model.scores.without),
        "candidates": model.candidates,
        "history": model.history,
        "asked": model.asked,
        "imputes": model.imputes,
        "cutoffs": dict(model.cutoffs),
        "content_versions": dict(model.content_versions),
        "person": None if model.person is None else member_config(model.person.member),
    }
    side = model.facts.items
    groups: dict[str, Arrays] = {
        "tower": {
            **model.item_tower.weights,
            **model.tower.weights,
            "sources": model.tower.sources,
        },
        "side": {
            "vectors": side.vectors,
            # The database keeps halves of them, too.
            "text": side.text.astype(np.float16),
            "graph": side.graph,
            "quality": side.quality,
        },
        "knn": model.facts.knn.tensors(),
        "bm25": model.facts.bm25.tensors(),
        "ranker": model.scores.tensors(),
        "chosen": _csr_arrays(model.chosen),
        "attributes": _csr_arrays(model.attributes),
        "codes": model.codes.to_arrays(),
        "person": {} if model.person is None else member_arrays(model.person.member),
        "own": {
            "query_graph": model.query_graph,
            "counts": model.counts,
            "rarity": model.rarity.rarity,
            "knots": model.quantiles.knots,
            # Files hold finite numbers only.
            "unseen": np.nan_to_num(model.unseen, nan=0.0),
            "unseen_known": (~np.isnan(model.unseen)).astype(np.int64),
        },
    }
    tensors = {f"{group}.{n}": a for group, arrays in groups.items() for n, a in arrays.items()}
    return config, tensors


def read(config: Mapping[str, Any], tensors: Arrays, vocabulary: Vocabulary) -> ServedUnified:
    """What saved() gave.

    Raises:
        KeyError: where something is missing.
        ValueError: where parts do not fit together or are of another release.
    """
    if config.get("layout") != LAYOUT:
        raise ValueError(f"Layout {config.get('layout')} of a unified model; known is {LAYOUT}.")
    part = {
        group: _below(tensors, f"{group}.")
        for group in ("tower", "side", "knn", "bm25", "ranker", "chosen", "attributes", "codes",
                      "person", "own")
    }  # fmt: skip
    person = None
    if config["person"] is not None:
        person = PersonArrays.of_arrays(part["person"], config["person"])
    side = ItemSide(
        **{n: np.asarray(a, np.float32) for n, a in part["side"].items()},
        person=np.zeros((len(vocabulary) + 1, 0), np.float32) if person is None else person.items,
    )
    if not len(side.vectors) == len(side.person) == len(vocabulary) + 1:
        raise ValueError("The model is of another number of items than the vocabulary.")
    tower = {n: np.asarray(a, np.float32) for n, a in part["tower"].items()}
    sources = tower.pop("sources")
    own = part["own"]
    known = np.asarray(own["unseen_known"], np.bool_)
    queries = {text: row for row, text in enumerate(config["queries"], start=1)}
    size = len(vocabulary) + 1
    model = ServedUnified(
        vocabulary=vocabulary,
        tower=QueryArrays.of_weights(tower, sources),
        item_tower=ItemArrays.of(tower),
        facts=Facts(
            items=side,
            knn=ItemKnn.of_tensors(dict(part["knn"]), ItemKnnConfig(**config["knn"])),
            bm25=Bm25.of_tensors(part["bm25"]),
        ),
        scores=RankerScores.of_tensors(
            part["ranker"], calibration=config["calibration"], without=config["without"]
        ),
        queries=queries,
        query_graph=np.asarray(own["query_graph"], np.float32),
        chosen=_csr(part["chosen"], (len(queries) + 1, size)),
        attributes=_csr(part["attributes"], (size, len(config["names"]))),
        counts=np.asarray(own["counts"], np.int64),
        rarity=TokenWeights(np.asarray(own["rarity"], np.float32)),
        names=FactNames(tuple(config["names"])),
        codes=ItemFacts.from_arrays(part["codes"], _codes_config(config["codes"])),
        quantiles=Quantiles(np.asarray(own["knots"], np.float64)),
        unseen=np.where(known, own["unseen"], np.nan),
        weights=np.array(config["weights"], np.float32),
        candidates=int(config["candidates"]),
        history=int(config["history"]),
        asked=int(config["asked"]),
        imputes=tuple(config["imputes"]),
        cutoffs=dict(config["cutoffs"]),
        content_versions=dict(config["content_versions"]),
        person=person,
    )
    if len(model.query_graph) != len(queries) + 1 or len(model.weights) != side.quality.shape[1]:
        raise ValueError("The model's tables of queries or qualities are of other lengths.")
    return model


def _codes_config(given: Mapping[str, Any]) -> ItemFactsConfig:
    return ItemFactsConfig(**{**given, "semantic_ids": SemanticIdConfig(**given["semantic_ids"])})


def _csr_arrays(table: sparse.csr_matrix) -> Arrays:
    return {
        "data": np.asarray(table.data, np.float32),
        "indices": np.asarray(table.indices, np.int64),
        "indptr": np.asarray(table.indptr, np.int64),
    }


def _csr(arrays: Arrays, shape: tuple[int, int]) -> sparse.csr_matrix:
    parts = (arrays["data"], arrays["indices"], arrays["indptr"])
    return sparse.csr_matrix(parts, shape=shape)


def _below(arrays: Arrays, prefix: str) -> Arrays:
    return {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
