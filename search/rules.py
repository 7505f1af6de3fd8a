"""The editors' rules, held in memory, and what they make of a list of candidates.

A rule counts from the next search after it is switched on, and its dates are looked at in each
search. Rules come after every model: they have the last word on what is in the list and where.

Each item obeys one rule, the first that speaks of it: the one of the highest priority; of equals
hide before pin before boost before bury, and then the older one.
"""

import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from catalog.filters import ItemFilters
from catalog.models import Item
from catalog.scope import PerCatalog
from search.candidates import Candidate, failing_facets, load_candidates
from search.fusion import Scored
from search.models import Rule
from search.rule_patterns import fits
from search.rule_targets import searched
from search.types import AppliedRule, Banner, Hit, HitSource

_OBEYED = ("hide", "pin", "boost", "bury", "redirect", "banner")
_MOVES = ("hide", "pin", "boost", "bury")


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRule:
    """One rule as it is held in memory. `places`: of its items, in the order stated."""

    id: int
    name: str
    match: str
    patterns: frozenset[str]
    action: str
    places: Mapping[int, int]
    position: int
    filters: ItemFilters
    target: str
    text: str
    starts_at: datetime | None
    ends_at: datetime | None
    priority: int

    @classmethod
    def of(cls, row: Rule) -> Self:
        """What a stored row states."""
        return cls(
            id=row.pk or 0,
            name=row.name,
            match=row.match,
            patterns=frozenset(row.patterns),
            action=row.action,
            places={item_id: place for place, item_id in enumerate(row.item_ids)},
            position=row.position,
            filters=ItemFilters(
                category=tuple(row.categories),
                creator=tuple(row.creators),
                country=tuple(row.countries),
            ),
            target=row.target,
            text=row.text,
            starts_at=row.starts_at,
            ends_at=row.ends_at,
            priority=row.priority,
        )

    @property
    def told(self) -> AppliedRule:
        """What the answer says of it."""
        return AppliedRule(self.id, self.name, self.action)

    def is_running(self, at: datetime) -> bool:
        """Whether its dates hold the moment; it begins on its start and is over on its end."""
        return (self.starts_at is None or self.starts_at <= at) and (
            self.ends_at is None or at < self.ends_at
        )

    def fits(self, query: str) -> bool:
        """Whether it is for that query, in normal form."""
        return fits(self.match, self.patterns, query)

    def speaks_of(self, candidate: Candidate) -> bool:
        """Whether the item is one of its own, or passes its filters."""
        if candidate.item_id in self.places:
            return True
        return not self.filters.is_empty and not failing_facets(candidate, self.filters)


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The rules of one search, in the order in which they are obeyed.

    moving: those that change the list. shown: the redirect and the banner, where they are told.
    """

    moving: tuple[ActiveRule, ...] = ()
    shown: tuple[ActiveRule, ...] = ()
    redirect: str | None = None
    banner: Banner | None = None

    def rule_of(self, candidate: Candidate) -> ActiveRule | None:
        """The one that the item obeys."""
        return next((rule for rule in self.moving if rule.speaks_of(candidate)), None)

    def is_hidden(self, candidate: Candidate) -> bool:
        """Whether the item is left out."""
        rule = self.rule_of(candidate)
        return rule is not None and rule.action == Rule.Action.HIDE

    def hidden(self) -> Q:
        """The items that are left out, as a condition; an empty one where none is."""
        condition = Q()
        for rule in self.moving:
            if rule.action == Rule.Action.HIDE:
                condition |= Q(pk__in=list(rule.places))
                if not rule.filters.is_empty:
                    condition |= rule.filters.q()
        return condition

    def pins(self) -> frozenset[int]:
        """The items that are pinned, wherever they were found."""
        pinning = (rule for rule in self.moving if rule.action == Rule.Action.PIN)
        return frozenset(item_id for rule in pinning for item_id in rule.places)

    def told(self, *, sort: str) -> tuple[AppliedRule, ...]:
        """Those that the answer follows: in an order of its own a list is moved by none."""
        still = (Rule.Action.BOOST, Rule.Action.BURY) if sort != "relevance" else ()
        return tuple(rule.told for rule in (*self.moving, *self.shown) if rule.action not in still)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules in the order in which they are obeyed."""

    rules: tuple[ActiveRule, ...] = ()

    @classmethod
    def of(cls, rules: Sequence[ActiveRule]) -> Self:
        """In order: the highest priority first, then by what they do, then the older ones."""
        return cls(tuple(sorted(rules, key=lambda r: (-r.priority, _OBEYED.index(r.action), r.id))))

    def without(self, rule_id: int) -> "RuleSet":
        """The same without that one."""
        return RuleSet(tuple(rule for rule in self.rules if rule.id != rule_id))

    def having(self, rule: ActiveRule) -> "RuleSet":
        """The same with that one in its place."""
        return RuleSet.of([*self.without(rule.id).rules, rule])

    def applied(self, typed: str, found: str | None = None, *, verbatim: bool = False) -> Applied:
        """Those of a search, now.

        Args:
            typed: the query in normal form; "" where somebody browses.
            found: the same where it was corrected. Redirects are for what was typed alone.
            verbatim: search on, whatever redirect there is.
        """
        now = timezone.now()
        running = [rule for rule in self.rules if rule.is_running(now)]
        fitting = [r for r in running if r.fits(typed) or (found and r.fits(found))]
        leading = None if verbatim else _redirect_of(running, typed)
        target = self.end_of(leading) if leading else None
        saying = next((r for r in fitting if r.action == Rule.Action.BANNER), None)
        shown = [leading if target else None, saying]
        return Applied(
            moving=tuple(rule for rule in fitting if rule.action in _MOVES),
            shown=tuple(rule for rule in shown if rule),
            redirect=target,
            banner=Banner(saying.text, saying.target) if saying else None,
        )

    def end_of(self, rule: ActiveRule) -> str | None:
        """Where one ends up now who follows the redirect; None where that is a ring."""
        now = timezone.now()
        running = [each for each in self.rules if each is rule or each.is_running(now)]
        passed = set()
        while (query := searched(rule.target)) is not None:
            onward = _redirect_of(running, query)
            if onward is None:
                break
            if onward.id in passed:
                return None
            passed.add(onward.id)
            rule = onward
        return rule.target


Version = tuple[int, int | None, datetime | None]


@dataclass(frozen=True, slots=True)
class _Loaded:
    version: Version = (0, None, None)
    rules: RuleSet = field(default_factory=RuleSet)


_lock = threading.Lock()
_loaded = PerCatalog(_Loaded)


def current_rules() -> RuleSet:
    """Those switched on; one cheap statement tells whether anything changed."""
    switched_on = Rule.objects.filter(is_on=True)
    row = switched_on.aggregate(count=Count("pk"), saves=Sum("revision"), last=Max("updated_at"))
    version = (row["count"], row["saves"], row["last"])
    if version != _loaded.value.version:
        with _lock:
            if version != _loaded.value.version:
                rules = RuleSet.of([ActiveRule.of(each) for each in switched_on])
                _loaded.value = _Loaded(version, rules)
    return _loaded.value.rules


def join(scored: list[Scored], applied: Applied, *, excluded: str = "") -> list[Scored]:
    """The candidates without what rules hide, and with what they pin; still in their order.

    Args:
        scored: the candidates.
        applied: the rules of this search.
        excluded: a tsquery; what matches it stays out, for somebody asked for that.
    """
    if not applied.moving:
        return scored
    there = {one.candidate.item_id for one in scored}
    kept = [one for one in scored if not applied.is_hidden(one.candidate)]
    missing = [
        item_id
        for rule in applied.moving
        if rule.action == Rule.Action.PIN
        for item_id in rule.places
        if item_id not in there
    ]
    if not missing:
        return kept
    visible = set(Item.objects.visible().filter(pk__in=missing).values_list("pk", flat=True))
    facts = load_candidates(visible, excluded=excluded)
    joined = [facts[item_id] for item_id in dict.fromkeys(missing) if item_id in facts]
    return kept + [
        Scored(each, HitSource.PINNED, 0.0) for each in joined if _is_pinned(each, applied)
    ]


def arrange(ordered: list[Scored], applied: Applied, *, sort: str) -> list[Scored]:
    """The list as rules want it: exact titles, boosted, the rest, buried; then pins at their place.

    Only by relevance: who sorts by year wants years. Scores stay with the places, so that they
    fall with the order.
    """
    if sort != "relevance" or not applied.moving:
        return ordered
    ruled = {one.candidate.item_id: applied.rule_of(one.candidate) for one in ordered}
    pins = _pins(ordered, applied)
    pinned = {one.candidate.item_id for one in pins.values()}
    rest = [one for one in ordered if one.candidate.item_id not in pinned]
    rest.sort(key=lambda one: _tier(one, ruled[one.candidate.item_id]))
    scores = sorted((one.score for one in ordered), reverse=True)
    placed = _placed(rest, pins)
    return [replace(one, score=score) for one, score in zip(placed, scores, strict=True)]


def tell(hits: tuple[Hit, ...], applied: Applied, *, sort: str) -> tuple[Hit, ...]:
    """The hits, each with the name of the rule that put it where it stands."""
    if not applied.moving:
        return hits
    told = []
    for hit in hits:
        rule = applied.rule_of(_facts(hit.item))
        is_moved = rule is not None and (sort == "relevance" or hit.source is HitSource.PINNED)
        told.append(replace(hit, rule=rule.name) if rule and is_moved else hit)
    return tuple(told)


def without_hidden(hits: tuple[Hit, ...], applied: Applied) -> tuple[Hit, ...]:
    """What stands beside the list, without what rules hide."""
    if not applied.moving:
        return hits
    kept = [hit for hit in hits if not applied.is_hidden(_facts(hit.item))]
    return tuple(replace(hit, position=place) for place, hit in enumerate(kept, start=1))


def _redirect_of(running: Sequence[ActiveRule], query: str) -> ActiveRule | None:
    return next((r for r in running if r.action == Rule.Action.REDIRECT and r.fits(query)), None)


def _is_pinned(candidate: Candidate, applied: Applied) -> bool:
    rule = applied.rule_of(candidate)
    return rule is not None and rule.action == Rule.Action.PIN


def _tier(one: Scored, rule: ActiveRule | None) -> int:
    if rule is not None and rule.action == Rule.Action.BURY:
        return 3
    if one.source is HitSource.EXACT_TITLE:
        return 0
    return 1 if rule is not None and rule.action == Rule.Action.BOOST else 2


def _pins(ordered: Sequence[Scored], applied: Applied) -> dict[int, Scored]:
    """What is pinned, by its place; a place that is taken goes on to the next free one."""
    present = {one.candidate.item_id: one for one in ordered}
    pins: dict[int, Scored] = {}
    for rule in applied.moving:
        place = rule.position
        for item_id in rule.places if rule.action == Rule.Action.PIN else ():
            one = present.get(item_id)
            if one is None or applied.rule_of(one.candidate) is not rule:
                continue
            while place in pins:
                place += 1
            pins[place] = replace(one, source=HitSource.PINNED)
    return pins


def _placed(rest: Sequence[Scored], pins: Mapping[int, Scored]) -> list[Scored]:
    """The rest in order with the pins at their places, or at the end where it is shorter."""
    waiting = deque(rest)
    placed: list[Scored] = []
    for place in sorted(pins):
        while waiting and len(placed) < place - 1:
            placed.append(waiting.popleft())
        placed.append(pins[place])
    return [*placed, *waiting]


def _facts(item: Item) -> Candidate:
    return Candidate(
        item_id=item.pk,
        title=item.title,
        category=tuple(item.all_categories),
        creator=tuple(item.creators),
        country=tuple(item.countries),
        year=item.year,
        price=item.price,
        created=item.created_at.timestamp(),
        people=0,
    )
