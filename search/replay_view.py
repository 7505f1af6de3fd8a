"""A request asked again in the admin, stage by stage, of one version or of two."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from catalog.errors import InvalidInput, NotFound, ProjectError
from catalog.models import Item, Person
from catalog.profiles import current_profile
from catalog.types import Viewer
from recs.history import History, read_history
from recs.match_filter import mode_of
from recs.models import ModelVersion
from recs.recommenders.base import Ask
from recs.replay import SHOWN, replay, replay_of
from recs.surfaces import mixing, setting
from recs.unified import TASKS, UnifiedAsk, choosing, looking_into
from recs.unified_index import LIKE
from recs.unified_source import liked_by_the_same
from search.placement import MOST
from search.query_reasons import why
from search.recommended import recommended_for
from search.retrieval import candidates_of, retrieve
from search.types import SearchRequest

SHOWN_OF_WORDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayInput:
    """The form: keys of versions, and the request by external IDs."""

    surface: str = "search"
    query: str = ""
    person: str = ""
    item: str = ""
    first: str = ""
    second: str = ""

    @classmethod
    def read(cls, given: QueryDict) -> "ReplayInput":
        """Texts without what no column holds."""
        texts = {
            name: given.get(name, "").replace("\x00", "").strip()[:500]
            for name in cls.__dataclass_fields__
        }
        if texts["surface"] not in TASKS:
            texts["surface"] = "search"
        return cls(**texts)


def context_of(given: ReplayInput) -> dict[str, Any]:
    """What the page shows: the form, and the replays or what is wrong with the request."""
    versions = list(
        ModelVersion.objects.of_kind(ModelVersion.Kind.UNIFIED).kept()
        .exclude(manifest_sha256="").order_by("-created_at")[:50]
    )  # fmt: skip
    chosen = _chosen(versions, given)
    context: dict[str, Any] = {
        "given": given,
        "surfaces": list(TASKS),
        "versions": versions,
        "engine": setting(given.surface).get_engine_display(),
    }
    is_asked = bool(given.query or given.person or given.item)
    if is_asked:
        context["queries"] = _queries(given)
        context["left_out"] = _left_out(given)
    if not versions:
        return {**context, "problem": "No version of the unified model was trained yet."}
    if not is_asked:
        return context
    try:
        return {**context, **_replays(given, chosen)}
    except ProjectError as error:
        return {**context, "problem": error.detail}


def _chosen(versions: list[ModelVersion], given: ReplayInput) -> list[ModelVersion]:
    """Those that were picked, else the live one, else the newest."""
    by_key = {str(version.pk): version for version in versions}
    picked = [by_key[key] for key in (given.first, given.second) if key in by_key]
    live = [version for version in versions if version.is_live]
    return list(dict.fromkeys(picked)) or (live or versions)[:1]


def _replays(given: ReplayInput, chosen: Sequence[ModelVersion]) -> dict[str, Any]:
    """What each version makes of the request, and why it may not be what this viewer is shown now.

    Raises:
        NotFound: where there is no such person or item.
        InvalidInput: where the surface lacks what it needs.
        UnusableVersion: where a version cannot be loaded.
    """
    viewer = _viewer(given)
    history = read_history(viewer=viewer)
    fallback = choosing(given.surface, viewer).why_not_with(history)
    if given.surface == "search":
        return {**_searches(given, viewer, history, chosen), "fallback": fallback}
    excluded = history.seen | history.unwanted
    key = None
    if given.surface == "similar":
        item = Item.objects.filter(external_id=given.item).first()
        if item is None:
            raise NotFound(f"There is no item '{given.item}': name one.", field="item")
        key = item.pk
        # As on the item's page, where what the viewer chose before stays in.
        excluded = history.unwanted | {key}
    ask = UnifiedAsk(
        surface=given.surface, viewer=viewer, history=history, item_id=key, excluded=excluded,
        also=liked_by_the_same(key, Ask(k=LIKE, excluded=excluded)) if key else (),
    )  # fmt: skip
    mix = mixing(given.surface)
    return {"replays": [replay(version, ask, mix) for version in chosen], "fallback": fallback}


def _viewer(given: ReplayInput) -> Viewer:
    """Who asks.

    Raises:
        NotFound: where there is no such person.
    """
    if not given.person:
        return Viewer()
    person = Person.objects.filter(external_id=given.person).first()
    if person is None:
        raise NotFound(f"There is no person '{given.person}'.", field="person")
    return Viewer(person_id=person.pk)


def _queries(given: ReplayInput) -> list[dict[str, Any]]:
    """The queries recommended with a search, and why each; none where it cannot be asked."""
    if given.surface != "search" or not given.query:
        return []
    try:
        found = recommended_for(query=given.query, viewer=_viewer(given), k=MOST)
    except ProjectError:
        return []  # the replay says what is wrong
    profile = current_profile()
    return [
        {"query": each, "known": each.evidence, "why": why(each, profile)} for each in found.queries
    ]


def _left_out(given: ReplayInput) -> dict[str, Any] | None:
    """What the live match filter leaves out of the search now, or would."""
    if given.surface != "search" or not given.query:
        return None
    try:
        found = retrieve(SearchRequest(query=given.query, viewer=_viewer(given)))
    except ProjectError:
        return None  # the replay says what is wrong
    titles = dict(
        Item.objects.filter(pk__in=[one["item"] for one in found.dropped]).values_list(
            "pk", "title"
        )
    )
    rows = [{**one, "title": titles.get(one["item"], "gone since")} for one in found.dropped]
    return {"looked_at": len(found.match_scores), "rows": rows, "mode": mode_of("search")}


def _searches(
    given: ReplayInput, viewer: Viewer, history: History, chosen: Sequence[ModelVersion]
) -> dict[str, Any]:
    """The first of what words and meaning find; and by each version the very page of hits."""
    if not given.query:
        raise InvalidInput("A search needs words.", field="query")
    request = SearchRequest(query=given.query, viewer=viewer, per_page=SHOWN)
    scored, _ = candidates_of(request)
    words = [
        {"place": place, "title": one.candidate.title, "source": one.source, "score": one.score}
        for place, one in enumerate(scored[:SHOWN_OF_WORDS], start=1)
    ]
    replays, unasked = [], ""
    for version in chosen:
        found = retrieve(request, answering=looking_into(version, given.surface))
        if found.ranking is None:
            unasked = found.fallback
            continue
        shown = [(hit.item.pk, str(hit.source)) for hit in found.hits]
        replays.append(
            replay_of(found.ranking, surface=given.surface, taste=history.taste, shown=shown)
        )
    return {"words": words, "replays": replays, "unasked": unasked}
