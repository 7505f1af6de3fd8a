"""People: finding them by the caller's ids, and what they may ask of us."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import Q

from catalog.errors import InvalidInput
from catalog.event_kinds import EventKind
from catalog.jobs import track
from catalog.models import Answer, Event, Job, Label, Person, SavedSearch
from catalog.types import Viewer
from catalog.values import check_storable

ACCOUNT_PREFIX = "account:"
USER_ID_CHARACTERS = 200
ANONYMOUS_ID_CHARACTERS = 100
EXPORT_CHUNK = 2000


def person_ids(external_ids: Iterable[str]) -> dict[str, int]:
    """Keys of these people by external id; those who are missing are created."""
    wanted = sorted({external_id for external_id in external_ids if external_id})
    if not wanted:
        return {}
    known = _known_ids(wanted)
    missing = [external_id for external_id in wanted if external_id not in known]
    if missing:
        with transaction.atomic():
            # Sorted, so that two writers of the same people never wait for each other in a ring.
            Person.objects.bulk_create(
                [Person(external_id=external_id) for external_id in missing],
                ignore_conflicts=True,
            )
        known |= _known_ids(missing)
    return known


def person_for_account(*, account: AbstractBaseUser) -> Person:
    """The person behind an account of this site, created at first sight."""
    person, _ = Person.objects.get_or_create(
        account_id=account.pk, defaults={"external_id": f"{ACCOUNT_PREFIX}{account.pk}"}
    )
    return person


def viewer_for(*, user_id: str = "", anonymous_id: str = "", session_id: str = "") -> Viewer:
    """Who is looking, by the caller's ids. Nobody is created: an unknown user has no history."""
    for field, value in (
        ("user_id", user_id), ("anonymous_id", anonymous_id), ("session_id", session_id),
    ):  # fmt: skip
        check_storable(value, field=field)
        limit = USER_ID_CHARACTERS if field == "user_id" else ANONYMOUS_ID_CHARACTERS
        if len(value) > limit:
            raise InvalidInput(f"'{field}' has at most {limit} characters.", field=field)
    person_id = None
    if user_id:
        person_id = Person.objects.filter(external_id=user_id).values_list("pk", flat=True).first()
    return Viewer(
        person_id=person_id,
        anonymous_id=anonymous_id or None,
        session_id=session_id or None,
    )


def erase_history(*, viewer: Viewer) -> int:
    """Delete what a person did and searched for, here and now; how many events went."""
    if viewer.is_nobody:
        return 0
    with transaction.atomic():
        deleted = 0
        for condition in _conditions(viewer):
            deleted += Event.objects.filter(condition).delete()[0]
            Answer.objects.filter(condition).delete()
            SavedSearch.objects.filter(condition).delete()
    return deleted


def erase_person(*, job_id: str) -> None:
    """Run an erasure that was asked for: history, labels, and the person's row.

    The job forgets whom it was about as soon as it is done.
    """
    with track(kind="catalog.erase_person", job_id=job_id) as progress:
        params = progress.job.params
        viewer = Viewer(
            person_id=params.get("person_id"), anonymous_id=params.get("anonymous_id") or None
        )
        with transaction.atomic():
            progress.result["events"] = erase_history(viewer=viewer)
            if viewer.person_id is not None:
                Person.objects.filter(pk=viewer.person_id).delete()
            Job.objects.filter(pk=progress.job.pk).update(params={})


def adopt_anonymous(*, anonymous_id: str, person_id: int) -> int:
    """Give a guest's events and answers to the person who signed in; how many events moved."""
    if not anonymous_id:
        return 0
    with transaction.atomic():
        guest = Q(anonymous_id=anonymous_id, person_id__isnull=True)
        Answer.objects.filter(guest).update(person_id=person_id)
        SavedSearch.objects.filter(guest).update(person_id=person_id)
        return Event.objects.filter(guest).update(person_id=person_id)


def export_history(*, viewer: Viewer) -> dict[str, list[Any]]:
    """Everything that is kept of a person: events, searches, labels, saved searches."""
    if viewer.is_nobody:
        return {"events": [], "answers": [], "labels": [], "saved_searches": []}
    found = Q()
    for condition in _conditions(viewer):
        found |= condition
    return {
        "events": list(_exported_events(found)),
        "answers": list(
            Answer.objects.filter(found)
            .order_by("time")
            .values("query_id", "time", "kind", "surface", "query", "filters", "total")
        ),
        "labels": list(
            Label.objects.filter(person__in=[viewer.person_id] if viewer.person_id else [])
            .order_by("pk")
            .values("item__external_id", "grade", "source", "labeller", "note", "created_at")
        ),
        "saved_searches": list(
            SavedSearch.objects.filter(found)
            .order_by("pk")
            .values("query", "address", "created_at")
        ),
    }


def _exported_events(found: Q) -> Iterator[dict[str, Any]]:
    names = {kind.value: kind.label for kind in EventKind}
    rows = (
        Event.objects.filter(found)
        .order_by("time")
        .values(
            "time", "kind", "item__external_id", "anonymous_id", "session_id", "query_id",
            "surface", "position", "value", "properties",
        )
    )  # fmt: skip
    for row in rows.iterator(chunk_size=EXPORT_CHUNK):
        row["kind"] = names[row["kind"]]
        row["item_id"] = row.pop("item__external_id")
        yield row


def _conditions(viewer: Viewer) -> list[Q]:
    conditions = []
    if viewer.person_id is not None:
        conditions.append(Q(person_id=viewer.person_id))
    if viewer.anonymous_id:
        # Events of others who once had this anonymous id and then signed in are theirs.
        conditions.append(Q(anonymous_id=viewer.anonymous_id, person_id__isnull=True))
    return conditions


def _known_ids(external_ids: list[str]) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_id, id FROM catalog_person WHERE external_id = ANY(%s)",
            [external_ids],
        )
        return dict(cursor.fetchall())
