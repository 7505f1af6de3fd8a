"""A log of searches at random, and the numbers of search.analytics computed by plain loops."""

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

from django.utils import timezone

from catalog.events import EventRow, copy_events
from catalog.models import Answer, Event, EventKind, Person
from catalog.types import Viewer
from search.analytics.anew import is_same_need
from tests.search.films import log_search, visitor

TAKEN = {EventKind.PLAY, EventKind.LIKE, EventKind.ADD, EventKind.PURCHASE}
ATTENDED = TAKEN | {EventKind.VIEW, EventKind.CLICK, EventKind.RATING}
DAY, EARLY = timedelta(days=1), timedelta(minutes=5)


WORDS = (
    "h", "hit", "hitch", "hitchcock", "hitchcok", "hitchcock thriller", "french comedy", "comedy",
    "the birds", "the rope", "tati", "zzyzx",
)  # fmt: skip


def happened(query_id, item, *, kind="click", viewer, seconds_ago=590, **more):
    """One event in the log."""
    fields = {
        "time": timezone.now() - timedelta(seconds=seconds_ago),
        "kind": EventKind[kind.upper()].value,
        "person_id": viewer.person_id,
        "anonymous_id": viewer.anonymous_id,
        "session_id": None,
        "item_id": item.pk,
        "query_id": query_id,
        "surface": "search",
        "position": None,
        "value": None,
        "properties": None,
    }
    copy_events(rows=[EventRow(**{**fields, **more})])


def world(films, seed):
    """Some hours of several viewers, with everything that can go wrong."""
    draw = random.Random(seed)
    items = list(films.values())
    people = [Person.objects.create(external_id=f"u{n}") for n in range(3)]
    viewers = [
        *(Viewer(person_id=person.pk, anonymous_id="shared") for person in people),
        visitor("guest1"), visitor("guest2"), Viewer(),
    ]  # fmt: skip
    kinds = ("click", "click", "view", "like", "dislike", "impression", "rating", "purchase")
    for _ in range(160):
        viewer = draw.choice(viewers)
        shown = draw.sample(items, draw.choice((0, 3, 6)))
        related = draw.sample(items, 2) if not shown else []
        ago = draw.randint(60, 4 * 3600)
        query_id = log_search(
            draw.choice(WORDS),
            viewer=viewer,
            seconds_ago=ago,
            is_typing=draw.random() < 0.4,
            picked_from=draw.choice(("", "", "log")),
            page=draw.choice((1, 1, 1, 2)),
            total=len(shown),
            latency_ms=draw.random() * 90,
            model_version=draw.choice(("", "u1")),
            stages={"lexical": draw.random() * 9, "facets": draw.random()},
            hits=[
                *(
                    {"item": one.pk, "position": n, "source": draw.choice(("lexical", "dense"))}
                    for n, one in enumerate(shown, start=1)
                ),
                *(
                    {"item": one.pk, "position": n, "source": "related"}
                    for n, one in enumerate(related, start=1)
                ),
            ],
        )
        for one in draw.sample([*shown, *related], min(draw.choice((0, 0, 1, 2)), len(shown))):
            who = viewer if draw.random() < 0.8 else draw.choice(viewers)
            happened(
                query_id, one, viewer=who, kind=draw.choice(kinds),
                seconds_ago=ago - draw.randint(-200, 900), value=draw.choice((2.0, 4.0)),
                position=draw.choice((None, 2)), surface=draw.choice(("search", "related")),
            )  # fmt: skip
            if draw.random() < 0.3:
                happened(None, one, viewer=who, kind="like", seconds_ago=ago - 1000, surface="item")


@dataclass
class Search:
    """One search, and what it led to."""

    row: Answer
    viewer: str
    items: dict = field(default_factory=dict)  # item: whether it was taken
    place: int | None = None
    then: "Search | None" = None

    @property
    def is_clicked(self):
        return bool(self.items)

    @property
    def is_taken(self):
        return any(self.items.values())

    @property
    def is_anew(self):
        """Asked again in other words, without a click."""
        then = self.then
        return bool(
            then
            and not self.is_clicked
            and then.row.normalized_query != self.row.normalized_query
            and not then.row.picked_from
            and then.row.time - self.row.time <= timedelta(minutes=5)
            and is_same_need(self.row.normalized_query, then.row.normalized_query)
        )


def viewer_of(row):
    """Who it was, "" for nobody."""
    return f"p{row.person_id}" if row.person_id else f"a{row.anonymous_id}" * bool(row.anonymous_id)


def searches_of(period, keep=lambda row: True):
    """Searches of a period, and what followed each, by loops over everything."""
    rows = [
        row
        for row in Answer.objects.filter(kind="search").order_by("time", "query_id")
        if row.normalized_query
    ]
    chains = defaultdict(list)
    for row in rows:
        if row.page == 1:
            chains[viewer_of(row)].append(row)
    found = []
    for viewer, chain in chains.items():
        done = [
            Search(row, viewer)
            for n, row in enumerate(chain)
            if not row.is_typing or (viewer and is_last(chain, n))
        ]
        for first, then in pairwise(done):
            first.then = then if viewer else None
        found += done
    found = [one for one in found if period.start <= one.row.time < period.end and keep(one.row)]
    lists = {one.row.query_id: one for one in found}
    for row in rows:
        if row.page > 1:
            earlier = [
                one
                for one in found
                if one.viewer == viewer_of(row) != ""
                and one.row.normalized_query == row.normalized_query
                and one.row.time <= row.time < one.row.time + timedelta(hours=1)
            ]
            if earlier:
                lists[row.query_id] = max(earlier, key=lambda one: one.row.time)
    follow(lists)
    return found


def is_last(chain, n):
    """Whether the row is not on the way to what its neighbours hold."""
    row = chain[n]
    for other, is_next in ((chain[n + 1 : n + 2], True), (chain[n - 1 : n] if n else [], False)):
        for one in other:
            near = abs(one.time - row.time) <= timedelta(minutes=2)
            longer = one.normalized_query.startswith(row.normalized_query)
            if near and longer and (is_next or one.normalized_query != row.normalized_query):
                return False
    return True


def is_taking(event):
    return event.kind in TAKEN or (event.kind == EventKind.RATING and (event.value or 0) >= 3.5)


def is_by(event, row):
    if not viewer_of(row):
        return True
    if row.person_id and event.person_id:
        return row.person_id == event.person_id
    return bool(row.anonymous_id) and row.anonymous_id == event.anonymous_id


def follow(lists):
    """Join the events to the searches."""
    events = list(Event.objects.order_by("time", "id"))
    acts = [(event, lists[event.query_id]) for event in events if is_act(event, lists)]
    first = set()
    for event, search in acts:
        search.items[event.item_id] = search.items.get(event.item_id, False) or is_taking(event)
        if id(search) not in first:
            first.add(id(search))
            search.place = place_of(event)
    for event in events:
        earlier = [(act, search) for act, search in acts if is_after(event, act)]
        if earlier:
            max(earlier, key=lambda pair: pair[0].time)[1].items[event.item_id] = True


def is_act(event, lists):
    """Whether the event says that its list was of use."""
    search = lists.get(event.query_id)
    return (
        search is not None
        and event.kind in ATTENDED
        and search.row.time - EARLY <= event.time < search.row.time + DAY
        and is_by(event, search.row)
    )


def is_after(event, act):
    """Whether the event took the item, without naming a search, after an act that does."""
    return (
        event.query_id is None
        and is_taking(event)
        and act.item_id == event.item_id
        and viewer_of(act) == viewer_of(event) != ""
        and act.time <= event.time < act.time + DAY
    )


def place_of(event):
    """Where the item stood."""
    if event.surface == "related":
        return None
    if event.position is not None:
        return event.position
    for hit in Answer.objects.get(pk=event.query_id).hits:
        if hit["item"] == event.item_id and hit.get("source") != "related":
            return hit["position"]
    return None
