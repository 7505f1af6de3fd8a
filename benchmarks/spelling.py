"""How often the word that was meant is found first, and the numbers that find it.

    python -m benchmarks.spelling --data ../shared/data/spelling/misspellings.tsv
    python -m benchmarks.spelling --data ... --learn

A line of the data is a misspelling, a tab and the word. The vocabulary is all words of the data.
Words are parted in two halves: `--learn` finds costs of the channel and weights by the first and
prints them for search/channel.py and search/word_index.py; what is reported is of the second alone.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cdist
from scipy.optimize import minimize
from scipy.special import softmax

from search.channel import SlipCosts, channel_of, read_counts
from search.text import normalize_query
from search.word_index import WEIGHTS, WordIndex

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Asked:
    """Misspellings with the places of what was meant; `near`: within two edits of it."""

    typed: list[str]
    meant: list[int]
    near: npt.NDArray[np.bool_]

    @property
    def words(self) -> int:
        """How many words were meant."""
        return len(set(self.meant))


def main() -> None:
    """Read, ask, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--most", type=int, default=4000, help="misspellings asked, drawn")
    parser.add_argument("--learn", action="store_true", help="find costs and weights anew")
    parser.add_argument("--taught", type=int, default=800, help="misspellings for --learn")
    parser.add_argument("--also", type=Path, help="more words to be mistaken for, one a line")
    parser.add_argument("--speed", type=int, metavar="WORDS", help="time it among so many words")
    args = parser.parse_args()
    pairs = read_misspellings(args.data)
    own = sorted({word for _, word in pairs})
    halves = np.random.default_rng(0).permutation(len(own)) % 2
    half_of = dict(zip(own, halves.tolist(), strict=True))
    words = sorted({*own, *read_more(args.also, pairs)})
    index = WordIndex.of(words)
    taught, asked = (
        draw([pair for pair in pairs if half_of[pair[1]] == half], words, most)
        for half, most in enumerate((args.taught, args.most))
    )
    print(f"{len(words)} words; asked are {len(asked.typed)} misspellings of {asked.words} of them")
    _tell("edits, first letter, Jaro-Winkler", plain_places(asked, words), asked)
    costs, weights = SlipCosts(), np.array(WEIGHTS)
    _tell("as it stands", asked_of(index, asked, costs).places(weights), asked)
    if args.learn:
        costs, weights = find_costs(index, taught)
        print(costs)
        print("weights:", np.round(weights, 2).tolist())
        _tell("learned", asked_of(index, asked, costs).places(weights), asked)
    if args.speed:
        _tell_speed(asked.typed, padded(words, args.speed))


@dataclass(frozen=True, slots=True)
class Ranked:
    """Candidates of misspellings. `values`: features; `rows`: which of them was meant, or -1."""

    values: list[Floats]
    rows: list[int]

    def places(self, weights: Floats) -> Ints:
        """How many candidates stand before what was meant; very many where it is none of them."""
        found = []
        for values, row in zip(self.values, self.rows, strict=True):
            scores = values @ weights
            found.append(int((scores > scores[row]).sum()) if row >= 0 else 1_000_000)
        return np.array(found)


def asked_of(index: WordIndex, asked: Asked, costs: SlipCosts) -> Ranked:
    """What the index gives for misspellings."""
    channel = channel_of(read_counts(), costs)
    found = [index.weighed(typed, channel) for typed in asked.typed]
    return Ranked(
        values=[each.values.astype(np.float64) for each in found],
        rows=[
            _row_of(each.words, index.words[meant])
            for each, meant in zip(found, asked.meant, strict=True)
        ],
    )


def find_costs(index: WordIndex, taught: Asked) -> tuple[SlipCosts, Floats]:
    """Costs one at a time, larger and smaller, as long as what was meant grows likelier."""
    costs = SlipCosts()
    weights, least = learn(asked_of(index, taught, costs))
    for factors in ((0.5, 2.0), (0.75, 1.33), (0.9, 1.1)):
        for field in fields(SlipCosts):
            for factor in factors:
                value = round(getattr(costs, field.name) * factor, 4)
                tried = replace(costs, **{field.name: value})
                own, loss = learn(asked_of(index, taught, tried))
                if loss < least - 1e-4:
                    costs, weights, least = tried, own, loss
        print(f"loss {least:.4f} with {costs}", flush=True)
    return costs, weights


def read_misspellings(path: Path) -> list[tuple[str, str]]:
    """Those that are no word of the file themselves."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [tuple(map(normalize_query, line.split("\t"))) for line in lines]
    words = {word for _, word in pairs}
    return [(typed, word) for typed, word in pairs if typed and typed not in words]


def read_more(path: Path | None, pairs: Sequence[tuple[str, str]]) -> set[str]:
    """Further words; what the data calls a misspelling is none."""
    if path is None:
        return set()
    words = map(normalize_query, path.read_text(encoding="utf-8").splitlines())
    return {word for word in words if word} - {typed for typed, _ in pairs}


def padded(words: Sequence[str], count: int) -> list[str]:
    """So many words: the own ones, and beginnings of some with ends of others."""
    random = np.random.default_rng(0)
    found = dict.fromkeys(words)
    while len(found) < count:
        left, right = (words[place] for place in random.integers(len(words), size=2))
        found[left[: random.integers(2, 7)] + right[-random.integers(2, 7) :]] = None
    return list(found)[:count]


def draw(pairs: Sequence[tuple[str, str]], words: Sequence[str], most: int) -> Asked:
    """At most so many, by a fixed seed."""
    rows = np.random.default_rng(0).permutation(len(pairs))[:most]
    places = {word: place for place, word in enumerate(words)}
    chosen = [pairs[row] for row in rows]
    return Asked(
        typed=[typed for typed, _ in chosen],
        meant=[places[word] for _, word in chosen],
        near=np.array([OSA.distance(typed, word) <= 2 for typed, word in chosen]),
    )


def plain_places(asked: Asked, words: Sequence[str]) -> Ints:
    """The place of what was meant by edits, then first letter, then Jaro-Winkler."""
    places = []
    for typed, meant in zip(asked.typed, asked.meant, strict=True):
        edits = cdist([typed], words, scorer=OSA.distance)[0].astype(np.float64)
        first = np.array([word[0] != typed[0] for word in words])
        alike = cdist([typed], words, scorer=JaroWinkler.similarity)[0]
        costs = edits * 100 + first * 10 - alike
        places.append(int((costs < costs[meant]).sum()))
    return np.array(places)


def learn(ranked: Ranked) -> tuple[Floats, float]:
    """Weights under which what was meant is likeliest among its candidates, and the loss."""
    kept = [(v, row) for v, row in zip(ranked.values, ranked.rows, strict=True) if row >= 0]
    shape = (len(kept), max(len(values) for values, _ in kept), kept[0][0].shape[1])
    table, there = np.zeros(shape), np.zeros(shape[:2], np.bool_)
    for number, (values, _) in enumerate(kept):
        table[number, : len(values)] = values
        there[number, : len(values)] = True
    scale = table[there].std(axis=0) + 1e-9
    table /= scale
    right = np.array([row for _, row in kept])
    own = table[np.arange(len(kept)), right]

    def loss(weights: Floats) -> tuple[float, Floats]:
        scores = np.where(there, table @ weights, -np.inf)
        chances = softmax(scores, axis=1)
        missed = -np.log(chances[np.arange(len(kept)), right] + 1e-12).mean()
        slope = (np.einsum("kc,kcf->kf", chances, table) - own).mean(axis=0)
        return float(missed + 1e-3 * weights @ weights), slope + 2e-3 * weights

    found = minimize(loss, np.zeros(shape[2]), jac=True)
    return np.asarray(found.x / scale), float(found.fun)


def _row_of(words: Sequence[str], meant: str) -> int:
    return words.index(meant) if meant in words else -1


def _tell(name: str, places: Ints, asked: Asked) -> None:
    """Accuracy with the 95 % interval over words."""
    words = np.array(asked.meant)
    first, near = places == 0, asked.near
    parts = [
        f"first {_interval(first, words)}",
        f"of the first five {(places < 5).mean():.4f}",
        f"first, within two edits {_interval(first[near], words[near])}",
    ]
    print(f"{name}: " + "; ".join(parts), flush=True)


def _tell_speed(typed: Sequence[str], words: Sequence[str]) -> None:
    """Milliseconds of one core for a word, after some that warm it up."""
    index = WordIndex.of(words)
    times = []
    for one in typed[:500]:
        started = time.process_time()
        index.meant(one)
        times.append(1e3 * (time.process_time() - started))
    middle, high = np.quantile(times[20:], [0.5, 0.99])
    print(f"among {len(words)} words, of one core: p50 {middle:.1f} ms, p99 {high:.1f} ms")


def _interval(right: npt.NDArray[np.bool_], words: Ints) -> str:
    _, owners = np.unique(words, return_inverse=True)
    sums, counts = np.bincount(owners, right), np.bincount(owners)
    drawn = np.random.default_rng(0).integers(0, len(sums), (1000, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{right.mean():.4f} ({low:.4f} to {high:.4f})"


if __name__ == "__main__":
    main()
