from collections import defaultdict
from datetime import timedelta
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from catalog.errors import InvalidInput
from catalog.events import record_events
from catalog.models import Event, Person
from catalog.types import Viewer
from recs.evaluation import EvaluationConfig, evaluate
from recs.features import person_name, time_split, viewer_of
from recs.history import read_history
from recs.ml.gate_math import judge
from recs.models import ModelVersion
from recs.recommend import RecommendRequest, recommend
from recs.user_models import load_model
from tests.recs.conftest import NOON, like
from tests.recs.served import live_version

AT = NOON + timedelta(days=30)
SOON = EvaluationConfig(tuning_seconds=1)


@pytest.fixture
def split(world, settings, tmp_path):
    """A live version as of AT, and what the fans did in the ten days after it."""
    settings.RECS_ARTIFACT_DIR = tmp_path
    version = live_version(name="first")
    ModelVersion.objects.filter(pk=version.pk).update(as_of=AT)
    version.refresh_from_db()
    events = []
    for group in ("drama", "comedy", "western"):
        for member in range(5):
            name = f"{group}-fan-{member}"
            seen = read_history(
                viewer=Viewer(person_id=Person.objects.get(external_id=name).pk)
            ).seen
            new = [n for n in range(14) if world[f"{group}-{n}"] not in seen][:2]
            events += [like(name, f"{group}-{n}", time=AT + timedelta(days=1 + n)) for n in new]
    events.append(like("newcomer", "drama-1", time=AT + timedelta(days=1)))
    events.append(like("drama-fan-0", "drama-13", time=AT + timedelta(days=200)))
    record_events(events=events)
    return version


def test_what_is_measured_is_the_list_that_is_served(split, world):
    found = evaluate(split, at=AT, horizon=timedelta(days=40), config=SOON)
    assert len(found.cases.people) == 30
    assert set(found.ranks) == {"served", "popularity", "item_knn"}
    model = load_model(split)
    later = defaultdict(list)
    rows = Event.objects.filter(time__gte=AT, time__lt=AT + timedelta(days=40)).order_by("time")
    for person_id, item_id in rows.values_list("person_id", "item_id"):
        later[person_id].append(item_id)
    people = time_split(at=AT, horizon=timedelta(days=40), vocabulary=model.vocabulary)
    names = people.train.histories.people
    # Served now, as if the later events had not been.
    Event.objects.filter(time__gte=AT).delete()
    checked = 0
    for name in ("drama-fan-2", "comedy-fan-0", "western-fan-4"):
        viewer = Viewer(person_id=Person.objects.get(external_id=name).pk)
        answer = recommend(RecommendRequest(surface="home", viewer=viewer, k=10))
        hits = [hit.item_id for hit in answer.hits]
        own = np.flatnonzero(found.cases.people == names.index(person_name(viewer)))
        for case in own.tolist():
            rank = int(found.ranks["served"][case])
            target = later[viewer.person_id][case - own[0]]
            assert hits.index(target) == rank if rank < 10 else target not in hits
            checked += 1
    assert checked == 6


def test_fans_are_offered_what_they_go_on_to(split):
    found = evaluate(split, at=AT, horizon=timedelta(days=40), config=SOON)
    means = found.means()
    assert means["served"][0] > means["popularity"][0]
    assert 0 < means["served"][1] <= 1
    assert judge(found.cases, baselines=("popularity",), candidate="served").slices[0].people == 15


def test_later_events_decide_nothing_but_the_targets(split):
    first = evaluate(split, at=AT, horizon=timedelta(days=3), config=SOON)
    record_events(
        events=[like("drama-fan-1", f"western-{n}", time=AT + timedelta(days=20)) for n in range(9)]
    )
    again = evaluate(split, at=AT, horizon=timedelta(days=3), config=SOON)
    assert first.ranks["served"].tolist() == again.ranks["served"].tolist()
    assert first.ranks["popularity"].tolist() == again.ranks["popularity"].tolist()


def test_every_case_has_its_slices(split):
    found = evaluate(split, at=AT, horizon=timedelta(days=40), config=SOON)
    slices = found.cases.slices
    assert {"cold_items", "new_people", "tail", "category:Drama"} <= set(slices)
    assert slices["category:Drama"].sum() == 10
    assert slices["cold_items"].any()
    assert not slices["new_people"].any()
    nobody = np.zeros(len(found.cases.people), np.bool_)
    assert found.means(nobody) == dict.fromkeys(found.ranks, (0.0, 0.0))


def test_a_version_that_saw_the_future_is_refused(split):
    with pytest.raises(InvalidInput, match="has seen events"):
        evaluate(split, at=AT - timedelta(days=1), horizon=timedelta(days=5))


def test_nobody_to_ask_is_an_empty_evaluation(split):
    found = evaluate(split, at=AT + timedelta(days=900), horizon=timedelta(days=1), config=SOON)
    assert len(found.cases.people) == 0
    assert found.means()["served"] == (0.0, 0.0)


def test_the_command_prints_every_slice(split):
    out = StringIO()
    call_command("evaluate", days=40, stdout=out)
    told = out.getvalue()
    assert told.startswith("first: 30 items of 15 people")
    assert "overall" in told
    assert "category:Drama" in told
    for bad in ({"version_name": "none"}, {"at": "yesterday"}, {"at": "2020-01-01"}):
        with pytest.raises(CommandError):
            call_command("evaluate", **bad)


def test_names_of_people_lead_back_to_them():
    for viewer in (Viewer(person_id=7), Viewer(anonymous_id="a:b"), Viewer()):
        assert viewer_of(person_name(viewer)) == viewer
