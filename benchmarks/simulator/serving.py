"""Foray as simulated people meet it: its own search(), its own log, in a real database."""

import contextlib
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from unittest.mock import patch

from django.utils import timezone

from benchmarks.simulator.arms import Arm
from benchmarks.simulator.behaviour import Page
from benchmarks.simulator.chance import Chance
from benchmarks.simulator.people import Person, World
from catalog.answers import AnswerInput, log_answer
from catalog.event_kinds import EventKind
from catalog.events import EventRow, copy_events
from catalog.importers import bulk
from catalog.importers.settle import settle_events, settle_items
from catalog.models import Answer, Event, Item
from catalog.models import Person as StoredPerson
from catalog.profiles import save_profile
from catalog.types import ItemInput, QueryRecommendation, Viewer
from recs.embeddings import encode_pending
from recs.index import build_index
from recs.neighbours import build_neighbours
from recs.versions import live_version
from search import answer as answering
from search.query_checks import check_queries
from search.query_mixing import places_by_way
from search.query_store import build_queries
from search.retrieval import retrieve
from search.spelling import build_terms
from search.text import normalize_query
from search.types import Retrieved, SearchRequest

PER_PAGE = 24
PEEKED = 10
LOGGED_DAYS = 60


def load(world: World) -> None:
    """The earlier part of a world into an empty database: items, events, log, queries."""
    if Item.objects.exists():
        raise SystemExit("The database is not empty: give the simulator a FORAY_HOME of its own.")
    save_profile(**world.profile)
    add_items(world.items)
    for batch in bulk.batches(world.history, bulk.EVENT_BATCH):
        bulk.copy_events(events=batch)
    settle_events()
    build_index(version=live_version())
    build_neighbours()
    build_terms()
    Asking().log_earlier(world.log)
    build_queries()
    check_queries()


def add_items(items: Sequence[ItemInput]) -> None:
    """More items, encoded.

    In an order by lot: worlds list the best known first, by ratings of all times, and what is equal
    to a search comes in the order of keys. Else everybody would be shown first what is going to be
    wanted.
    """
    lot = Chance(0)
    mixed = sorted(items, key=lambda item: lot.number(item.external_id, "loaded"))
    for batch in bulk.batches(mixed, bulk.ITEM_BATCH):
        bulk.copy_items(items=batch)
    settle_items()
    encode_pending()


class Asking:
    """What answers a query, kept by query: without a learned model none depends on the viewer."""

    def __init__(self) -> None:
        self._kept: dict[str, Retrieved] = {}
        self.external = dict(Item.objects.values_list("pk", "external_id"))
        self.internal = {external: key for key, external in self.external.items()}
        self.people = dict(StoredPerson.objects.values_list("external_id", "pk"))

    def retrieve(self, request: SearchRequest) -> Retrieved:
        """As search.retrieval.retrieve()."""
        if request.query not in self._kept:
            found = retrieve(request)
            if found.model_version:
                raise SystemExit("A learned model ranks the hits: they depend on the viewer.")
            self._kept[request.query] = found
        return self._kept[request.query]

    def found(self, query: str) -> list[str]:
        """The hits of a query, best first."""
        hits = self.retrieve(SearchRequest(query=query, per_page=PER_PAGE)).hits
        return [self.external[hit.item.pk] for hit in hits]

    def viewer(self, name: str) -> Viewer:
        """A simulated person, or whoever typed before."""
        return Viewer(person_id=self.people.get(name), anonymous_id=f"simulated-{name}")

    def log_earlier(self, typed: Sequence[tuple[str, str]]) -> None:
        """What people typed before the cut, in their order, in the log of the last weeks."""
        step = timedelta(days=LOGGED_DAYS) / (len(typed) + 1)
        begin = timezone.now() - timedelta(days=LOGGED_DAYS + 1)
        for number, (name, query) in enumerate(typed):
            found = self.retrieve(SearchRequest(query=query, per_page=PER_PAGE))
            log_answer(
                answer=AnswerInput(
                    query_id=uuid.uuid4(), kind=Answer.Kind.SEARCH, surface="simulated",
                    viewer=self.viewer(name), time=begin + number * step,
                    query=found.query, normalized_query=found.normalized,
                    corrected_query=found.corrected_query, total=found.total,
                    hits=[{"item": hit.item.pk, "position": hit.position, "source": hit.source}
                          for hit in found.hits],
                )
            )  # fmt: skip


class Served:
    """The answers of one arm; behaviour.Answers."""

    def __init__(self, arm: Arm, asking: Asking) -> None:
        self._arm, self._asking = arm, asking
        self._events: list[EventRow] = []

    def ask(self, person: Person, query: str, picked_from: str) -> Page:
        """One search by search.answer.search(), logged."""
        found = answering.search(
            SearchRequest(
                query=query, per_page=PER_PAGE, viewer=self._asking.viewer(person.name),
                picked_from=picked_from, surface="simulated",
            )
        )  # fmt: skip
        return Page(
            query_id=str(found.query_id),
            items=[self._asking.external[hit.item.pk] for hit in found.retrieved.hits],
            pills=_pills(found.query_recommendations),
        )

    def home(self, person: Person) -> Page:
        """The home page's places to start."""
        start = self._arm.recommend(
            query="", normalized="", top_item_ids=(), exact_title=False,
            viewer=self._asking.viewer(person.name),
        )  # fmt: skip
        return Page(query_id="", items=(), pills=_pills(start.queries))

    def peek(self, query: str) -> Sequence[str]:
        """The first hits that a recommended query would have."""
        return self._asking.found(query)[:PEEKED]

    def act(self, person: Person, page: Page, item: str, position: int, *, taken: bool) -> None:
        """A click, and where it was wanted a like."""
        kinds = (EventKind.CLICK, EventKind.LIKE) if taken else (EventKind.CLICK,)
        viewer = self._asking.viewer(person.name)
        for kind in kinds:
            self._events.append(
                EventRow(
                    time=timezone.now(), kind=int(kind), person_id=viewer.person_id,
                    anonymous_id=viewer.anonymous_id, session_id=None,
                    item_id=self._asking.internal[item], query_id=uuid.UUID(page.query_id),
                    surface="simulated", position=position, value=None, properties=None,
                )
            )  # fmt: skip

    def write(self) -> None:
        """Keep what was done."""
        copy_events(rows=self._events)


def _pills(queries: Sequence[QueryRecommendation]) -> list[tuple[str, str]]:
    """(text, source) in the order in which the page shows them, by the way that they lead."""
    places = places_by_way([one.angle for one in queries])
    shown = sorted(zip(places, queries, strict=True), key=lambda pair: pair[0])
    return [(one.text, one.source) for _, one in shown]


@contextlib.contextmanager
def serving(arm: Arm, asking: Asking) -> Iterator[Served]:
    """Answers of an arm, for the duration of a `with` block; the log stays until forget()."""
    served = Served(arm, asking)
    with (
        patch.object(answering, "recommend", arm.recommend),
        patch.object(answering, "retrieve", asking.retrieve),
    ):
        yield served
    served.write()


def reached(arm: Arm, load: Sequence[str], asking: Asking) -> Counter[int]:
    """How often each item is among the first hits of these queries, or of what is beside them."""
    counts: Counter[int] = Counter()
    beside: dict[str, list[str]] = {}
    for query in load:
        if query not in beside:
            found = asking.retrieve(SearchRequest(query=query, per_page=PER_PAGE))
            recommended = arm.recommend(
                query=found.query,
                normalized=normalize_query(found.corrected_query or found.query),
                top_item_ids=found.top_item_ids,
                exact_title=found.exact_title,
                viewer=Viewer(),
            )
            beside[query] = [query, *(one.text for one in recommended.queries)]
        for text in beside[query]:
            counts.update(asking.internal[item] for item in asking.found(text)[:PEEKED])
    return counts


def forget(since: datetime) -> None:
    """Remove what was logged since then, so that every arm begins with the same log."""
    Event.objects.filter(time__gte=since).delete()
    Answer.objects.filter(time__gte=since).delete()
