"""What became of each beginning of a text: how many people typed it, stopped there, typed on.

Everybody counts once at a beginning. What is told of a viewer's text leaves that viewer out, so
that a text never testifies for itself: neither when weights are learned nor when they are used.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from recs.ml.finished.chains import Visit

# Letters of a text that are counted.
DEEPEST = 60


@dataclass(slots=True)
class Marks:
    """Texts of one viewer. `passed`: all beginnings. `stopped`: ends of chains, known or not."""

    passed: set[str] = field(default_factory=set)
    logged: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    stopped: set[str] = field(default_factory=set)

    def add(self, visit: Visit, shared: dict[str, str]) -> None:
        """Mark one text; equal strings of all viewers are one in memory."""
        beginnings = [visit.text[:size] for size in range(min(len(visit.text), DEEPEST) + 1)]
        beginnings = [shared.setdefault(each, each) for each in beginnings]
        text = beginnings[-1]
        self.passed.update(beginnings)
        self.logged.add(text)
        if visit.label:
            self.ended.add(text)
        if visit.label or visit.is_last:
            self.stopped.add(text)


NOTHING = Marks()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """People (without one) at a beginning: see PrefixTrie.at(). `rival`: at the best longer end."""

    passed: int
    logged: int
    ended: int
    stopped: int
    parent: int
    word_start: int
    next_letters: tuple[int, ...]
    next_space: int
    rival: int
    endings: int

    @property
    def entropy(self) -> float:
        """Of the next letter, in nats; 0 where nobody typed on."""
        total = sum(self.next_letters)
        shares = [count / total for count in self.next_letters if count]
        return -sum(share * math.log(share) for share in shares)


class PrefixTrie:
    """Counts over the visits of some window; nothing outside of it is known."""

    def __init__(self, seen: Iterable[Visit]) -> None:
        """Count visits, in any order."""
        self._marks: dict[str, Marks] = defaultdict(Marks)
        shared: dict[str, str] = {}
        for visit in seen:
            self._marks[visit.viewer].add(visit, shared)
        self._passed: Counter[str] = Counter()
        self._logged: Counter[str] = Counter()
        self._ended: Counter[str] = Counter()
        self._stopped: Counter[str] = Counter()
        for marks in self._marks.values():
            self._passed.update(marks.passed)
            self._logged.update(marks.logged)
            self._ended.update(marks.ended)
            self._stopped.update(marks.stopped)
        self._next = _next_letters(self._passed)
        self._endings, self._rivals = _below(self._stopped)

    @property
    def people(self) -> int:
        """How many viewers were counted."""
        return len(self._marks)

    def at(self, text: str, *, without: str | None = None) -> Seen:
        """What the others did at a text.

        Args:
            text: any; of a longer one than was ever typed everything is 0.
            without: the viewer to leave out; None for nobody.
        """
        text = text[:DEEPEST]
        own = self._marks.get(without, NOTHING) if without is not None else NOTHING
        return Seen(
            passed=_less(self._passed, own.passed, text),
            logged=_less(self._logged, own.logged, text),
            ended=_less(self._ended, own.ended, text),
            stopped=_less(self._stopped, own.stopped, text),
            parent=_less(self._passed, own.passed, text[:-1]),
            word_start=_less(self._passed, own.passed, text[: text.rfind(" ") + 1]),
            next_letters=tuple(
                _less(self._passed, own.passed, text + letter)
                for letter in self._next.get(text, "")
            ),
            next_space=_less(self._passed, own.passed, text + " "),
            rival=self._rival(text, own),
            endings=self._endings_of(text, own),
        )

    def _rival(self, text: str, own: Marks) -> int:
        """One less than the most only where the viewer left out stopped at all that have it."""
        most, equals = self._rivals.get(text, (0, 0))
        mine = sum(
            1
            for other in own.stopped
            if other.startswith(text) and other != text and self._stopped[other] == most
        )
        return most - (0 < equals == mine)

    def _endings_of(self, text: str, own: Marks) -> int:
        alone = sum(
            1
            for other in own.stopped
            if other.startswith(text) and other != text and self._stopped[other] == 1
        )
        return self._endings[text] - alone


def _less(counts: Counter[str], own: set[str], text: str) -> int:
    return counts[text] - (text in own)


def _next_letters(passed: Iterable[str]) -> dict[str, str]:
    """The letters that come after each beginning, in their order."""
    found: dict[str, list[str]] = defaultdict(list)
    for text in passed:
        if text:
            found[text[:-1]].append(text[-1])
    return {text: "".join(sorted(letters)) for text, letters in found.items()}


def _below(stopped: Counter[str]) -> tuple[Counter[str], dict[str, tuple[int, int]]]:
    """Of each beginning's longer ends: how many; (people at the best, how many as good)."""
    endings: Counter[str] = Counter()
    rivals: dict[str, tuple[int, int]] = {}
    for text, people in stopped.items():
        for size in range(len(text)):
            beginning = text[:size]
            endings[beginning] += 1
            most, equals = rivals.get(beginning, (0, 0))
            if people > most:
                rivals[beginning] = (people, 1)
            elif people == most:
                rivals[beginning] = (most, equals + 1)
    return endings, rivals
