"""The day of the match filter: sample, scrub, label, train, compare, promote or refuse, look back.

Once a day: what was done today is not done again, by whichever process. Labels of a language model
are asked for only where one is set; without any, people's labels may suffice.
"""

from typing import Any

from django.conf import settings
from django.utils import timezone

from catalog.errors import ProjectError
from catalog.jobs import track
from catalog.locks import only_one
from catalog.models import Job, Label
from recs import registry
from recs.errors import AlreadyTraining, NotEnoughEvents
from recs.learning import learn
from recs.match_guard import KIND as FILTER
from recs.models import ModelVersion
from search.match_drift import drift
from search.match_rows import usable_labels
from workers.augmentation import labels

KIND = "llm.match_filter_day"
LOCK_SPACE = 7_140_340


def match_filter_day() -> dict[str, Any] | None:
    """What today's loop found; None where it was done already, or another process is at it."""
    day = timezone.now().date()
    with only_one(LOCK_SPACE, KIND) as is_ours:
        done = Job.objects.filter(kind=KIND, state=Job.State.DONE, params__day=day.isoformat())
        if not is_ours or done.exists() or not _has_anything():
            return None
        with track(kind=KIND, params={"day": day.isoformat()}) as progress:
            told: dict[str, Any] = {"labelled": _label(day.toordinal())}
            told["agreement"] = _look_back()
            told["trained"] = _train()
            alarms = told["agreement"].get("alarms", [])
            progress.result.update(told)
            progress.advance(message=" ".join(alarms)[:300] or told["trained"][:300])
    return told


def _has_anything() -> bool:
    """Whether there is anybody to learn from: a language model, or labels."""
    return is_set() or Label.objects.exclude(source=Label.Source.MODEL).exists()


def is_set() -> bool:
    """Whether the installation names a language model: the packaged one teaches nobody unasked."""
    return bool(settings.LLM_BASE_URL or settings.LLM_GGUF)


def _label(seed: int) -> dict[str, str]:
    """Have the day's sample judged; the same day draws the same, and asks for nothing twice."""
    if not is_set():
        return {}
    told = {}
    for kind in (labels.RELEVANCE, labels.FIT):
        try:
            labels.label_pairs(kind=kind, pairs=settings.MATCH_FILTER_PAIRS_A_DAY, seed=seed)
            told[kind] = "judged"
        except ProjectError as error:
            # What was judged stays; the day goes on with it.
            told[kind] = error.detail
    return told


def _look_back() -> dict[str, Any]:
    """Whether student, teacher and people part, on what came since the live version learned."""
    live = registry.live(FILTER)
    if live is None:
        return {}
    found = drift(live, as_of=timezone.now())
    return {"version": live.name, **found.told, "alarms": list(found.alarms)}


def _train() -> str:
    """Learn anew where there are labels that no version has seen; what became of it."""
    newest = ModelVersion.objects.of_kind(FILTER).order_by("-as_of").first()
    rows = [usable_labels(kind) for kind in Label.Kind.values]
    if newest is not None:
        rows = [each.filter(updated_at__gte=newest.as_of) for each in rows]
    if not any(each.exists() for each in rows):
        return "No label is newer than the newest version."
    try:
        return learn(kind=FILTER).message
    except (NotEnoughEvents, AlreadyTraining) as error:
        return error.detail
