"""Simulated typing: rows that an instant search would log of real texts, people and dates.

No real log of keystrokes is at hand. Who typed what on which day is real; how it was typed is
assumed, and every assumption is a field below. Nothing here says how people type.
"""

import bisect
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from recs.ml.finished.chains import Asked
from search.text import normalize_query

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Everything that is assumed of how people type and search. Shares are chances."""

    # templates/partials/header.html waits so long before it asks.
    debounce_seconds: float = 0.25
    # Between two letters: log-normal.
    letter_median: float = 0.2
    letter_spread: float = 0.5
    # After a space.
    word_factor: float = 1.5
    # Of a keystroke: a pause for thought before it, log-normal; and one of minutes.
    thought: float = 0.05
    thought_median: float = 1.5
    thought_spread: float = 0.8
    long_thought: float = 0.002
    long_thought_seconds: float = 180.0
    # Of a letter: a wrong one, seen after some letters and deleted; or never seen.
    slip: float = 0.02
    slip_unseen: float = 0.1
    backspace_seconds: float = 0.1
    # Of a query: given up midway; a hit taken midway; a completion picked midway.
    abandon: float = 0.08
    early_hit: float = 0.08
    completion: float = 0.12
    # Of a query typed to its end: Enter; and, with or without it, something taken.
    submit: float = 0.5
    taken: float = 0.4
    # Of a further query of the same day: the field is edited instead of emptied.
    edited: float = 0.3
    # Between two queries of a day: log-normal.
    reading_median: float = 20.0
    reading_spread: float = 1.0


@dataclass(frozen=True, slots=True)
class Ask:
    """A real query: who, when (seconds), which text, already normalized."""

    person: str
    time: float
    text: str


@dataclass(frozen=True, slots=True)
class SimulatedLog:
    """Rows in order of time, and of each whether its text was the whole of what was meant."""

    rows: list[Asked]
    truth: list[bool]


class Hits:
    """How many names hold all words of a text, the last one as a beginning."""

    def __init__(self, names: Sequence[str]) -> None:
        """Names, normalized."""
        self._holding: dict[str, set[int]] = defaultdict(set)
        for number, name in enumerate(names):
            for word in name.split():
                self._holding[word].add(number)
        self._words = sorted(self._holding)
        self.count = cache(self._count)

    def _count(self, text: str) -> int:
        *whole, last = text.split()
        start = bisect.bisect_left(self._words, last)
        end = bisect.bisect_left(self._words, last + "\U0010ffff")
        found = set().union(*(self._holding[word] for word in self._words[start:end]))
        for word in whole:
            found &= self._holding.get(word, set())
        return len(found)


def simulate(
    asks: Sequence[Ask], hits: Hits, assumed: Assumptions, *, seed: int = 0
) -> SimulatedLog:
    """The log of these queries; a person's queries of one time are typed one after another."""
    days: dict[tuple[str, float], list[str]] = defaultdict(list)
    for ask in asks:
        days[ask.person, ask.time].append(ask.text)
    found: list[tuple[Asked, bool]] = []
    for number, ((person, start), texts) in enumerate(sorted(days.items())):
        typist = _Typist(assumed, np.random.default_rng([seed, number]), start)
        for text in texts:
            found += [
                (
                    Asked(viewer=person, time=row.time, text=row.text, is_typing=row.is_typing,
                          is_taken=row.is_taken, is_picked=row.is_picked,
                          total=hits.count(row.text)),
                    row.is_whole,
                )
                for row in typist.search(text)
            ]  # fmt: skip
    found.sort(key=lambda one: one[0].time)
    return SimulatedLog([row for row, _ in found], [truth for _, truth in found])


@dataclass(slots=True)
class _Row:
    time: float
    text: str
    is_typing: bool = True
    is_taken: bool = False
    is_picked: bool = False
    is_whole: bool = False


class _Typist:
    """One person at the field, for one sitting."""

    def __init__(self, assumed: Assumptions, random: np.random.Generator, start: float) -> None:
        self._assumed, self._random, self._now = assumed, random, start
        self._field = ""

    def search(self, text: str) -> list[_Row]:
        """The rows of one query, which ends in one of five ways."""
        assumed = self._assumed
        self._now += self._long(assumed.reading_median, assumed.reading_spread)
        how = self._how(text)
        stop = len(text)
        if how != "whole":
            stop = int(self._random.integers(1, len(text)))
        states = list(self._states(text, stop))
        rows = self._pauses(states)
        # The last state always stands long enough to be logged, unless Enter comes first.
        last = _Row(self._now + assumed.debounce_seconds, normalize_query(self._field))
        if how == "whole":
            rows += self._ended(last)
        elif how == "completion":
            self._now += self._long(0.8, 0.5)
            rows += [last, _Row(self._now + 0.3, text, is_typing=False, is_picked=True)]
            self._field = text
        else:
            last.is_taken = how == "early hit"
            rows.append(last)
        self._now = rows[-1].time
        return [row for row in rows if row.text]

    def _how(self, text: str) -> str:
        assumed = self._assumed
        if len(text) < 2:
            return "whole"
        drawn = self._random.random()
        for name in ("abandon", "early_hit", "completion"):
            drawn -= getattr(assumed, name)
            if drawn < 0:
                return name.replace("_", " ")
        return "whole"

    def _ended(self, last: _Row) -> list[_Row]:
        last.is_whole = True
        rows = [last]
        if self._chance(self._assumed.submit):
            wait = self._long(0.5, 0.6)
            entered = _Row(self._now + wait, last.text, is_typing=False, is_whole=True)
            rows = [last, entered] if wait > self._assumed.debounce_seconds else [entered]
        rows[-1].is_taken = self._chance(self._assumed.taken)
        return rows

    def _states(self, text: str, stop: int) -> Iterator[tuple[float, str]]:
        """(time, what stands in the field) after each keystroke."""
        yield from self._emptied(text)
        while len(self._field) < stop:
            wanted = text[len(self._field)]
            if self._chance(self._assumed.slip):
                yield from self._slip(text, stop)
            else:
                yield self._press(self._field + wanted)

    def _emptied(self, text: str) -> Iterator[tuple[float, str]]:
        if not self._chance(self._assumed.edited):
            self._field = ""
        while self._field and not text.startswith(self._field):
            yield self._press(self._field[:-1], seconds=self._assumed.backspace_seconds)
        if self._field == text:
            self._field = ""

    def _slip(self, text: str, stop: int) -> Iterator[tuple[float, str]]:
        right, place = self._field, len(self._field)
        yield self._press(right + LETTERS[int(self._random.integers(len(LETTERS)))])
        if self._chance(self._assumed.slip_unseen):
            # The rest follows as it was meant.
            for letter in text[place + 1 : stop]:
                yield self._press(self._field + letter)
            return
        further = min(int(self._random.geometric(0.5)) - 1, stop - place - 1)
        for letter in text[place + 1 : place + 1 + further]:
            yield self._press(self._field + letter)
        self._now += self._long(0.5, 0.4)
        while self._field != right:
            yield self._press(self._field[:-1], seconds=self._assumed.backspace_seconds)

    def _press(self, field: str, *, seconds: float | None = None) -> tuple[float, str]:
        assumed = self._assumed
        if seconds is None:
            seconds = self._long(assumed.letter_median, assumed.letter_spread)
            if self._field.endswith(" "):
                seconds *= assumed.word_factor
            if self._chance(assumed.thought):
                seconds += self._long(assumed.thought_median, assumed.thought_spread)
            if self._chance(assumed.long_thought):
                seconds += assumed.long_thought_seconds
        self._now += seconds
        self._field = field
        return self._now, field

    def _pauses(self, states: Sequence[tuple[float, str]]) -> list[_Row]:
        """Rows of what stood longer than the page waits, without the last state."""
        wait = self._assumed.debounce_seconds
        return [
            _Row(time + wait, normalize_query(field))
            for (time, field), (next_time, _) in pairwise(states)
            if next_time - time > wait
        ]

    def _chance(self, share: float) -> bool:
        return bool(self._random.random() < share)

    def _long(self, median: float, spread: float) -> float:
        return float(median * np.exp(spread * self._random.standard_normal()))
