"""Learn which letters sound alike from a pronouncing dictionary, for search/channel.py.

    python -m benchmarks.letter_sounds --dictionary cmudict.dict

The dictionary has a word and its sounds a line, as the CMU Pronouncing Dictionary has. Units of one
to four letters are aligned with sounds by expectation maximisation; no misspelling is read.

Source: Jiampojamarn et al., Applying Many-to-Many Alignments and Hidden Markov Models to
    Letter-to-Phoneme Conversion, NAACL 2007 (many-to-many alignment).
"""

import argparse
import itertools
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from search.channel import SOUNDS

Pair = tuple[str, tuple[str, ...]]
# Letters and sounds of a pair, and how likely one is before anything was counted.
SHAPES = {(1, 0): 0.05, (1, 1): 0.5, (1, 2): 0.01, (2, 1): 0.1, (3, 1): 0.01, (4, 1): 0.002}
# Rounds, and the expected count that a pair needs to stay: what is rare is an error of alignment.
ROUNDS = 6
LEAST = 2.0
LEAST_KEPT = 5.0


def main() -> None:
    """Read, align, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dictionary", type=Path, required=True)
    parser.add_argument("--words", type=int, default=24_000, help="drawn by the seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=SOUNDS)
    args = parser.parse_args()
    spoken = read_spoken(args.dictionary)
    words = sorted(spoken)
    random.Random(args.seed).shuffle(words)
    counts = align({word: spoken[word] for word in words[: args.words]})
    told = {
        "source": "The CMU Pronouncing Dictionary, (c) 1993-2015 Carnegie Mellon University; "
        "expected counts of letters and sounds, learned by benchmarks/letter_sounds.py",
        "counts": by_unit(counts),
    }
    args.out.write_text(json.dumps(told, sort_keys=True) + "\n")
    print(f"{len(told['counts'])} units, {len(counts)} pairs; written to {args.out}")


def read_spoken(path: Path) -> dict[str, tuple[str, ...]]:
    """Words of Latin letters and their first pronunciation, without stress."""
    found: dict[str, tuple[str, ...]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        word, *sounds = line.split("#")[0].split() or [""]
        if re.fullmatch("[a-z]{2,13}", word) and sounds:
            found[word] = tuple(re.sub(r"\d", "", sound) for sound in sounds)
    return found


def align(spoken: Mapping[str, tuple[str, ...]]) -> dict[Pair, float]:
    """Expected counts of letters and sounds that belong together."""
    chances: dict[Pair, float] | None = None
    counts: dict[Pair, float] = {}
    for number in range(ROUNDS):
        counts = defaultdict(float)
        for word, sounds in spoken.items():
            _add_expected(word, sounds, chances, counts)
        least = LEAST if number >= ROUNDS // 2 else LEAST / 4
        counts = {pair: count for pair, count in counts.items() if count > least}
        total = sum(counts.values())
        chances = {pair: count / total for pair, count in counts.items()}
        print(f"round {number + 1} of {ROUNDS}: {len(counts)} pairs", flush=True)
    return {pair: count for pair, count in counts.items() if count >= LEAST_KEPT}


def by_unit(counts: Mapping[Pair, float]) -> dict[str, dict[str, float]]:
    """By letters, by sounds."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for (letters, sounds), count in counts.items():
        found[letters][" ".join(sounds)] = round(count, 1)
    return dict(found)


Place = tuple[int, int]


def _add_expected(
    word: str,
    sounds: tuple[str, ...],
    chances: Mapping[Pair, float] | None,
    counts: dict[Pair, float],
) -> None:
    """Forward over all ways to align, then backward; what cannot be aligned adds nothing."""
    end = (len(word), len(sounds))
    forward: dict[Place, float] = defaultdict(float, {(0, 0): 1.0})
    steps: list[tuple[Place, Place, Pair, float]] = []
    for origin in itertools.product(range(len(word)), range(len(sounds) + 1)):
        if not forward.get(origin):
            continue
        for to, pair, chance in _steps(word, sounds, origin, chances):
            forward[to] += forward[origin] * chance
            steps.append((origin, to, pair, chance))
    if not (whole := forward.get(end)):
        return
    backward: dict[Place, float] = defaultdict(float, {end: 1.0})
    for origin, to, pair, chance in reversed(steps):
        if weight := backward.get(to):
            backward[origin] += weight * chance
            counts[pair] += forward[origin] * chance * weight / whole


def _steps(
    word: str, sounds: tuple[str, ...], origin: Place, chances: Mapping[Pair, float] | None
) -> Iterator[tuple[Place, Pair, float]]:
    """What may come next, and how likely it is."""
    for (letters, heard), usual in SHAPES.items():
        to = (origin[0] + letters, origin[1] + heard)
        if to[0] <= len(word) and to[1] <= len(sounds):
            pair = (word[origin[0] : to[0]], sounds[origin[1] : to[1]])
            if chance := usual if chances is None else chances.get(pair, 0.0):
                yield to, pair, chance


if __name__ == "__main__":
    main()
