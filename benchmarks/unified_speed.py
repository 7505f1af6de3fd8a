"""How long the unified model takes for one request on one core, in NumPy, beside the text encoder.

    OMP_NUM_THREADS=1 .venv/bin/python -m benchmarks.unified_speed

The weights are made up and of the default sizes: time does not depend on what they say. Printed are
milliseconds at p50 and p99, and each as a share of encoding the query's text.
"""

import time
from collections.abc import Callable

import numpy as np
import torch
from scipy import sparse

from recs.ml.query_encoder import QueryEncoder
from recs.ml.text_encoder import packaged_model_dir
from recs.ml.unified.config import TowerConfig
from recs.ml.unified.features import NAMES_OF_ALL
from recs.ml.unified.inputs import ItemInputs, WordInputs
from recs.ml.unified.query_arrays import Asked, QueryArrays
from recs.ml.unified.ranker_arrays import RankerArrays
from recs.ml.unified.ranker_net import RankerNet, RankerNetConfig
from recs.ml.unified.tokens import BUCKETS, count_tokens, fit_token_weights
from recs.ml.unified.towers import Towers, arrays_of

ITEMS, CANDIDATES, MEMBERS, ROUNDS = 20_000, 500, 3, 500
QUERIES = ("french comedies of the sixties", "noir", "a film about a lost dog who finds home")


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    encoder = QueryEncoder(packaged_model_dir())
    tower, asked = _tower()
    nets, features = _nets()
    parts: dict[str, Callable[[int], object]] = {
        "text encoder, one query": lambda n: encoder.encode([QUERIES[n % len(QUERIES)]]),
        "query tower": lambda n: tower.encode(asked),
        f"ranker, {CANDIDATES} candidates, {MEMBERS} networks": lambda n: np.mean(
            [net.logits(features) for net in nets], axis=0
        ),
    }
    print("| part | p50 ms | p99 ms | p50 beside the text encoder |\n|---|---|---|---|")
    base = 0.0
    for name, work in parts.items():
        p50, p99 = _timed(work)
        base = base or p50
        print(f"| {name} | {p50:.2f} | {p99:.2f} | {p50 / base:.2f} |")


def _timed(work: Callable[[int], object]) -> tuple[float, float]:
    times = []
    for number in range(ROUNDS + 20):
        began = time.perf_counter()
        work(number)
        times.append(time.perf_counter() - began)
    p50, p99 = np.quantile(np.array(times[20:]) * 1000, [0.5, 0.99])
    return float(p50), float(p99)


def _tower() -> tuple[QueryArrays, Asked]:
    random = np.random.default_rng(0)

    def unit(*shape: int) -> np.ndarray:
        table = random.normal(size=shape).astype(np.float32)
        return table / np.linalg.norm(table, axis=-1, keepdims=True)

    tokens = fit_token_weights(count_tokens(QUERIES)).apply(count_tokens(["", *QUERIES]))
    facts = sparse.csr_matrix((len(QUERIES) + 1, 3000), dtype=np.float32)
    words = WordInputs(
        text=unit(len(QUERIES) + 1, 384),
        graph=unit(len(QUERIES) + 1, 64),
        tokens=tokens,
        attributes=facts,
    )
    items = ItemInputs(
        text=unit(ITEMS + 1, 384),
        others={},
        graph=unit(ITEMS + 1, 64),
        tokens=sparse.csr_matrix((ITEMS + 1, BUCKETS), dtype=np.float32),
        attributes=sparse.csr_matrix((ITEMS + 1, 3000), dtype=np.float32),
        scalars=np.full((ITEMS + 1, 4), 0.5, np.float32),
        codes=np.zeros((ITEMS + 1, 0), np.int64),
        code_sizes=(),
        counts=np.ones(ITEMS + 1, np.int64),
    )
    config = TowerConfig()
    net = Towers(config, items, words)
    net.refresh()
    asked = Asked(
        tasks=np.array([0]),
        text=words.text[[1]],
        tokens=words.tokens[[1]],
        attributes=words.attributes[[1]],
        graph=words.graph[[1]],
        sources=np.array([7]),
        history=random.integers(1, ITEMS, (1, config.history)),
        asked=words.text[[2]],
        given=np.ones((1, 3), np.float32),
    )
    return QueryArrays.of(arrays_of(net)), asked


def _nets() -> tuple[list[RankerArrays], np.ndarray]:
    size = len(NAMES_OF_ALL)
    none, one = np.zeros(size, np.float32), np.ones(size, np.float32)
    nets = [
        RankerArrays(weights=arrays_of(RankerNet(size, RankerNetConfig())), mean=none, scale=one)
        for _ in range(MEMBERS)
    ]
    features = np.random.default_rng(0).normal(size=(1, CANDIDATES, size)).astype(np.float32)
    return nets, features


if __name__ == "__main__":
    main()
