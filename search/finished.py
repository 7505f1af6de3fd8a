"""Which logged texts are finished queries: learned from the log, judged each night, stored.

No request trains or judges anything: the store of queries and the reports read the table. Weights
are learned from the older part of the log, the threshold by the newer part, and a version goes live
only through its gate (recs.ml.finished.learning). Without one the hand rule of search.typed stands.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from catalog.event_kinds import WANTED
from catalog.models import Item
from catalog.progress import NO_PROGRESS, Progress
from recs import registry, training_runs
from recs.errors import NoLiveVersion, NotEnoughEvents, UnusableVersion
from recs.ml.artifacts import Artifact
from recs.ml.errors import ArtifactError, NothingToLearn
from recs.ml.finished import features, learning
from recs.ml.finished.chains import Asked, Visit, visits
from recs.ml.finished.judge import Judge
from recs.ml.finished.prefix_trie import PrefixTrie
from recs.ml.vocabulary import Vocabulary
from recs.models import ModelVersion
from recs.pruning import prune
from search.models import FinishedText, Query, Term
from search.query_sources.log import LOG_DAYS
from search.text import normalize_query
from search.typed import TYPED

log = logging.getLogger(__name__)

KIND = ModelVersion.Kind.FINISHED_QUERIES
# The newest rows of the log that are read.
MOST_ROWS = 1_000_000
STEPS = 4
READ = f"""
    WITH typed AS ({TYPED} AND time >= %(since)s AND time < %(as_of)s)
    SELECT viewer, extract(epoch FROM time)::float8, normalized_query, is_typing,
           query_id IN (
               SELECT query_id FROM catalog_event
               WHERE query_id IS NOT NULL AND kind = ANY(%(kinds)s)
                   AND time >= %(since)s AND time < %(as_of)s
           ),
           picked_from <> '', total
    FROM typed WHERE viewer IS NOT NULL
    ORDER BY time DESC, query_id LIMIT %(most)s"""  # noqa: S608  constants only
CARD = """# Finished queries

The chance that a logged text is a finished query and not a prefix: logistic regression over bins of
what other people did at the text, what the store says of it, and its form. See
docs/decisions/0011-finished-queries.md.
"""


def train_finished_queries(
    *,
    as_of: datetime | None = None,
    config: learning.LearningConfig | None = None,
    progress: Progress = NO_PROGRESS,
) -> ModelVersion:
    """A new version, live or refused; then the live one, whichever it is, judges the log.

    Args:
        as_of: exclusive upper bound of what is read; now where it is None.
        config: see its fields.
        progress: hears of four steps.

    Raises:
        NotEnoughEvents: where the log tells of too few texts whether they were finished.
        AlreadyTraining: where another process is at it.
    """
    as_of, config = as_of or timezone.now(), config or learning.LearningConfig()
    progress.set_total(STEPS)
    with training_runs.training(KIND):
        asked, store = read_log(as_of=as_of), read_store()
        progress.advance(1, f"{len(asked):,} rows")
        version = _learned(asked, store, as_of, config)
        progress.advance(1, f"{version} is {version.state}")
        if registry.live(KIND):
            judge_texts(as_of=as_of)
        progress.advance(1, "judged")
        prune(kind=KIND)
        progress.advance(1)
    return version


def judge_texts(*, as_of: datetime | None = None) -> int:
    """Judge the texts of the log by the live version and keep what it says; how many.

    In one transaction in place of what was judged before; it can be repeated. What fewer than
    settings.SEARCH_MIN_PEOPLE_PER_QUERY people typed is copied nowhere, hence not judged.

    Raises:
        NoLiveVersion: where none was promoted yet.
        UnusableVersion: where its folder cannot be used; what was judged before stays.
    """
    version = registry.live(KIND)
    if version is None:
        raise NoLiveVersion("No version is live: run `manage.py train_finished_queries`.")
    judge = load_judge(version)
    asked = visits(read_log(as_of=as_of or timezone.now()))
    table = features.table(asked, PrefixTrie(asked), read_store(), judge.names)
    people = Counter(text for text, _ in {(visit.text, visit.viewer) for visit in asked})
    chances = {
        text: chance
        for text, chance in learning.chances_of_texts(asked, judge.chances(table)).items()
        if people[text] >= settings.SEARCH_MIN_PEOPLE_PER_QUERY
    }
    _write(version, judge.threshold, chances)
    return len(chances)


def load_judge(version: ModelVersion) -> Judge:
    """A version's judge, its folder checked.

    Raises:
        UnusableVersion: says what is wrong with it.
    """
    try:
        return Judge.from_json(
            registry.load(version).config,
            known=(*features.TEXT, *features.TIMING, *features.AFTERWARDS),
        )
    except ArtifactError as error:
        raise UnusableVersion(f"{version} cannot be used: {error}") from error


def read_log(*, as_of: datetime) -> list[Asked]:
    """What known viewers typed in the LOG_DAYS days before a moment, in the order of time."""
    params: dict[str, Any] = {
        "since": as_of - timedelta(days=LOG_DAYS),
        "as_of": as_of,
        "kinds": [int(kind) for kind in WANTED],
        "most": MOST_ROWS,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        # Like a build of the store: no request waits for it.
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(READ, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return [
        Asked(
            viewer=viewer,
            time=time,
            text=text,
            is_typing=is_typing,
            is_taken=is_taken,
            is_picked=is_picked,
            total=total,
        )
        for viewer, time, text, is_typing, is_taken, is_picked, total in reversed(rows)
    ]


def read_store() -> features.Store:
    """The catalog's words, and its titles and queries, without what came from the log."""
    words = dict(Term.objects.values_list("word", "items").iterator(chunk_size=5000))
    return features.Store.of(words, _known_texts())


def _known_texts() -> Iterator[str]:
    titles = Item.objects.visible().values_list("title", flat=True)
    yield from filter(None, map(normalize_query, titles.iterator(chunk_size=5000)))
    queries = Query.objects.filter(review=Query.Review.APPROVED).exclude(source=Query.Source.LOG)
    yield from queries.values_list("normalized", flat=True).iterator(chunk_size=5000)


def _learned(
    asked: Sequence[Asked],
    store: features.Store,
    as_of: datetime,
    config: learning.LearningConfig,
) -> ModelVersion:
    first, then = _windows(asked, config.learned_share)
    try:
        learned = learning.learn(first, then, store, config)
    except NothingToLearn as error:
        raise NotEnoughEvents(str(error)) from error
    version = registry.create_version(
        kind=KIND, as_of=as_of, config={"precision": config.precision}, seed=config.seed
    )
    registry.add_artifact(
        version=version,
        artifact=Artifact(
            config=learned.judge.as_json(),
            tensors={"bias": np.array([learned.judge.bias])},
            vocabulary=Vocabulary(()),
            metrics=learned.report,
            card=CARD,
            provenance={"as_of": as_of.isoformat(), "seed": config.seed, "rows": len(asked)},
        ),
        sizes=registry.Sizes(events=len(asked), people=learned.trie.people),
    )
    _decide(version, learned)
    return version


def _windows(asked: Sequence[Asked], share: float) -> tuple[list[Visit], list[Visit]]:
    """Visits of the older rows and of the newer ones; neither knows of the other."""
    cut = int(len(asked) * share)
    return visits(asked[:cut]), visits(asked[cut:])


def _decide(version: ModelVersion, learned: learning.Learned) -> None:
    report = {**learned.report, "passed": not learned.reasons, "reasons": learned.reasons}
    registry.record_gate(version=version, report=report)
    if learned.reasons:
        registry.refuse(version=version, reasons=learned.reasons, report=report)
        log.info("%s was refused: %s", version, " ".join(learned.reasons))
    else:
        registry.promote(version=version)


def _write(version: ModelVersion, threshold: float, chances: Mapping[str, float]) -> None:
    table = FinishedText._meta.db_table
    with transaction.atomic(), connection.cursor() as cursor:
        # Readers go on with what was judged before until this commits; two writers wait.
        cursor.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(f"DELETE FROM {table}")  # noqa: S608  table name only
        columns = "normalized, chance, is_finished, version_id"
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for text, chance in chances.items():
                copy.write_row((text, round(chance, 4), chance >= threshold, version.pk))
