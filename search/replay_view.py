"""A request asked again in the admin, stage by stage, of one version or of two."""

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from catalog.errors import InvalidInput, NotFound, ProjectError
from catalog.models import Item, Person
from catalog.profiles import current_profile
from catalog.types import Viewer
from recs.history import read_history
from recs.match_filter import mode_of
from recs.models import ModelVersion
from recs.replay import replay
from recs.surfaces import mixing, setting
from recs.unified import TASKS, UnifiedAsk
from search.learned import RANKED
from search.placement import MOST
from search.query_reasons import why
from search.recommended import recommended_for
from search.retrieval import candidates_of, retrieve
from search.types import SearchRequest

SHOWN = 10


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
        ask, words = _ask(given)
        mix = mixing(given.surface)
        return {
            **context,
            "words": words,
            "replays": [replay(version, ask, mix) for version in chosen],
        }
    except ProjectError as error:
        return {**context, "problem": error.detail}


def _chosen(versions: list[ModelVersion], given: ReplayInput) -> list[ModelVersion]:
    """Those that were picked, else the live one, else the newest."""
    by_key = {str(version.pk): version for version in versions}
    picked = [by_key[key] for key in (given.first, given.second) if key in by_key]
    live = [version for version in versions if version.is_live]
    return list(dict.fromkeys(picked)) or (live or versions)[:1]


def _ask(given: ReplayInput) -> tuple[UnifiedAsk, list[dict[str, Any]]]:
    """The request, and the first of what words and meaning find.

    Raises:
        NotFound: where there is no such person or item.
        InvalidInput: where the surface lacks what it needs.
    """
    viewer = _viewer(given)
    history = read_history(viewer=viewer)
    if given.surface == "search":
        return _search(given, viewer, history)
    excluded = history.seen | history.unwanted
    key = None
    if given.surface == "similar":
        item = Item.objects.filter(external_id=given.item).first()
        if item is None:
            raise NotFound(f"There is no item '{given.item}': name one.", field="item")
        key = item.pk
        excluded |= {key}
    ask = UnifiedAsk(
        surface=given.surface, viewer=viewer, history=history, item_id=key, excluded=excluded
    )
    return ask, []


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


def _search(
    given: ReplayInput, viewer: Viewer, history: Any
) -> tuple[UnifiedAsk, list[dict[str, Any]]]:
    if not given.query:
        raise InvalidInput("A search needs words.", field="query")
    scored, query = candidates_of(SearchRequest(query=given.query, viewer=viewer))
    words = [
        {"place": place, "title": one.candidate.title, "source": one.source, "score": one.score}
        for place, one in enumerate(scored[:SHOWN], start=1)
    ]
    ask = UnifiedAsk(
        surface="search",
        viewer=viewer,
        history=history,
        text=query.text,
        excluded=history.unwanted,
        also=[one.candidate.item_id for one in scored[:RANKED]],
    )
    return ask, words
