"""The match filter: from labels to a version that is live or refused."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from catalog.errors import InvalidInput
from catalog.events import record_events
from catalog.labels import set_label
from catalog.models import Label
from catalog.types import EventInput
from recs import registry
from recs.errors import CannotPromote, NotEnoughEvents
from recs.frozen_labels import freeze, read_frozen
from recs.learning import learn
from recs.match_filter import (
    FIT,
    RELEVANCE,
    filtering,
    forget_filters,
    load_filter,
    set_threshold,
)
from recs.match_guard import serving_points
from recs.match_items import every_text
from recs.ml.match.fit_features import NAMES
from recs.ml.match.texts import learn_rarity
from recs.models import FrozenLabels, ItemPopularity, ModelVersion
from recs.neighbours import build_neighbours
from search.finding import by_words_and_meaning, read
from search.match_drift import drift
from search.match_rows import read_graded
from search.stages import Stages
from search.types import SearchRequest
from tests.search.match_world import QUERIES, grade_shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_loaded():
    forget_filters()
    yield
    forget_filters()


def test_from_labels_to_a_live_version(live_filter):
    heads = live_filter.metrics["heads"]
    assert {"relevance", "fit"} <= set(heads)
    told = heads["relevance"]
    assert told["auc"]["mean"] > 0.9
    assert told["over"]["ranker"]["low"] > 0
    assert {"people", "language models"} == set(told["auc_against"])
    assert told["ceiling"]["pairs"] > 10
    assert told["ceiling"]["kappa"] < 1
    assert told["point"]["lost_high"] <= 0.02
    assert told["calibration_error"] <= 0.08
    assert told["reliability"]
    assert len(told["sweep"]) > 3
    card = (registry.folder(live_filter) / "MODEL_CARD.md").read_text()
    assert "bad match" in card
    assert set(load_filter(live_filter).scorers) == set(heads)


def test_labels_that_say_the_opposite_teach_a_version_that_is_refused(graded_shop):
    # Older labels are turned round; the newest, by which it is judged, are not.
    Label.objects.all().delete()
    ModelVersion.objects.all().delete()
    grade_shop(graded_shop, flip=True, queries=QUERIES[:60])
    Label.objects.update(created_at=timezone.now() - timedelta(days=3))
    grade_shop(graded_shop, queries=QUERIES[60:], seed=2)
    run = learn(kind="match_filter")
    version = ModelVersion.objects.get(pk=run.version_id)
    assert version.state == ModelVersion.State.REFUSED
    assert "better" in " ".join(version.gate["reasons"])
    with pytest.raises(CannotPromote):
        registry.promote(version=version)


def test_without_labels_there_is_nothing_to_learn(graded_shop):
    Label.objects.all().delete()
    with pytest.raises(NotEnoughEvents, match="graded"):
        learn(kind="match_filter")


def test_the_limit_is_asked_at_every_promotion(live_filter, settings):
    ModelVersion.objects.filter(pk=live_filter.pk).update(
        state="retired", retired_at=timezone.now()
    )
    settings.MATCH_FILTER_MOST_GOOD_LOST = 0.001
    live_filter.refresh_from_db()
    with pytest.raises(CannotPromote, match="good matches"):
        registry.promote(version=live_filter)
    settings.MATCH_FILTER_MOST_GOOD_LOST = 0.02
    assert registry.promote(version=live_filter).is_live


def test_a_limit_that_is_lowered_counts_at_once(live_filter, settings):
    assert filtering("search", live_filter)
    settings.MATCH_FILTER_MOST_GOOD_LOST = 0.001
    assert filtering("search", live_filter) is None


def test_a_threshold_moves_only_along_the_sweep_and_below_the_limit(live_filter):
    sweep = live_filter.metrics["heads"]["relevance"]["sweep"]
    fine = [point for point in sweep if point["lost_high"] <= 0.02]
    costly = [point for point in sweep if point["lost_high"] > 0.02]
    assert fine
    assert costly
    move = {"version": live_filter, "head": "relevance", "by": "eve", "at": "now"}
    set_threshold(threshold=fine[0]["threshold"], **move)
    live_filter.refresh_from_db()
    assert serving_points(live_filter)["relevance"] == fine[0]
    assert live_filter.metrics["chosen"]["relevance"]["by"] == "eve"
    with pytest.raises(InvalidInput, match=r"2\.0%"):
        set_threshold(threshold=costly[-1]["threshold"], **move)
    with pytest.raises(InvalidInput, match="no point"):
        set_threshold(threshold=0.1234, **move)
    live_filter.refresh_from_db()
    assert serving_points(live_filter)["relevance"] == fine[0]


def test_what_is_learned_from_is_what_is_served(graded_shop):
    query = "red chair"
    rarity = learn_rarity(every_text())
    Label.objects.exclude(query=query).delete()
    rows = read_graded(RELEVANCE, as_of=timezone.now(), rarity=rarity)
    request = SearchRequest(query=query)
    found = by_words_and_meaning(read(request), request, Stages())
    from recs.ml.match.relevance_features import relevance_features
    from search.match_filter import asked_of

    ids = list(Label.objects.filter(query=query).order_by("pk").values_list("item_id", flat=True))
    asked, items = asked_of(found, ids)
    served = relevance_features(asked, items.texts, items.vectors, rarity)
    place = {item_id: row for row, item_id in enumerate(items.ids)}
    assert rows.features == pytest.approx(served[[place[item_id] for item_id in ids]])


def test_what_is_frozen_teaches_nothing(graded_shop):
    rarity = learn_rarity(every_text())
    before = read_graded(RELEVANCE, as_of=timezone.now(), rarity=rarity)
    item = graded_shop["blue-tent"]
    FrozenLabels.objects.create(
        kind="relevance", sha256="a" * 64, pairs=[{"query": "Red  CHAIR", "item": item.external_id}]
    )
    after = read_graded(RELEVANCE, as_of=timezone.now(), rarity=rarity)
    gone = Label.objects.filter(kind="relevance", query="red chair").count()
    of_item = Label.objects.filter(kind="relevance", item=item).exclude(query="red chair").count()
    assert len(before) - len(after) == gone + of_item


def test_who_graded_is_not_counted_among_those_who_wanted_it(graded_shop):
    label = Label.objects.filter(kind="fit", grade=3).order_by("pk").first()
    Label.objects.filter(kind="fit").exclude(pk=label.pk).delete()
    people = NAMES.index("people")

    def liked_by(*names):
        at = timezone.now() - timedelta(minutes=1)
        key = label.item.external_id
        record_events(
            events=[EventInput(kind="like", item_id=key, user_id=one, time=at) for one in names]
        )

    def read_people():
        build_neighbours()
        rows = read_graded(FIT, as_of=timezone.now(), rarity=learn_rarity(every_text()))
        assert len(rows) == 1
        return float(np.expm1(rows.features[0, people]))

    before = read_people()
    liked_by("one", "two")
    assert read_people() == pytest.approx(before + 2)
    liked_by(label.person.external_id)
    assert read_people() == pytest.approx(before + 2)
    assert ItemPopularity.objects.get(item=label.item, version__is_live=True).people == before + 3


def test_stale_labels_teach_nothing(graded_shop):
    rarity = learn_rarity(every_text())
    before = len(read_graded(RELEVANCE, as_of=timezone.now(), rarity=rarity))
    [first, second] = Label.objects.filter(kind="relevance")[:2]
    Label.objects.filter(pk=first.pk).update(guideline="relevance-0")
    Label.objects.filter(pk=second.pk).update(content_hash="old")
    assert len(read_graded(RELEVANCE, as_of=timezone.now(), rarity=rarity)) == before - 2


def test_labels_of_after_the_moment_are_not_seen(graded_shop):
    rarity = learn_rarity(every_text())
    past = timezone.now() - timedelta(days=1)
    assert len(read_graded(RELEVANCE, as_of=past, rarity=rarity)) == 0


def test_drift_is_told_where_the_teacher_turns_round(live_filter, graded_shop):
    assert drift(live_filter, as_of=timezone.now()).alarms == ()
    for query in QUERIES[:6]:
        noun = query.split()[1]
        for thing in graded_shop.values():
            if thing.external_id.endswith(f"-{noun}"):
                is_cover = thing.external_id.startswith("cover")
                set_label(
                    kind="relevance", query=query, item_id=thing.pk, source="llm",
                    labeller="turned", grade=3 if is_cover else 0,
                )  # fmt: skip
    found = drift(live_filter, as_of=timezone.now())
    assert "student and teacher" in " ".join(found.alarms)


def test_a_frozen_set_is_written_once_and_known_by_its_hash(graded_shop, tmp_path):
    thing, other = graded_shop["red-chair"], graded_shop["blue-tent"]
    for who, grade in (("ann", 3), ("bob", 3)):
        set_label(
            kind="relevance", query="red chair", item_id=thing.pk, source="human", labeller=who,
            grade=grade,
        )  # fmt: skip
    for who, grade in (("ann", 0), ("bob", 2)):
        set_label(
            kind="relevance", query="red chair", item_id=other.pk, source="human", labeller=who,
            grade=grade,
        )  # fmt: skip
    path = tmp_path / "set.jsonl"
    frozen = freeze(kind="relevance", out=path)
    by_item = {pair["item"]: pair for pair in frozen.pairs}
    assert by_item["red-chair"]["sure"]
    assert not by_item["blue-tent"]["sure"]
    assert frozen.head["judged by"] == ["ann", "bob"]
    row = FrozenLabels.objects.get()
    assert row.sha256 == frozen.sha256
    assert freeze(kind="relevance", out=path).sha256 == frozen.sha256
    assert FrozenLabels.objects.count() == 1
    assert read_frozen(path, sha256=row.sha256).pairs
    path.write_text(path.read_text().replace('"grade": 3.0', '"grade": 0.0'))
    with pytest.raises(InvalidInput, match="changed since"):
        read_frozen(path, sha256=row.sha256)
    with pytest.raises(InvalidInput, match="never changes"):
        freeze(kind="relevance", out=path)
    (tmp_path / "no.jsonl").write_text("hello")
    with pytest.raises(InvalidInput, match="no evaluation set"):
        read_frozen(tmp_path / "no.jsonl")
    with pytest.raises(InvalidInput, match="two people"):
        freeze(kind="fit", out=tmp_path / "fit.jsonl")
