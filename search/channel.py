"""How likely a word is typed as it was: a noisy channel of letters, sounds and slips of the hand.

What sounds alike is learned from a pronouncing dictionary (benchmarks/letter_sounds.py), so "fone"
is near "phone"; how much that and each slip costs is learned from misspellings
(benchmarks/spelling.py). No catalog and no log is needed to begin with.

Source: Brill and Moore, An Improved Error Model for Noisy Channel Spelling Correction, ACL 2000
    (edits of several letters); Toutanova and Moore, Pronunciation Modeling for Improved Spelling
    Correction, ACL 2002 (sounds beside letters).
Differs from both: what sounds alike is learned without misspellings, and the costs are eleven
    numbers, of the best way alone instead of the sum over all.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

SOUNDS = Path(__file__).parent / "data" / "letter_sounds.json"
# Letters of a unit: "ough" is one.
LONGEST_UNIT = 4
# Letters of a word that are read.
LONGEST_WORD = 24
# So far a letter may be from its place.
BAND = 5
NEVER = np.float32(99.0)
VOWELS = frozenset("aeiouy")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipCosts:
    """What each slip costs; a letter that is typed as it is costs nothing."""

    # Letters in place of others that sound alike: so much, and for each nat of unlikeliness.
    sound: float = 0.0215
    sound_nat: float = 0.0864
    # A silent letter left out, beside the nats.
    silent: float = 0.2
    other_letter: float = 1.0
    other_vowel: float = 0.7
    left_out: float = 0.3456
    vowel_left_out: float = 0.161
    # One of two equal letters left out, or a letter typed twice.
    doubled: float = 1.2
    added: float = 1.0
    # A vowel, or an "h".
    vowel_added: float = 0.9576
    swapped: float = 0.0918


@dataclass(frozen=True, slots=True)
class Channel:
    """Costs of units in place of others.

    `units`: their numbers, from 1. `alike`: (U + 1, U + 1) float32, the cost of typing the second
    for the first. `silent`: (U + 1,) float32, of leaving it out because nobody hears it.
    """

    units: Mapping[str, int]
    alike: Floats
    silent: Floats
    costs: SlipCosts

    def cost(self, typed: str, words: Sequence[str]) -> Floats:
        """(len(words),) float32, from 0: what the cheapest way from each word to `typed` costs."""
        if not words or not typed:
            return np.full(len(words), NEVER, np.float32)
        typed = typed[:LONGEST_WORD]
        read = _Words.of([word[:LONGEST_WORD] for word in words], self)
        table = self._ways(typed, read)
        return np.asarray(table[len(typed), read.lengths, np.arange(len(words))], np.float32)

    def _ways(self, typed: str, read: "_Words") -> Floats:
        """(len(typed) + 1, longest + 1, C): the cheapest way from each beginning to each."""
        count, longest = read.codes.shape
        table = np.full((len(typed) + 1, longest + 1, count), NEVER, np.float32)
        table[0, 0] = 0.0
        left_out = self._left_out(read)
        units = _units_of(typed, self.units)
        replaced = {
            (end, size): self.alike[:, unit][read.units]
            for end, sizes in enumerate(units)
            for size, unit in enumerate(sizes, start=1)
            if unit
        }
        for i in range(len(typed) + 1):
            for j in range(max(0, i - BAND), min(longest, i + BAND) + 1):
                ways = [table[i, j]]
                if i:
                    ways.append(table[i - 1, j] + self._added(typed, i - 1))
                if j:
                    ways.append(table[i, j - 1] + left_out[:, j - 1])
                if i and j:
                    same = read.codes[:, j - 1] == ord(typed[i - 1])
                    other = self._other(typed[i - 1], read.vowels[:, j - 1])
                    ways.append(table[i - 1, j - 1] + np.where(same, np.float32(0.0), other))
                ways += self._alike_ways(table, replaced, i, j)
                if i > 1 and j > 1:
                    crossed = (read.codes[:, j - 1] == ord(typed[i - 2])) & (
                        read.codes[:, j - 2] == ord(typed[i - 1])
                    )
                    swap = np.where(crossed, np.float32(self.costs.swapped), NEVER)
                    ways.append(table[i - 2, j - 2] + swap)
                table[i, j] = np.minimum.reduce(ways)
        return table

    @staticmethod
    def _alike_ways(
        table: Floats, replaced: Mapping[tuple[int, int], Floats], i: int, j: int
    ) -> list[Floats]:
        """From units of the words to those of the typed one that end at these places."""
        return [
            table[i - size, j - own] + found[:, j - 1, own - 1]
            for size in range(1, min(LONGEST_UNIT, i) + 1)
            if (found := replaced.get((i - 1, size))) is not None
            for own in range(1, min(LONGEST_UNIT, j, LONGEST_UNIT + 1 - size) + 1)
        ]

    def _left_out(self, read: "_Words") -> Floats:
        """(C, longest) cost of leaving out each letter."""
        costs = self.costs
        single = np.where(read.vowels, costs.vowel_left_out, costs.left_out).astype(np.float32)
        doubled = np.zeros(read.codes.shape, np.bool_)
        doubled[:, 1:] = read.codes[:, 1:] == read.codes[:, :-1]
        single = np.where(doubled, np.minimum(single, np.float32(costs.doubled)), single)
        return np.minimum(single, self.silent[read.units[:, :, 0]])

    def _added(self, typed: str, place: int) -> np.float32:
        """Cost of a letter that is not in the word."""
        costs, letter = self.costs, typed[place]
        cost = costs.vowel_added if letter in VOWELS or letter == "h" else costs.added
        if place and typed[place - 1] == letter:
            cost = min(cost, costs.doubled)
        return np.float32(cost)

    def _other(self, letter: str, vowels: npt.NDArray[np.bool_]) -> Floats:
        """(C,) cost of this letter in place of another one."""
        if letter not in VOWELS:
            return np.full(len(vowels), self.costs.other_letter, np.float32)
        costs = np.where(vowels, self.costs.other_vowel, self.costs.other_letter)
        return costs.astype(np.float32)


@dataclass(frozen=True, slots=True)
class _Words:
    """C words as arrays of their letters.

    `codes`: (C, longest) code points, 0 behind the end. `units`: (C, longest, LONGEST_UNIT), the
    numbers of units of 1, 2 ... letters that end there. `vowels`: (C, longest). `lengths`: (C,).
    """

    codes: Ints
    units: Ints
    vowels: npt.NDArray[np.bool_]
    lengths: Ints

    @classmethod
    def of(cls, words: Sequence[str], channel: Channel) -> "_Words":
        lengths = np.array([len(word) for word in words])
        shape = (len(words), int(lengths.max()))
        codes = np.zeros(shape, np.int64)
        units = np.zeros((*shape, LONGEST_UNIT), np.int64)
        for row, word in enumerate(words):
            codes[row, : len(word)] = [ord(letter) for letter in word]
            units[row, : len(word)] = _units_of(word, channel.units)
        vowels = np.isin(codes, [ord(letter) for letter in VOWELS])
        return cls(codes=codes, units=units, vowels=vowels, lengths=lengths)


def _units_of(word: str, numbers: Mapping[str, int]) -> list[list[int]]:
    """For each place the numbers of the units that end there, by their letters; 0 for none."""
    return [
        [
            numbers.get(word[end - size : end], 0) if end >= size else 0
            for size in range(1, LONGEST_UNIT + 1)
        ]
        for end in range(1, len(word) + 1)
    ]


def channel_of(counts: Mapping[str, Mapping[str, float]], costs: SlipCosts) -> Channel:
    """A channel of how often each unit of letters was each sound.

    Args:
        counts: by unit, by sound; "" is no sound.
        costs: see its fields.
    """
    units = sorted(counts)
    sounds = sorted({sound for each in counts.values() for sound in each})
    table = np.array([[counts[unit].get(sound, 0.0) for sound in sounds] for unit in units])
    heard = table / table.sum(axis=1, keepdims=True)
    spelled = table / np.maximum(table.sum(axis=0, keepdims=True), 1e-9)
    chances = heard @ spelled.T
    with np.errstate(divide="ignore"):
        alike = costs.sound + costs.sound_nat * -np.log(chances)
        none = heard[:, sounds.index("")] if "" in sounds else np.zeros(len(units))
        silent = costs.silent + costs.sound_nat * -np.log(none)
    return Channel(
        units={unit: number for number, unit in enumerate(units, start=1)},
        alike=_with_none(np.minimum(alike, NEVER)),
        silent=_with_none(np.minimum(silent, NEVER)),
        costs=costs,
    )


def _with_none(values: npt.NDArray[np.float64]) -> Floats:
    """The same with a first row (and column) that nothing is like."""
    return np.pad(values, [(1, 0)] * values.ndim, constant_values=NEVER).astype(np.float32)


def read_counts() -> Mapping[str, Mapping[str, float]]:
    """How often each unit of letters is each sound in English; see channel_of()."""
    found: Mapping[str, Mapping[str, float]] = json.loads(SOUNDS.read_text())["counts"]
    return found


@cache
def english_channel() -> Channel:
    """That of English sounds; of letters that it does not know only slips count."""
    return channel_of(read_counts(), SlipCosts())
