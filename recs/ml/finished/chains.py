"""Rows of the search log as typing chains: what was typed at each pause, and what is known of it.

An instant search logs a row at every pause in typing. Rows of one viewer hang together while each
text goes on with the one before it or shortens it; equal rows in a row are one visit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

# A chain ends where its viewer is silent for so long.
CHAIN_SECONDS = 600.0
# A text that is shortened again within so many seconds was a slip, not something to read.
SLIP_SECONDS = 3.0
# The hand rule looks no further (search.query_sources.log.CHAIN_MINUTES).
HAND_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One row of the log.

    `time`: seconds on any clock. `is_typing`: it was a pause, not a submit. `is_taken`: something
    in its answer was taken. `is_picked`: a recommendation, which nobody typed.
    """

    viewer: str
    time: float
    text: str
    is_typing: bool = True
    is_taken: bool = False
    is_picked: bool = False
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One text of a chain.

    `places`: of its rows in the log as given. `chain`: number of its chain. `is_last`: of it.
    `label`: whether it was finished as far as the log tells; None where it does not.
    `by_hand`: what the hand rule says. `before`, `typed`: seconds since the chain's text before
    and letters more than it; None and all letters at the beginning. `after`: seconds until the
    viewer's next text; None where there is none.
    """

    viewer: str
    time: float
    text: str
    total: int
    places: tuple[int, ...]
    chain: int
    is_last: bool
    is_submitted: bool
    is_picked: bool
    label: bool | None
    by_hand: bool
    before: float | None
    typed: int
    after: float | None


@dataclass(slots=True)
class _Merged:
    """Equal rows one after another."""

    rows: list[Asked]
    places: list[int]

    @property
    def text(self) -> str:
        return self.rows[0].text

    @property
    def is_submitted(self) -> bool:
        return any(not row.is_typing and not row.is_picked for row in self.rows)

    @property
    def is_picked(self) -> bool:
        return any(row.is_picked for row in self.rows)

    @property
    def is_taken(self) -> bool:
        return any(row.is_taken for row in self.rows)

    def seconds_to(self, later: "_Merged") -> float:
        return later.rows[0].time - self.rows[-1].time


def visits(log: Sequence[Asked]) -> list[Visit]:
    """The log as visits, viewer by viewer, each viewer's in the order of time."""
    found: list[Visit] = []
    order = sorted(range(len(log)), key=lambda place: (log[place].viewer, log[place].time, place))
    chain = 0
    for _, places in groupby(order, key=lambda place: log[place].viewer):
        merged = _merged(log, list(places))
        for links in _chains(merged):
            found += _of_chain(merged, links, chain)
            chain += 1
    return found


def goes_on(text: str, following: str, seconds: float) -> bool:
    """Whether the following text belongs to the same chain."""
    is_near = following.startswith(text) or text.startswith(following)
    return is_near and seconds <= CHAIN_SECONDS


def _merged(log: Sequence[Asked], places: Sequence[int]) -> list[_Merged]:
    found: list[_Merged] = []
    for place in places:
        row = log[place]
        last = found[-1] if found else None
        if last and last.text == row.text and row.time - last.rows[-1].time <= CHAIN_SECONDS:
            last.rows.append(row)
            last.places.append(place)
        else:
            found.append(_Merged([row], [place]))
    return found


def _chains(merged: Sequence[_Merged]) -> Iterator[range]:
    """Places of `merged` that hang together."""
    start = 0
    for place in range(1, len(merged) + 1):
        if place < len(merged):
            one, other = merged[place - 1], merged[place]
            if goes_on(one.text, other.text, one.seconds_to(other)):
                continue
        yield range(start, place)
        start = place


def _of_chain(merged: Sequence[_Merged], links: range, chain: int) -> Iterator[Visit]:
    for place in links:
        each = merged[place]
        earlier = merged[place - 1] if place > links.start else None
        following = merged[place + 1] if place + 1 < len(merged) else None
        yield Visit(
            viewer=each.rows[0].viewer,
            time=each.rows[0].time,
            text=each.text,
            total=each.rows[-1].total,
            places=tuple(each.places),
            chain=chain,
            is_last=place == links.stop - 1,
            is_submitted=each.is_submitted,
            is_picked=each.is_picked,
            label=_label(merged, links, place),
            by_hand=_by_hand(merged, place),
            before=earlier.seconds_to(each) if earlier else None,
            typed=len(each.text) - (len(earlier.text) if earlier else 0),
            after=each.seconds_to(following) if following else None,
        )


def _label(merged: Sequence[_Merged], links: range, place: int) -> bool | None:
    """True: submitted, or the chain's end with something taken. False: typed on, or a slip."""
    each = merged[place]
    if each.is_submitted:
        return True
    if each.is_picked:
        return None
    later = merged[place + 1 : links.stop]
    if not later:
        return each.is_taken or None
    is_typed_on = any(
        other.text.startswith(each.text) and other.text != each.text for other in later
    )
    return False if is_typed_on or each.seconds_to(later[0]) <= SLIP_SECONDS else None


def _by_hand(merged: Sequence[_Merged], place: int) -> bool:
    """What search.query_sources.log said without a version: the last of its chain, roughly."""
    each = merged[place]
    if each.is_submitted or each.is_picked:
        return True
    if place + 1 < len(merged):
        following = merged[place + 1]
        is_soon = each.seconds_to(following) <= HAND_SECONDS
        if is_soon and following.text.startswith(each.text):
            return False
    # Of equal rows the last one comes after itself, which is no deleting.
    if place and len(each.rows) == 1:
        earlier = merged[place - 1]
        is_soon = earlier.seconds_to(each) <= HAND_SECONDS
        if is_soon and earlier.text.startswith(each.text):
            return False
    return True
