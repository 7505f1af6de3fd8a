"""Whether a language model that only scores can tell which word was meant, beside the letters.

    python -m benchmarks.spelling_pairs --data ../shared/data/spelling/misspellings.tsv

Misspellings of words of the half that the corrector's numbers were not learned from; the model
chooses among the eight words that the corrector finds likeliest among all words of the data. Half
of the questions have what was meant among the choices, half have it taken out: there any choice
is wrong. Thresholds are to be chosen on `--part 0` and reported on `--part 1`; none was worth it,
so workers/augmentation/spellings.py does not ask a model that only scores.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.spelling import draw, read_misspellings
from search.word_index import WordIndex
from workers.llm.gguf import GgufFile, packaged_file
from workers.llm.types import Prompt

MOST_CHOICES = 8
LEAD = """Words with a typing error, and what was meant:
- definately: definitely
- recieve: receive
- fotograf: photograph
- accomodation: accommodation
- {typed}:"""


@dataclass(frozen=True, slots=True)
class Judged:
    """A question with its answer. `meant`: "" where it was taken out."""

    typed: str
    meant: str
    letters: Mapping[str, float]
    likelihoods: Mapping[str, float]

    def choice(self, letters: float, least: float, ahead: float) -> str:
        """The word that passes, "" for none."""
        scores = {
            word: told + letters * self.letters[word] for word, told in self.likelihoods.items()
        }
        best, *others = sorted(scores, key=lambda word: (-scores[word], word))
        lead = scores[best] - max((scores[word] for word in others), default=-np.inf)
        return best if self.likelihoods[best] >= least and lead >= ahead else ""

    def by_letters(self, ahead: float) -> str:
        """The same without the model."""
        best, *others = sorted(self.letters, key=lambda word: (-self.letters[word], word))
        lead = self.letters[best] - max((self.letters[word] for word in others), default=-np.inf)
        return best if lead >= ahead else ""


def main() -> None:
    """Ask, and count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--most", type=int, default=150, help="questions of each sort")
    parser.add_argument("--part", type=int, choices=(0, 1), default=1)
    args = parser.parse_args()
    judged = ask_all(args.data, most=args.most, part=args.part)
    print(f"{len(judged)} questions, {sum(bool(one.meant) for one in judged)} with the word")
    for ahead in (0.0, 0.5, 1.0, 2.0, 3.0):
        tell(f"letters alone, ahead by {ahead}", [one.by_letters(ahead) for one in judged], judged)
    for weight in (0.0, 0.25, 0.5, 1.0):
        for least in (-9.0, -4.0, -3.0, -2.0):
            for ahead in (0.0, 0.5, 1.0, 2.0):
                chosen = [one.choice(weight, least, ahead) for one in judged]
                tell(f"letters {weight}, at least {least}, ahead by {ahead}", chosen, judged)


def ask_all(data: Path, *, most: int, part: int) -> list[Judged]:
    """So many questions with what was meant among the choices, and as many without."""
    pairs = read_misspellings(data)
    own = sorted({word for _, word in pairs})
    halves = np.random.default_rng(0).permutation(len(own)) % 2
    half_of = dict(zip(own, halves.tolist(), strict=True))
    index = WordIndex.of(own)
    asked = draw([pair for pair in pairs if half_of[pair[1]] == 1], own, 8 * most)
    model = GgufFile(packaged_file(), is_small=True)
    judged: list[Judged] = []
    counts = {True: 0, False: 0}
    for number, (typed, place) in enumerate(zip(asked.typed, asked.meant, strict=True)):
        with_it = number // 2 % 2 == 0
        if number % 2 != part or counts[with_it] >= most:
            continue
        meant, letters = own[place], {one.word: one.score for one in index.meant(typed)}
        if not with_it:
            letters.pop(meant, None)
        letters = dict(list(letters.items())[:MOST_CHOICES])
        if not letters or (with_it and meant not in letters):
            continue
        counts[with_it] += 1
        told = likelihoods(model, typed, tuple(letters))
        judged.append(Judged(typed, meant if with_it else "", letters, told))
    return judged


def likelihoods(model: GgufFile, typed: str, words: tuple[str, ...]) -> dict[str, float]:
    """What the model tells of each word."""
    prompt = Prompt(
        purpose="benchmark", version="0", system="", user=f"<<{typed}>>", schema={},
        choices=words, lead=LEAD.format(typed=typed),
    )  # fmt: skip
    answer = json.loads(model.complete(prompt, seconds=60).text)
    return {one["text"]: one["likelihood"] for one in answer["chosen"]}


def tell(name: str, chosen: list[str], judged: list[Judged]) -> None:
    """How many were chosen and how many of these are right."""
    right = sum(bool(word) and word == one.meant for word, one in zip(chosen, judged, strict=True))
    some = sum(map(bool, chosen))
    there = sum(bool(one.meant) for one in judged)
    print(
        f"{name}: {some} chosen, {right} right: precision {right / max(1, some):.3f}, "
        f"found {right / max(1, there):.3f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
