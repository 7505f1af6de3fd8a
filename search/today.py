"""The admin's first page as data: what to do this morning, and how things stand."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from catalog.event_counts import counts_by_day
from search import reports

EVENT_DAYS = 14
ROWS = 8


def today() -> dict[str, Any]:
    """Everything the first page shows; the numbers are at most 30 seconds old."""
    return {
        **_tasks(reports.cached("waiting", reports.work_waiting), _encoding()),
        "as_of": timezone.now(),
        "days": reports.DAYS,
        "unanswered": reports.cached("unanswered", lambda: _asked("nothing")),
        "asked": reports.cached("asked", lambda: _asked("any")),
        "events": counts_by_day(days=EVENT_DAYS),
        "facts": reports.cached("facts", _facts),
    }


def _encoding() -> dict[str, Any]:
    found: dict[str, Any] = reports.cached("encoding", reports.encoding_state)
    return found


def _asked(found: str) -> list[dict[str, Any]]:
    rows = reports.asked_queries(limit=ROWS, found="nothing" if found == "nothing" else "any")
    return [{**asdict(row), "last_seen": f"{row.last_seen:%b %-d, %H:%M}"} for row in rows]


def _tasks(waiting: dict[str, int], encoding: dict[str, Any]) -> dict[str, Any]:
    """What waits, the most urgent first, and the names of what does not."""
    jobs = reverse("admin:catalog_job_changelist")
    labels, items = (
        reverse("admin:catalog_label_changelist"),
        reverse("admin:catalog_item_changelist"),
    )
    week = f"last {reports.DAYS} days"
    tasks = [
        _task(waiting["failed"], "failed jobs", week, f"{jobs}?state__exact=failed", "error"),
        _task(
            waiting["lost"],
            "jobs that stopped moving",
            "no sign for 5 minutes",
            f"{jobs}?state__exact=running",
            "heart_broken",
        ),
        _task(
            waiting["unanswered"],
            "queries without results",
            week,
            reverse("admin:search_no_results"),
            "search_off",
        ),
        _task(
            waiting["proposals"],
            "proposed queries to review",
            "now",
            reverse("admin:search_review_queue"),
            "rate_review",
        ),
        _task(
            waiting["synonyms"],
            "proposed synonyms to review",
            "now",
            f"{reverse('admin:search_synonym_changelist')}?review__exact=proposed",
            "sync_alt",
        ),
        _task(
            waiting["disputed"],
            "judgements people disagree on",
            "now",
            f"{labels}?disputed=yes",
            "balance",
        ),
        _task(
            waiting["to_judge"], "pairs to judge", "now", reverse("admin:catalog_judge"), "gavel"
        ),
        _task(
            waiting["to_adjudicate"],
            "pairs to adjudicate",
            "now",
            reverse("admin:catalog_adjudicate"),
            "handshake",
        ),
        _task(
            encoding["waiting"],
            "items without a vector",
            f"{encoding['new']:,} of them new since yesterday",
            f"{items}?vector=no&is_hidden__exact=0",
            "hourglass_top",
        ),
        _task(
            waiting["queued"],
            "jobs waiting",
            "now",
            f"{jobs}?state__exact=queued",
            "pending_actions",
        ),
    ]
    return {
        "tasks": [task for task in tasks if task["count"]],
        "clear": [task["name"] for task in tasks if not task["count"]],
    }


def _task(count: int, name: str, when: str, url: str, icon: str) -> dict[str, Any]:
    return {"count": count, "name": name, "when": when, "url": url, "icon": icon}


def _facts() -> list[dict[str, str]]:
    """How things stand: a name, a number, what it rests on and when."""
    encoding, neighbours = _encoding(), reports.neighbours_state()
    share, items, labels = (
        reports.picked_share(),
        reports.item_counts(),
        reports.label_counts(),
    )
    low, high = share.interval
    recall = encoding["recall"]
    return [
        {
            "name": "Searches begun from a recommended query",
            "value": f"{share.value:.1%}" if share.whole else "no searches yet",
            "note": f"{share.part:,} of {share.whole:,}, 95 % interval {low:.1%} to {high:.1%},"
            f" since {timezone.now() - timedelta(days=reports.DAYS):%Y-%m-%d}"
            if share.whole
            else f"in the last {reports.DAYS} days",
        },
        {
            "name": "Recall of the vector index at 10",
            "value": f"{recall:.3f}" if recall is not None else "not measured",
            "note": f"{encoding['encoder']}, measured {encoding['built']} UTC"
            if encoding["built"]
            else "no index has been built",
        },
        {
            "name": "Items with a vector",
            "value": f"{encoding['items'] - encoding['waiting']:,}",
            "note": f"of {encoding['items']:,} that are shown; {items['hidden']:,} hidden",
        },
        {
            "name": "Neighbours by behaviour",
            "value": f"{neighbours['pairs']:,} pairs" if neighbours["as_of"] else "not computed",
            "note": f"from {neighbours['events']:,} events before {neighbours['as_of']} UTC"
            if neighbours["as_of"]
            else "no version is live",
        },
        {
            "name": "Labels",
            "value": f"{labels['all']:,}",
            "note": f"{labels['recent']:,} in the last {reports.DAYS} days",
        },
        {
            "name": "Latest event",
            "value": neighbours["latest_event"] or "none",
            "note": "UTC, of the last 10,000 received"
            if neighbours["latest_event"]
            else "nothing came in yet",
        },
    ]
