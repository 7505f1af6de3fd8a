"""Where to cut what is only near in meaning: by nearness, by the model's chance, or by both.

    .venv/bin/python -m benchmarks.relevance_cut --data GRADED.csv --folds 0
    .venv/bin/python -m benchmarks.relevance_cut --data GRADED.csv --table

Judged pairs of a query and a product (grade 1 is bad, 3 and 4 are good; 2 is left out) become a log
in which people who asked a query chose its good products. Queries are cut into four folds: the
unified model learns from the log of two, cuts are chosen by grades of the third, and all is
reported on the fourth. What counts is the tail: pairs whose title and description lack a word of
the query. A cut is one for all queries. Each fold is kept under var/relevance_cut.
"""

import argparse
import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.m3csr_data import encode_texts
from recs.ml.relevance.pairs import Pairs, read_pairs
from recs.ml.relevance.words import STOP_WORDS, stems
from recs.ml.unified import match_cut_fit
from recs.ml.unified.config import UnifiedConfig
from recs.ml.unified.features import NAMES_OF_ALL
from recs.ml.unified.joint_benchmark import UNIFIED, JointOptions, learn_systems, read_windows
from recs.ml.unified.joint_files import JointData, read_joint
from recs.ml.unified.match_cut import FLOORS, KINDS, floors, tail_features
from recs.ml.unified.match_cut_fit import Tail, auc
from recs.ml.unified.ranker import Ranker, RankerConfig
from recs.ml.unified.surfaces import NOBODY, SEARCH, Requests

FOLDER = Path("var/relevance_cut")
FOLDS, PEOPLE = 4, 40
FIRST_DAY, LEARNED_DAYS = 12_000, 400
DRAWS = 1_000

Rows = npt.NDArray[np.float64]


def main() -> None:
    """Learn and keep the folds that are asked for, or print the table of those that are kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folds", type=int, nargs="+", default=list(range(FOLDS)))
    parser.add_argument("--table", action="store_true", help="learn nothing")
    args = parser.parse_args()
    pairs = read_pairs(args.data, judged=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for fold in [] if args.table else args.folds:
        np.save(_kept(fold), _fold(pairs, fold))
        print(f"fold {fold} is kept", flush=True)
    if args.table:
        _print_table([np.load(_kept(fold)) for fold in args.folds])


def _kept(fold: int) -> Path:
    return FOLDER / f"fold-{fold}.npy"


def _folds(pairs: Pairs) -> dict[str, int]:
    names = sorted(set(pairs.queries))
    drawn = np.random.default_rng(0).permutation(len(names)) % FOLDS
    return dict(zip(names, drawn.tolist(), strict=True))


def _products(pairs: Pairs) -> dict[tuple[str, str], int]:
    both = dict.fromkeys(zip(pairs.titles, pairs.descriptions, strict=True))
    return {product: number for number, product in enumerate(both)}


def _fold(pairs: Pairs, fold: int) -> Rows:
    """(P, 7) of the pairs that choose and of those that are reported on.

    Whether it is reported on, number of the query, grade, whether the product holds all its words,
    and the three features of the cut.
    """
    with tempfile.TemporaryDirectory() as folder:
        _write_log(pairs, Path(folder), fold)
        data = read_joint(Path(folder))
    since = datetime.fromtimestamp((FIRST_DAY + LEARNED_DAYS) * 86_400, UTC)
    options = _options()
    windows = read_windows(data, lambda texts: encode_texts(texts, FOLDER), since, options)
    ranker = learn_systems(windows, options)[UNIFIED].ranker
    names, folds, products = sorted(set(pairs.queries)), _folds(pairs), _products(pairs)
    rows: list[Rows] = []
    for number, name in enumerate(names):
        if folds[name] not in (fold, (fold + 1) % FOLDS):
            continue
        mine = [place for place, query in enumerate(pairs.queries) if query == name]
        keys = [str(products[pairs.titles[n], pairs.descriptions[n]]) for n in mine]
        features = _features(ranker, data, name, data.vocabulary.rows(keys))
        about = [[folds[name] == fold, number, pairs.grades[n], _holds(pairs, n)] for n in mine]
        rows.append(np.concatenate([np.array(about, np.float64), features], axis=1))
    return np.concatenate(rows)


def _options() -> JointOptions:
    """Smaller and shorter than in the product: there is little to learn from."""
    unified, ranker = UnifiedConfig(), RankerConfig(members=1)
    tower = replace(unified.tower, embedding_size=64, hidden=128)
    return JointOptions(
        mixes="none",
        person=None,
        most_taught=1_500,
        unified=replace(unified, tower=tower, fit=replace(unified.fit, epochs=4)),
        ranker=replace(ranker, fit=replace(ranker.fit, epochs=20)),
    )


def _write_log(pairs: Pairs, folder: Path, fold: int) -> None:
    """The folder of films' shape: queries of two folds before the date, of the others after it."""
    random, folds, products = np.random.default_rng(1), _folds(pairs), _products(pairs)
    with (folder / "items.jsonl").open("w") as file:
        for (title, about), number in products.items():
            row = {"movieId": number, "title": title, "genres": []}
            file.write(json.dumps({**row, "wikipedia": {"extract": about[:600]}}) + "\n")
    tags, ratings = ["userId,movieId,tag,timestamp"], ["userId,movieId,rating,timestamp"]
    everybody = zip(pairs.queries, pairs.titles, pairs.descriptions, pairs.grades, strict=True)
    for query, title, about, grade in everybody:
        learned = folds[query] not in (fold, (fold + 1) % FOLDS)
        number = products[title, about]
        # Of the queries that are not learned from only the words are read.
        for _ in range(0 if learned and grade < 3 else 2 if grade > 3 else 1):
            day = FIRST_DAY + (random.random() if learned else 1.01) * LEARNED_DAYS
            person = int(random.integers(PEOPLE)) + (0 if learned else PEOPLE)
            tags.append(f'{person},{number},"{query}",{int(day * 86_400)}')
            if learned:
                ratings.append(f"{person},{number},5,{int(day * 86_400) + 60}")
    (folder / "tags.csv").write_text("\n".join(tags) + "\n")
    (folder / "ratings.csv").write_text("\n".join(ratings) + "\n")


def _features(ranker: Ranker, data: JointData, query: str, products: npt.NDArray[np.int64]) -> Rows:
    """(n, 3) of these products, asked by a stranger after the date."""
    words = data.queries.rows([" ".join(query.casefold().split())])
    asked = Requests(
        tasks=np.array([SEARCH], np.int8),
        words=words,
        sources=np.zeros(1, np.int64),
        persons=np.array([NOBODY], np.int64),
        days=np.array([FIRST_DAY + LEARNED_DAYS + 1.0]),
    )
    read = ranker.reader.read(asked, products[None])[0]
    texts = ranker.reader.prepared.texts
    nearest = float((texts.items[1:] @ texts.words[words[0]]).max())
    near = read[:, NAMES_OF_ALL.index("text")]
    return tail_features(near, nearest, ranker.scores.logits(read))


def _holds(pairs: Pairs, place: int) -> bool:
    words = {stem for stem in stems(pairs.queries[place]) if stem not in STOP_WORDS}
    return words <= set(stems(f"{pairs.titles[place]} {pairs.descriptions[place]}"))


def _tail(rows: Rows) -> Tail:
    kept = rows[(rows[:, 3] == 0) & ((rows[:, 2] <= 1) | (rows[:, 2] >= 3))]
    return Tail(features=kept[:, 4:], good=kept[:, 2] >= 3, queries=kept[:, 1].astype(np.int64))


def _print_table(folds: list[Rows]) -> None:
    """AUC of each kind; what each loses and removes at its own threshold, and at the floors'."""
    parts = []
    for rows in folds:
        chosen, told = (_tail(rows[rows[:, 0] == is_told]) for is_told in (0, 1))
        scores = {FLOORS: floors(told.features)}
        kept = {FLOORS: scores[FLOORS] >= 1.0}
        lost = 1.0 - float((floors(chosen.features) >= 1.0)[chosen.good].mean())
        for kind, columns in KINDS.items():
            cut = match_cut_fit.cut_of(chosen, kind)
            scores[kind] = cut.chances(told.features)
            kept[kind] = cut.keeps(told.features)
            at = match_cut_fit.threshold_of(
                match_cut_fit.cross_fitted(chosen, columns), chosen.good, lost
            )
            kept[f"{kind}, losing what the floors lose"] = scores[kind] >= at
        parts.append((told, scores, kept))
    whole = Tail(
        features=np.concatenate([tail.features for tail, _, _ in parts]),
        good=np.concatenate([tail.good for tail, _, _ in parts]),
        queries=np.concatenate([tail.queries for tail, _, _ in parts]),
    )
    print(whole.told())
    print("| cut | AUC within folds | good ones lost | bad ones removed |\n|---|---|---|---|")
    for name in parts[0][2]:
        passes = np.concatenate([kept[name] for _, _, kept in parts])
        shares = match_cut_fit.shares(whole, passes)
        mean = _auc(parts, name) if name in parts[0][1] else ""
        cells = [_cell(shares[each]) for each in ("rejected", "removed")]
        print(f"| {name} | {mean} | {cells[0]} | {cells[1]} |")
    _print_differences(whole, parts)


def _auc(parts: list[Any], name: str) -> str:
    """The mean of the folds: chances of different models are not compared."""
    return f"{np.mean([auc(scores[name], tail.good) for tail, scores, _ in parts]):.3f}"


def _print_differences(whole: Tail, parts: list[Any]) -> None:
    """How much more AUC each kind has than the floors, when queries are drawn anew."""
    sizes = np.cumsum([0, *(len(tail) for tail, _, _ in parts)])
    names, owners = np.unique(whole.queries, return_inverse=True)
    random = np.random.default_rng(0)
    drawn = random.multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS)
    for kind in KINDS:
        found = []
        for one in drawn:
            times = one[owners]
            each = []
            for place, (tail, scores, _) in enumerate(parts):
                own = np.repeat(np.arange(len(tail)), times[sizes[place] : sizes[place + 1]])
                own_good = tail.good[own]
                if 0 < own_good.sum() < len(own):
                    both = (auc(scores[name][own], own_good) for name in (kind, FLOORS))
                    each.append(next(both) - next(both))
            found.append(np.mean(each))
        low, high = np.quantile(found, [0.025, 0.975])
        print(f"{kind} over the floors, AUC: {np.mean(found):+.3f} ({low:+.3f} to {high:+.3f})")


def _cell(share: dict[str, float]) -> str:
    return f"{share['mean']:.1%} ({share['low']:.1%} to {share['high']:.1%})"


if __name__ == "__main__":
    main()
