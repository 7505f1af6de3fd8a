"""What people did as of a moment, as arrays: the same rows for training and for serving."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.models import Count, TextField, Value
from django.db.models.functions import Cast, Coalesce, Concat
from django.utils import timezone

from catalog.models import Item
from catalog.types import Viewer
from recs.history import LONGEST_WANTED, History, read_history, telling
from recs.ml.histories import Histories
from recs.ml.vocabulary import Vocabulary

Ints = npt.NDArray[np.int64]

# Events of one person that a network reads: the length that the user model is designed for.
LONGEST = 2_000
READ_SIZE = 20_000
SECONDS_A_DAY = 86_400.0
GOLDEN = 0x9E3779B97F4A7C15  # SplitMix64's increment: 2^64 over the golden ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionLog:
    """Everybody's histories before `as_of`, items as rows of the vocabulary."""

    histories: Histories
    vocabulary: Vocabulary
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSplit:
    """What was known at a moment, and what the same people did after it.

    `future` has the histories of the events in [`train.as_of`, `until`), person for person in the
    order of `train.histories`; who did nothing before stands in both, with an empty history there.
    """

    train: InteractionLog
    future: Histories
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How often items were wanted before a moment, and how often people wanted something.

    `item_ids`, `item_events`, `item_people`: (n,) int64, items that somebody wanted, by key.
    `people`, `person_events`: names as in `Histories.people`, and (U,) int64.
    """

    item_ids: Ints
    item_events: Ints
    item_people: Ints
    people: tuple[str, ...]
    person_events: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class _Acts:
    """Wanted acts in any order: arrays of one length, `owners` from 0, `items` keys or rows."""

    owners: Ints
    items: Ints
    kinds: npt.NDArray[np.int8]
    days: npt.NDArray[np.float64]

    @classmethod
    def joined(cls, pieces: Sequence["_Acts"]) -> "_Acts":
        """These one behind another."""
        none = cls(
            owners=np.zeros(0, np.int64),
            items=np.zeros(0, np.int64),
            kinds=np.zeros(0, np.int8),
            days=np.zeros(0, np.float64),
        )
        columns = {
            name: np.concatenate([getattr(piece, name) for piece in (none, *pieces)])
            for name in ("owners", "items", "kinds", "days")
        }
        return cls(**columns)

    def take(self, places: npt.NDArray[Any]) -> "_Acts":
        """Those at these places, or those that are marked."""
        return _Acts(
            owners=self.owners[places],
            items=self.items[places],
            kinds=self.kinds[places],
            days=self.days[places],
        )


def item_vocabulary() -> Vocabulary:
    """Every item of the catalog, hidden ones too, named by its primary key as text."""
    keys = Item.objects.order_by("pk").values_list("pk", flat=True)
    return Vocabulary(tuple(str(key) for key in keys.iterator(chunk_size=READ_SIZE)))


def interaction_log(*, as_of: datetime, vocabulary: Vocabulary | None = None) -> InteractionLog:
    """What everybody wanted before `as_of`, visitors without an account included.

    Events of items that are not in the vocabulary (by default the whole catalog as it is now) are
    left out. A run of acts on one item is one event, the newest; each person keeps the newest
    `LONGEST`. Events of one instant stand in an order that says nothing.
    """
    vocabulary = vocabulary or item_vocabulary()
    people, acts = _read(since=None, as_of=as_of)
    return InteractionLog(
        histories=_histories(people, acts, vocabulary), vocabulary=vocabulary, as_of=as_of
    )


def user_history(
    *, viewer: Viewer, vocabulary: Vocabulary, as_of: datetime | None = None
) -> Histories:
    """One viewer's history as interaction_log() has it; an empty one for nobody."""
    history = read_history(viewer=viewer, as_of=as_of or timezone.now())
    return history_rows(history, vocabulary, person=person_name(viewer))


def history_rows(history: History, vocabulary: Vocabulary, *, person: str = "") -> Histories:
    """A history that was read already (the request's), in the form that a network reads."""
    acts = history.wanted
    arrays = _Acts(
        owners=np.zeros(len(acts), np.int64),
        items=np.array([act.item_id for act in acts], np.int64),
        kinds=np.array([act.kind for act in acts], np.int8),
        days=np.array([act.time.timestamp() / SECONDS_A_DAY for act in acts], np.float64),
    )
    return _histories([person], arrays, vocabulary)


def person_name(viewer: Viewer) -> str:
    """What a viewer is called in `Histories.people`; "" for nobody."""
    if viewer.person_id is not None:
        return f"person:{viewer.person_id}"
    return f"visitor:{viewer.anonymous_id}" if viewer.anonymous_id else ""


def viewer_of(person: str) -> Viewer:
    """Who is called so: the way back from person_name()."""
    kind, _, key = person.partition(":")
    if kind == "person":
        return Viewer(person_id=int(key))
    return Viewer(anonymous_id=key) if kind == "visitor" else Viewer()


def counts(*, as_of: datetime) -> Counts:
    """How often each item and each person stand among the wanted acts before `as_of`."""
    acts = _acts_before(as_of)
    # A visitor's id cannot be mistaken for a person's key: it gets a letter in front.
    owner = Coalesce(Cast("person_id", TextField()), Concat(Value("v"), "anonymous_id"))
    by_item = acts.values("item_id").annotate(times=Count("pk"), people=Count(owner, distinct=True))
    by_person = acts.values("person_id", "anonymous_id").annotate(times=Count("pk"))
    with _patiently():
        items = list(by_item.order_by("item_id").values_list("item_id", "times", "people"))
        people = list(by_person.values_list("person_id", "anonymous_id", "times"))
    return Counts(
        item_ids=np.array([row[0] for row in items], np.int64),
        item_events=np.array([row[1] for row in items], np.int64),
        item_people=np.array([row[2] for row in items], np.int64),
        people=tuple(_name(*row[:2]) for row in people),
        person_events=np.array([row[2] for row in people], np.int64),
    )


def time_split(
    *, at: datetime, horizon: timedelta, vocabulary: Vocabulary | None = None
) -> TimeSplit:
    """Split everybody's events at one moment: known before `at`, to be guessed until the horizon.

    The past is read on its own, as interaction_log() reads it, so nothing later is in it.
    """
    vocabulary = vocabulary or item_vocabulary()
    people, acts = _read(since=None, as_of=at)
    people, later = _read(since=at, as_of=at + horizon, people=people)
    return TimeSplit(
        train=InteractionLog(
            histories=_histories(people, acts, vocabulary), vocabulary=vocabulary, as_of=at
        ),
        future=_histories(people, later, vocabulary),
        until=at + horizon,
    )


def _read(
    *, since: datetime | None, as_of: datetime, people: Sequence[str] = ()
) -> tuple[list[str], _Acts]:
    """Wanted acts in [since, as_of) and the names of their owners; those given keep their places.

    Rows come through a cursor on the server and go into arrays a piece at a time, so that memory
    grows by 25 bytes for an event.
    """
    places = {name: place for place, name in enumerate(people)}
    acts = _acts_before(as_of)
    if since is not None:
        acts = acts.filter(time__gte=since)
    rows = acts.values_list("person_id", "anonymous_id", "item_id", "kind", "time")
    pieces = []
    with _patiently():
        stream = rows.iterator(chunk_size=READ_SIZE)
        while piece := list(itertools.islice(stream, READ_SIZE)):
            pieces.append(_piece(piece, places))
    return list(places), _Acts.joined(pieces)


def _acts_before(as_of: datetime) -> Any:
    """Acts of somebody, known or anonymous, on items they wanted; in no order."""
    acts = telling(as_of=as_of).positive().exclude(person_id=None, anonymous_id=None)
    return acts.order_by()


@contextmanager
def _patiently() -> Iterator[None]:
    """A transaction whose statements may take their time."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        yield


def _piece(rows: Sequence[Any], places: dict[str, int]) -> _Acts:
    """One piece as arrays; new owners get the next places."""
    owners = [places.setdefault(_name(row[0], row[1]), len(places)) for row in rows]
    return _Acts(
        owners=np.array(owners, np.int64),
        items=np.array([row[2] for row in rows], np.int64),
        kinds=np.array([row[3] for row in rows], np.int8),
        days=np.array([row[4].timestamp() / SECONDS_A_DAY for row in rows], np.float64),
    )


def _name(person_id: int | None, anonymous_id: str | None) -> str:
    return person_name(Viewer(person_id=person_id, anonymous_id=anonymous_id))


def _histories(people: Sequence[str], acts: _Acts, vocabulary: Vocabulary) -> Histories:
    """The acts as histories: in order, repeats gone, the newest ones; for one person or for all."""
    acts = acts.take(np.lexsort((acts.kinds, _shuffled(acts), acts.days, acts.owners)))
    acts = acts.take(_from_end(acts.owners, len(people)) <= LONGEST_WANTED)
    acts = replace(acts, items=_rows(acts.items, vocabulary))
    acts = acts.take(acts.items > 0)
    acts = acts.take(_last_of_runs(acts))
    acts = acts.take(_from_end(acts.owners, len(people)) <= LONGEST)
    lengths = np.bincount(acts.owners, minlength=len(people))
    return Histories(
        people=tuple(people),
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=acts.items,
        kinds=acts.kinds,
        days=acts.days,
    )


def _rows(keys: Ints, vocabulary: Vocabulary) -> Ints:
    """Rows of these items; each key is looked up once, however often it stands there."""
    known, places = np.unique(keys, return_inverse=True)
    return vocabulary.rows(str(key) for key in known.tolist())[places]


def _from_end(owners: Ints, people: int) -> Ints:
    """How manieth from its owner's newest each act is, from 1; acts stand in order of owner."""
    ends = np.cumsum(np.bincount(owners, minlength=people))
    return np.asarray(ends[owners] - np.arange(len(owners)))


def _last_of_runs(acts: _Acts) -> npt.NDArray[np.bool_]:
    """Where the next act is of another item or another person.

    Looking at an item, then playing it, then liking it is one event, and to guess the same item
    again no guess. An event that was sent twice goes this way too.
    """
    last = np.ones(len(acts.items), np.bool_)
    last[:-1] = (acts.items[1:] != acts.items[:-1]) | (acts.owners[1:] != acts.owners[:-1])
    return last


def _shuffled(acts: _Acts) -> npt.NDArray[np.uint64]:
    """A number for each act by which those of one instant are put in an order that says nothing.

    A file that was imported may have them in the order of its items. The number comes of item and
    instant (the finalizer of SplitMix64), so one item's acts of one instant stay together.
    """
    mixed = acts.days.view(np.uint64) ^ (acts.items.astype(np.uint64) * np.uint64(GOLDEN))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
