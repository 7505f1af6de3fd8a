"""What a run of the unified model learns from: the catalog and the log in the form of a folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from catalog.event_kinds import EventKind
from catalog.models import Event, Item
from catalog.progress import NO_PROGRESS, Progress
from catalog.types import Viewer
from recs.content import content_vectors
from recs.features import SECONDS_A_DAY, interaction_log, person_name
from recs.ml.histories import Histories
from recs.ml.text_encoder import TextEncoder, packaged_model_dir
from recs.ml.unified.examples import Searches
from recs.ml.unified.inputs import FactNames
from recs.ml.unified.joint_files import JointData, Ratings
from recs.ml.unified.made_searches import with_made_searches
from recs.ml.unified.prepared import Texts, texts_of
from recs.ml.unified.served import normal
from recs.ml.unified.shown import ShownLists
from recs.ml.unified.surfaces import (
    ADD,
    CLICK,
    NOBODY,
    SEARCH,
    SIMILAR,
    TASKS,
    WANT,
    Requests,
    SurfaceLog,
)
from recs.ml.vocabulary import Vocabulary
from recs.models import ContentVersion
from recs.searches import ChosenSearch, chosen_searches
from recs.shown import ShownAnswer, shown_answers
from recs.stated_items import stated
from recs.versions import check_encoder

Floats = npt.NDArray[np.float32]

READ_SIZE = 2_000
ENCODED_AT_ONCE = 2_000
# With fewer searches in the log than that, some are made from what is stated of wanted items.
LEAST_SEARCHES = 20_000
MOST_MADE = 40_000
# A fact that so few items have is no search worth making.
LEAST_ITEMS = 3
HIGHEST_RATING = 5.0

STRENGTHS = {
    EventKind.CLICK: CLICK,
    EventKind.ADD: ADD,
    EventKind.LIKE: WANT,
    EventKind.PLAY: WANT,
    EventKind.PURCHASE: WANT,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnifiedData:
    """A folder's arrays with their texts; how many searches were asked, and how many made."""

    data: JointData
    texts: Texts
    asked: int
    made: int


def read_data(
    *,
    as_of: datetime,
    vocabulary: Vocabulary,
    version: ContentVersion,
    seed: int = 0,
    progress: Progress = NO_PROGRESS,
) -> UnifiedData:
    """Everything before a moment.

    Args:
        as_of: exclusive.
        vocabulary: the items, by key.
        version: of the text vectors.
        seed: of the searches that are made.
        progress: told of the texts that are encoded.

    Raises:
        UnusableVersion: where the text vectors are of another encoder than the installed one.
    """
    check_encoder(version)
    keys = [int(item_id) for item_id in vocabulary.item_ids]
    titles: list[str] = []
    texts: list[str] = []
    facts: list[Sequence[str]] = []
    years: list[npt.NDArray[np.float64]] = []
    for start in range(0, len(keys), READ_SIZE):
        part = keys[start : start + READ_SIZE]
        said = stated(part, version)
        named = dict(Item.objects.filter(pk__in=part).values_list("pk", "title"))
        titles += [named.get(key, "") for key in part]
        texts += said.texts
        facts += said.facts
        years.append(said.years)
    wanted = interaction_log(as_of=as_of, vocabulary=vocabulary).histories
    asked = list(chosen_searches(as_of=as_of))[::-1]
    queries, log, searches = _searches(asked, wanted, vocabulary)
    data = JointData(
        vocabulary=vocabulary,
        titles=tuple(titles),
        texts=tuple(texts),
        facts=tuple(tuple(each) for each in facts),
        years=np.concatenate([np.zeros(0), *years]),
        queries=queries,
        log=log,
        searches=searches,
        ratings=_ratings(as_of, vocabulary),
    )
    vectors = content_vectors([0, *keys], versions={ContentVersion.TEXT: version})
    tables = texts_of(
        data,
        FactNames.of(facts, least=LEAST_ITEMS),
        lambda words: _encoded(words, progress),
        items=vectors[ContentVersion.TEXT],
    )
    most = MOST_MADE if len(searches) < LEAST_SEARCHES else 0
    more = with_made_searches(data, tables, most=most, seed=seed)
    return UnifiedData(
        data=more, texts=tables, asked=len(searches), made=len(more.searches) - len(searches)
    )


def read_shown(known: UnifiedData, *, since: datetime, as_of: datetime) -> ShownLists:
    """Lists that people saw and took something of, in the rows of what was read.

    Of people, words and sources that the data know; an item that they do not know keeps its place
    and says nothing.

    Args:
        known: from read_data(), of `as_of` or later.
        since: inclusive.
        as_of: exclusive.
    """
    data = known.data
    place = {name: number for number, name in enumerate(data.log.wanted.people)}
    kept: list[ShownAnswer] = []
    columns: list[tuple[int, int, int, int, float]] = []
    for one in shown_answers(since=since, as_of=as_of):
        viewer = Viewer(person_id=one.person_id, anonymous_id=one.anonymous_id)
        person = place.get(person_name(viewer), NOBODY)
        words = int(data.queries.rows([normal(one.query)])[0]) if one.query else 0
        source = int(data.vocabulary.rows([str(one.about_item)])[0]) if one.about_item else 0
        task = TASKS.index(one.surface)
        lacks = (task == SEARCH and not words) or (task == SIMILAR and not source)
        if person != NOBODY and not lacks:
            kept.append(one)
            columns.append((task, words, source, person, one.time.timestamp() / SECONDS_A_DAY))
    width = max((len(one.items) for one in kept), default=0)
    items, places = np.zeros((2, len(kept), width), np.int64)
    taken = np.zeros((len(kept), width), np.bool_)
    for row, one in enumerate(kept):
        count = len(one.items)
        items[row, :count] = data.vocabulary.rows(map(str, one.items))
        places[row, :count] = one.places
        taken[row, :count] = np.isin(one.items, one.taken)
    table = np.array(columns, np.float64).reshape(len(kept), 5)
    requests = Requests(
        tasks=table[:, 0].astype(np.int8),
        words=table[:, 1].astype(np.int64),
        sources=table[:, 2].astype(np.int64),
        persons=table[:, 3].astype(np.int64),
        days=table[:, 4],
    )
    return ShownLists(requests=requests, items=items, places=places, taken=taken)


def _encoded(words: Sequence[str], progress: Progress) -> Floats:
    """Vectors of texts; each text once."""
    encoder = TextEncoder(packaged_model_dir())
    distinct = list(dict.fromkeys(words))
    progress.set_total(len(distinct))
    parts = []
    for start in range(0, len(distinct), ENCODED_AT_ONCE):
        part = distinct[start : start + ENCODED_AT_ONCE]
        parts.append(encoder.encode_documents(part))
        progress.advance(len(part), message="encoding words")
    table = np.concatenate(parts)
    row = {text: place for place, text in enumerate(distinct)}
    return np.asarray(table[[row[text] for text in words]], np.float32)


def _searches(
    asked: Sequence[ChosenSearch], wanted: Histories, vocabulary: Vocabulary
) -> tuple[Vocabulary, SurfaceLog, Searches]:
    """Queries, the log with them, and the searches; of people and items that are known."""
    place = {name: number for number, name in enumerate(wanted.people)}
    rows = vocabulary.rows(str(one.item_id) for one in asked)
    owners = [
        place.get(person_name(Viewer(person_id=one[0], anonymous_id=one[1])), -1) for one in asked
    ]
    words = [normal(one.query) for one in asked]
    kept = [n for n in range(len(asked)) if rows[n] and owners[n] >= 0 and words[n]]
    queries = Vocabulary(tuple(sorted({words[n] for n in kept})))
    found = Searches(
        persons=np.array([owners[n] for n in kept], np.int64),
        words=np.asarray(queries.rows(words[n] for n in kept), np.int64),
        items=np.array([rows[n] for n in kept], np.int64),
        days=np.array([asked[n].time.timestamp() / SECONDS_A_DAY for n in kept], np.float64),
        strengths=np.array([STRENGTHS[EventKind(asked[n].kind)] for n in kept], np.int8),
    )
    log = SurfaceLog(
        wanted=wanted,
        asked=_by_person(found, found.words, wanted.people),
        chosen=_by_person(found, found.items, wanted.people),
    )
    return queries, log, found


def _by_person(
    searches: Searches, values: npt.NDArray[np.int64], people: tuple[str, ...]
) -> Histories:
    """One column of the searches as histories, in order of time."""
    order = np.lexsort((searches.days, searches.persons))
    lengths = np.bincount(searches.persons, minlength=len(people))
    return Histories(
        people=people,
        offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        items=values[order],
        kinds=searches.strengths[order],
        days=searches.days[order],
    )


def _ratings(as_of: datetime, vocabulary: Vocabulary) -> Ratings:
    """What items were rated, as shares of the highest rating."""
    rows = list(
        Event.objects.before(as_of)
        .filter(kind=EventKind.RATING, value__isnull=False)
        .order_by()
        .values_list("item_id", "value", "time")
        .iterator(chunk_size=20_000)
    )
    items = vocabulary.rows(str(row[0]) for row in rows)
    values = np.clip(np.array([row[1] for row in rows], np.float64) / HIGHEST_RATING, 0.0, 1.0)
    days = np.array([row[2].timestamp() / SECONDS_A_DAY for row in rows], np.float64)
    known = items > 0
    return Ratings(items=items[known], values=values[known], days=days[known])
