"""One session of a simulated person: pure, and blind to how answers come about.

A query is asked, hits are looked at from the top, what the person really went on to want is
clicked and taken. Then they pick a recommended query, or ask what they came for next, or leave.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from benchmarks.simulator.chance import Chance
from benchmarks.simulator.config import Assumptions
from benchmarks.simulator.people import Intent, Person, favourite_names, intents, names_of
from catalog.types import ItemInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer as a person sees it. `pills`: (text, source)."""

    query_id: str
    items: Sequence[str]
    pills: Sequence[tuple[str, str]] = ()


class Answers(Protocol):
    """Whoever answers."""

    def ask(self, person: Person, query: str, picked_from: str) -> Page:
        """The page of a search."""
        ...

    def home(self, person: Person) -> Page:
        """The page before anything is typed: no hits, places to start."""
        ...

    def peek(self, query: str) -> Sequence[str]:
        """The first ten hits that a recommended query would have."""
        ...

    def act(self, person: Person, page: Page, item: str, position: int, *, taken: bool) -> None:
        """The person clicks a hit, and takes it where it is what they wanted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One search as it went."""

    kind: str  # title, typed, vague, pill
    query: str
    looked_at: int
    clicked: tuple[str, ...]
    taken: tuple[str, ...]


class Mind:
    """A person while they search. `wanted`: what is still open of what they will want."""

    def __init__(
        self,
        person: Person,
        *,
        items: Mapping[str, ItemInput],
        assumed: Assumptions,
        chance: Chance,
        known: Collection[str] | None = None,
    ) -> None:
        self.person = person
        self.wanted = {item for item in person.later if item in items}
        self._items, self._assumed, self._chance = items, assumed, chance
        # What one can come for; what is new in the catalog can only be met.
        self._known = items if known is None else {item: items[item] for item in known}
        self._names = favourite_names(person, items)

    def live(self, answers: Answers) -> Iterator[Asked]:
        """All sessions of the day."""
        for session in range(self._assumed.sessions):
            yield from self._session(session, answers)

    def _session(self, session: int, answers: Answers) -> Iterator[Asked]:
        planned = intents(
            self.person, session, items=self._known, assumed=self._assumed, chance=self._chance
        )
        start = self._start(answers, session)
        now = Intent("pill", start[0]) if start else next(planned, None)
        picked_from, count = start[1] if start else "", 0
        while now is not None and count < self._assumed.most_searches:
            page = answers.ask(self.person, now.query, picked_from)
            done = self._look(now, page, answers, session)
            yield done
            count += 1
            patience = self._assumed.after_success if done.taken else self._assumed.after_failure
            goes_on = self._happens(patience, session, now.query, "go on")
            sees_pills = goes_on or self._assumed.pill_first
            pill = self._pick(page, answers, session, now.query) if sees_pills else None
            if pill is not None:
                now, picked_from = Intent("pill", pill[0]), pill[1]
            elif goes_on:
                now, picked_from = next(planned, None), ""
            else:
                return

    def _start(self, answers: Answers, session: int) -> tuple[str, str] | None:
        """A place to start that is picked before anything is typed, or None."""
        if not self._happens(self._assumed.home, session, "home"):
            return None
        return self._pick(answers.home(self.person), answers, session, "")

    def _look(self, intent: Intent, page: Page, answers: Answers, session: int) -> Asked:
        looked_at = self._chance.count(
            self._assumed.depth, len(page.items), self.person.name, session, intent.query, "depth"
        )
        clicked, taken = [], []
        for position, item in enumerate(page.items[:looked_at], start=1):
            is_wanted = item in self.wanted
            if not self._happens(self._appeal(item, intent), session, intent.query, item):
                continue
            clicked.append(item)
            answers.act(self.person, page, item, position, taken=is_wanted)
            if is_wanted:
                taken.append(item)
                self.wanted.discard(item)
                if item == intent.target:
                    break
        return Asked(
            kind=intent.kind, query=intent.query, looked_at=looked_at,
            clicked=tuple(clicked), taken=tuple(taken),
        )  # fmt: skip

    def _appeal(self, item: str, intent: Intent) -> float:
        """How likely an item that is looked at is clicked."""
        if item in self.wanted:
            is_target = item == intent.target
            return self._assumed.recognise if is_target else self._assumed.recognise_other
        if self._names & names_of(self._items[item]):
            return self._assumed.near
        return self._assumed.stray

    def _pick(
        self, page: Page, answers: Answers, session: int, query: str
    ) -> tuple[str, str] | None:
        """The recommended query that is picked, or None."""
        looks = self._happens(self._assumed.pill_attention, session, query, "pills")
        if not page.pills or not looks:
            return None
        looked_at = self._chance.count(
            self._assumed.pill_depth, len(page.pills), self.person.name, session, query, "row"
        )
        for text, source in page.pills[:looked_at]:
            holds = any(item in self.wanted for item in answers.peek(text))
            mistaken = self._happens(self._assumed.pill_noise, session, query, text, "noise")
            right = holds != mistaken
            appeal = self._assumed.pill_right if right else self._assumed.pill_wrong
            if self._happens(appeal, session, query, text, "pick"):
                return text, source
        return None

    def _happens(self, probability: float, *occasion: object) -> bool:
        return self._chance.happens(probability, self.person.name, *occasion)
