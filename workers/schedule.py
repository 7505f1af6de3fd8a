"""The beat schedule, in git: what runs when, and why then."""

from typing import Any

from celery.schedules import crontab

from workers.catalog_task import EVERY, HEADER

_TIMES: dict[str, dict[str, Any]] = {
    # The sweep: finds items whose task was lost with the broker, and imports of other processes.
    # Twice a minute, because an item should be searchable by meaning in seconds.
    "encode-items": {"task": "recs.encode_items", "schedule": 30.0, "options": {"expires": 30}},
    # Neighbours by behaviour follow the day's events; at night, when the training queue is free.
    "train-neighbours": {"task": "recs.train_neighbours", "schedule": crontab(hour=3, minute=10)},
    # Queries are rebuilt after the neighbours, whose popularity orders them.
    "build-terms": {"task": "search.build_terms", "schedule": crontab(hour=3, minute=40)},
    # Before the queries, which count only what it judges finished; after the words, which it reads.
    "train-finished-queries": {
        "task": "search.train_finished_queries",
        "schedule": crontab(hour=3, minute=42),
    },
    "build-queries": {"task": "search.build_queries", "schedule": crontab(hour=3, minute=45)},
    # The build announces its own check; this one goes on where that ran out of time or was lost.
    "check-queries": {"task": "search.check_queries", "schedule": crontab(hour=4, minute=0)},
    # Synonyms are proposed from the day's searches, with the names that queries were built from.
    "propose-synonyms": {
        "task": "search.propose_synonyms",
        "schedule": crontab(hour=3, minute=55),
    },
    # The user model learns from the day's events, when all that it reads beside them is fresh.
    "retrain-user-model": {"task": "recs.retrain", "schedule": crontab(hour=4, minute=10)},
    # The unified model after it: the queue trains one thing at a time.
    "retrain-unified": {
        "task": "recs.retrain",
        "schedule": crontab(hour=5, minute=40),
        "kwargs": {"kind": "unified"},
    },
    # Then the ranker of query recommendations, which reads the unified model's space.
    "retrain-query-ranker": {
        "task": "recs.retrain",
        "schedule": crontab(hour=7, minute=10),
        "kwargs": {"kind": "query_ranker"},
    },
    # The match filter when all else has learned: it labels what the day showed, where a language
    # model is set, and learns from labels that are new.
    "match-filter-day": {
        "task": "llm.match_filter_day",
        "schedule": crontab(hour=8, minute=10),
    },
    # A run that was killed goes on within minutes, from its checkpoint. An old message of this
    # sort is of no use: the next one says the same.
    "go-on-training": {
        "task": "recs.go_on_training",
        "schedule": 600.0,
        "options": {"expires": 600},
    },
    # Partitions of the next months, well before anything is written to them.
    "ensure-partitions": {
        "task": "catalog.ensure_partitions",
        "schedule": crontab(hour=2, minute=5),
    },
    # Old answers and event keys; after the partitions, before the day's work.
    "prune": {"task": "catalog.prune", "schedule": crontab(hour=2, minute=15)},
    # People judge by day: what went stale and what yesterday's log teaches is there by morning.
    "fill-judging-queue": {
        "task": "catalog.fill_judging_queue",
        "schedule": crontab(hour=2, minute=40),
    },
    # A job whose worker was killed is told as failed within minutes, not at night.
    "fail-lost-jobs": {"task": "catalog.fail_lost_jobs", "schedule": 300.0},
}

# Each in every catalog.
SCHEDULE: dict[str, dict[str, Any]] = {
    name: entry | {"options": entry.get("options", {}) | {"headers": {HEADER: EVERY}}}
    for name, entry in _TIMES.items()
}
