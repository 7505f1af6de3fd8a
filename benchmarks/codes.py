"""Semantic IDs made in several ways from the same content: what each keeps of it.

`python -m benchmarks.codes ../shared/data/beauty/items.tsv` (a table with `item_id` and `text`), or
JSON Lines of products with photographs (`name`, `description`, `images`, relative to the file), or
without a file the catalog of the running product. `--vectors` keeps the encoded texts.
"""

import argparse
import csv
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from recs.ml.code_report import CodeReport, report
from recs.ml.content_space import fit_space
from recs.ml.rqvae import FIT, RqVaeConfig, fit_rqvae
from recs.ml.semantic_ids import (
    SemanticIdConfig,
    codes_for,
    fit_flat,
    fit_residual,
    flat_codes_for,
    random_codes,
    shuffled_codes,
)

HEAD = (
    "| IDs | seconds | codes used | largest / median | perplexity | collisions | most alike "
    "| error | share prefix 1 (anybody) | 2 | 3 |"
)


def main() -> None:
    """Fit each kind of IDs and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("items", nargs="?", type=Path, help="table with item_id and text")
    parser.add_argument("--vectors", type=Path, help="where encoded texts are kept (.npy)")
    parser.add_argument("--only", nargs="*", help="modalities to use, such as image")
    parser.add_argument("--levels", type=int, default=3)
    parser.add_argument("--codes", type=int, help="of each level; the default follows the items")
    parser.add_argument("--flat", type=int, nargs="*", help="sizes of the flat ID to try")
    parser.add_argument("--epochs", type=int, default=FIT.epochs, help="of the RQ-VAE; 0: none")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    if asked.items is None:
        vectors = _of_catalog()
    elif asked.items.suffix == ".jsonl":
        vectors = _of_products(asked.items)
    else:
        vectors = _of_table(asked.items, asked.vectors)
    _compare({n: v for n, v in vectors.items() if not asked.only or n in asked.only}, asked)


def _compare(vectors: dict[str, np.ndarray], asked: argparse.Namespace) -> None:
    space = fit_space(vectors)
    known = space.known(vectors)
    points = space.embed(vectors)[known]
    vectors = {name: table[known] for name, table in vectors.items()}
    size = asked.codes or codes_for(len(points))
    print(f"{len(points)} items, {', '.join(space.modalities)}; {asked.levels} x {size} codes\n")
    print(HEAD + "\n" + "|---" * 11 + "|")
    for k in asked.flat or [flat_codes_for(len(points))]:
        began = time.perf_counter()
        flat = fit_flat(vectors, k=k, seed=asked.seed, space=space)
        codes, took = flat.assign(vectors), time.perf_counter() - began
        told = report(points, codes, flat.sizes, reconstructed=(flat.reconstruct(codes),))
        _print(f"flat {k}", took, told)
    began = time.perf_counter()
    config = SemanticIdConfig(levels=asked.levels, codes=size)
    residual = fit_residual(vectors, config=config, seed=asked.seed, space=space)
    codes, took = residual.assign(vectors), time.perf_counter() - began
    steps = [residual.reconstruct(codes[:, : n + 1]) for n in range(asked.levels)]
    _print("residual", took, report(points, codes, residual.sizes, reconstructed=tuple(steps)))
    if asked.epochs:
        _rqvae(points, size, asked)
    for name, control in (
        ("shuffled", shuffled_codes(codes, seed=asked.seed)),
        ("random", random_codes(len(points), residual.sizes, seed=asked.seed)),
    ):
        _print(name, 0.0, report(points, control, residual.sizes))


def _rqvae(points: np.ndarray, size: int, asked: argparse.Namespace) -> None:
    began = time.perf_counter()
    config = RqVaeConfig(levels=asked.levels, codes=size)
    fit_config = replace(FIT, epochs=asked.epochs, seed=asked.seed)
    net = fit_rqvae(points, config=config, fit_config=fit_config)
    codes, took = net.assign(points), time.perf_counter() - began
    steps = tuple(net.reconstruct(codes[:, : n + 1]) for n in range(asked.levels))
    _print("RQ-VAE", took, report(points, codes, (size,) * asked.levels, reconstructed=steps))


def _print(name: str, seconds: float, told: CodeReport) -> None:
    levels = told.levels
    cells = [
        name,
        f"{seconds:.1f}",
        " ".join(f"{level.used}/{level.codes}" for level in levels),
        f"{levels[0].largest} / {levels[0].median:.0f}",
        " ".join(f"{level.perplexity:.0f}" for level in levels),
        f"{100 * told.collision_rate:.1f} %",
        str(told.largest_collision),
        " ".join("-" if level.error is None else f"{level.error:.3f}" for level in levels),
        *(f"{lv.neighbours_sharing:.3f} ({lv.anybody_sharing:.4f})" for lv in levels),
    ]
    print("| " + " | ".join(cells) + " |", flush=True)


def _of_table(path: Path, kept: Path | None) -> dict[str, np.ndarray]:
    if kept and kept.exists():
        return {"text": np.load(kept)}
    from recs.ml.text_encoder import TextEncoder, packaged_model_dir

    with path.open(newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file, delimiter="\t")]
    vectors = TextEncoder(packaged_model_dir()).encode_documents(texts)
    if kept:
        np.save(kept, vectors)
    return {"text": vectors}


def _of_products(path: Path) -> dict[str, np.ndarray]:
    from recs.ml.image_encoder import ImageEncoder
    from recs.ml.text_encoder import TextEncoder, packaged_model_dir

    products = [json.loads(line) for line in path.open()]
    texts = [f"{one['name']}. {one['description']}" for one in products]
    photographs = [(path.parent / one["images"][0]).read_bytes() for one in products]
    return {
        "text": TextEncoder(packaged_model_dir()).encode_documents(texts),
        "image": ImageEncoder().encode(photographs),
    }


def _of_catalog() -> dict[str, np.ndarray]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from recs.content import all_item_ids, content_vectors

    return content_vectors(all_item_ids())


if __name__ == "__main__":
    main()
