"""Words by their letters: which of many may have been meant, and how likely each is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cdist

from search.channel import Channel, english_channel

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

# Words that share most pairs of letters with what was typed; of them those that are nearest; of
# them the channel looks at each.
SHARING = 300
NEAREST = 60
# What costs the channel no more sounds the same: another first letter is then no sign against it.
SAME_SOUND = 0.15
# Neither a vowel nor a letter that is often silent.
_SOFT = frozenset("aeiouyhw'")
# Of Jaro-Winkler, cost, another first letter, edits between consonants, share of pairs and the
# logarithm of the cost; learned by benchmarks/spelling.py.
WEIGHTS = (6.02, -0.09, -1.47, -0.28, 2.57, -3.15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A word that may have been meant.

    `score`: log-odds up to a constant, of the letters alone. `cost`: of the channel, from 0.
    `edits`: optimal string alignment distance.
    """

    word: str
    score: float
    cost: float
    edits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """C words beside what was typed. `values`: (C, len(WEIGHTS)) float32 features.

    `costs`: (C,) float32 of the channel. `edits`: (C,) int64.
    """

    words: tuple[str, ...]
    values: Floats
    costs: Floats
    edits: Ints

    @classmethod
    def of(cls, typed: str, words: Sequence[str], channel: Channel) -> "Weighed":
        """What speaks for each, in the order of the words; none of them is empty."""
        if not words:
            nothing = np.zeros(0, np.float32)
            values = np.zeros((0, len(WEIGHTS)), np.float32)
            return cls(words=(), values=values, costs=nothing, edits=np.zeros(0, np.int64))
        costs = channel.cost(typed, words)
        bones = [_consonants(word) for word in words]
        held = set(pairwise(f"\0{typed}\0"))
        columns = [
            cdist([typed], words, scorer=JaroWinkler.similarity)[0],
            costs,
            np.array([word[0] != typed[0] for word in words]) & (costs > SAME_SOUND),
            cdist([_consonants(typed)], bones, scorer=OSA.distance)[0],
            np.array([_share(held, set(pairwise(f"\0{word}\0"))) for word in words]),
            np.log(costs + 0.05),
        ]
        return cls(
            words=tuple(words),
            values=np.stack(columns, axis=1).astype(np.float32),
            costs=costs,
            edits=cdist([typed], words, scorer=OSA.distance)[0].astype(np.int64),
        )

    def meant(self) -> list[Meant]:
        """Likeliest first, among equals in the order of the words."""
        scores = self.values @ np.array(WEIGHTS, np.float32)
        return [
            Meant(
                word=self.words[row],
                score=float(scores[row]),
                cost=float(self.costs[row]),
                edits=int(self.edits[row]),
            )
            for row in np.argsort(-scores, kind="stable").tolist()
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class WordIndex:
    """N words by the pairs of letters that they hold.

    `pairs`: (P,) sorted, those that occur; the words that hold pair p are
    `rows[offsets[p]:offsets[p + 1]]`. `sizes`: (N,) float32, how many pairs each word holds.
    """

    words: tuple[str, ...]
    pairs: Ints
    offsets: Ints
    rows: npt.NDArray[np.int32]
    sizes: Floats

    @classmethod
    def of(cls, words: Sequence[str]) -> "WordIndex":
        """An index of these, in their order."""
        lengths = np.array([len(word) + 1 for word in words], np.int64)
        owners = np.repeat(np.arange(len(words)), lengths)
        keys = np.unique(np.stack([_pairs(words), owners]), axis=1)
        pairs, starts = np.unique(keys[0], return_index=True)
        return cls(
            words=tuple(words),
            pairs=pairs,
            offsets=np.append(starts, keys.shape[1]).astype(np.int64),
            rows=keys[1].astype(np.int32),
            sizes=np.bincount(keys[1], minlength=len(words)).astype(np.float32),
        )

    def meant(self, typed: str) -> list[Meant]:
        """Words that `typed` may stand for, likeliest first; `typed` itself is not among them."""
        return self.weighed(typed, english_channel()).meant()

    def weighed(self, typed: str, channel: Channel) -> Weighed:
        """Words that are somehow like `typed`, less itself, in the order of the index."""
        places = np.sort(self._nearest(typed)).tolist()
        return Weighed.of(typed, [self.words[place] for place in places], channel)

    def _nearest(self, typed: str) -> Ints:
        """Places of the NEAREST that share most pairs of letters and need the fewest edits."""
        if not self.words or not typed:
            return np.zeros(0, np.int64)
        shares = self._shares(typed)
        places = _highest(shares, SHARING)
        words = [self.words[place] for place in places]
        likeness = cdist([typed], words, scorer=OSA.normalized_similarity)[0]
        places = places[_highest(shares[places] + likeness, NEAREST)]
        return places[[self.words[place] != typed for place in places.tolist()]]

    def _shares(self, typed: str) -> Floats:
        """(N,) twice the shared pairs by all pairs of both (Dice)."""
        asked = np.unique(_pairs([typed]))
        places = np.searchsorted(self.pairs, asked)
        places = places[places < len(self.pairs)]
        places = places[np.isin(self.pairs[places], asked)]
        parts = [self.rows[self.offsets[place] : self.offsets[place + 1]] for place in places]
        held = np.concatenate(parts) if parts else np.zeros(0, np.int32)
        shared = np.bincount(held, minlength=len(self.words))
        return np.asarray(2 * shared / (self.sizes + len(asked)), np.float32)


def _share(left: set[tuple[str, str]], right: set[tuple[str, str]]) -> float:
    """Twice what both hold, by what each holds (Dice)."""
    return 2 * len(left & right) / (len(left) + len(right))


def _consonants(word: str) -> str:
    """The first letter, then what is heard most."""
    return word[0] + "".join(letter for letter in word[1:] if letter not in _SOFT)


def _pairs(words: Sequence[str]) -> Ints:
    """Neighbouring letters of the words one after the other, with an end before and behind each."""
    if not words:
        return np.zeros(0, np.int64)
    text = "\0" + "\0".join(words) + "\0"
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32).astype(np.int64)
    return codes[:-1] << 21 | codes[1:]


def _highest(values: Floats, count: int) -> Ints:
    """Places of the highest, in no order."""
    if len(values) <= count:
        return np.arange(len(values))
    return np.argpartition(-values, count)[:count]
