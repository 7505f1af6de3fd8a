"""Recommended queries, versions of their ranker made by hand, and a log of what was picked."""

import itertools
from datetime import timedelta
from uuid import uuid4

import numpy as np
from django.utils import timezone

from catalog.answers import AnswerInput, log_answer
from catalog.events import record_events
from catalog.types import EventInput, Viewer
from recs import registry
from recs.ml.artifacts import Artifact
from recs.ml.query_ranking.features import NAMES
from recs.ml.query_ranking.ranker import QueryRanker
from recs.ml.vocabulary import Vocabulary
from search.query_features import facts_of
from search.query_ranking import KIND
from search.query_recommendation import RecommendOptions, recommend
from search.retrieval import retrieve
from search.text import normalize_query
from search.types import SearchRequest
from tests.search.films import log_search, visitor

ASKED = ("comedy", "thriller", "french comedy", "crime", "hitchcock thriller", "james stewart")


def recommended(query, *, viewer=Viewer(), page=None, **options):  # noqa: B008  frozen
    request = SearchRequest(query=query, viewer=viewer)
    found = retrieve(request)
    return recommend(
        query=query,
        normalized=normalize_query(query),
        top_item_ids=found.top_item_ids,
        exact_title=found.exact_title,
        viewer=viewer,
        page=page or facts_of(request, found),
        options=RecommendOptions(**options),
    )


def texts(query, **given):
    return [each.text for each in recommended(query, **given).queries]


def ranker_of(**weights):
    linear = np.zeros(len(NAMES))
    for name, weight in weights.items():
        linear[NAMES.index(name)] = weight
    none = np.zeros((len(NAMES), 0))
    return QueryRanker(
        mean=np.zeros(len(NAMES)), scale=np.ones(len(NAMES)), linear=linear, bias=-1.0,
        inner=none, inner_bias=np.zeros(0), outer=np.zeros(0),
    )  # fmt: skip


def made(*, counts=None, features=NAMES, **weights):
    """A candidate version that adds up these features."""
    version = registry.create_version(kind=KIND, as_of=timezone.now(), config={})
    artifact = Artifact(
        config={"features": list(features), "counts": counts or {}},
        tensors=ranker_of(**weights).tensors(),
        vocabulary=Vocabulary(()), metrics={}, card="", provenance={},
    )  # fmt: skip
    return registry.add_artifact(version=version, artifact=artifact, sizes=registry.Sizes())


def shown_log(films, *, people=48, good="names", by_chance=0.0, kind="play", is_picked=True):
    """Answers that showed queries; who saw one of a source picks it and plays what it found."""
    rng = np.random.default_rng(0)
    offered = {query: recommended(query).queries for query in ASKED}
    item = films["Playtime"]
    for n, query in itertools.product(range(people), ASKED[:3]):
        viewer = visitor(f"v{n}")
        time = timezone.now() - timedelta(days=20) + timedelta(minutes=61 * n + ASKED.index(query))
        order = rng.permutation(len(offered[query]))
        shown = [offered[query][m] for m in order]
        log_answer(answer=answer_input(query, viewer, time, shown))
        liked = [q for q in shown if q.source == good] or shown[:1]
        picked = liked[0] if rng.random() >= by_chance else shown[int(rng.integers(len(shown)))]
        query_id = log_search(
            picked.text, viewer=viewer, items=[item],
            picked_from=picked.source if is_picked else "",
            seconds_ago=(timezone.now() - time).total_seconds() - 20,
        )  # fmt: skip
        record_events(
            events=[
                EventInput(
                    kind=kind, item_id=item.external_id, anonymous_id=viewer.anonymous_id,
                    time=time + timedelta(seconds=60), query_id=str(query_id),
                )
            ]
        )  # fmt: skip


def answer_input(query, viewer, time, shown):
    return AnswerInput(
        query_id=uuid4(), kind="search", viewer=viewer, query=query, surface="search", total=5,
        normalized_query=normalize_query(query), time=time, hits=[],
        query_recommendations=[
            {
                "text": each.text, "source": each.source, "place": place, "stated": each.stated,
                "situation": "plain", "features": list(each.features),
            }
            for place, each in enumerate(shown, start=1)
        ],
    )  # fmt: skip
