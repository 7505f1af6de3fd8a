import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from catalog.models import Job, Person
from recs import registry, training_runs
from recs.admin.charts import Mark, Row, Series, interval_chart, line_chart
from recs.admin.comparison import differing
from recs.admin.pictures import gate_report, learning_curve
from recs.codes import build_codes
from recs.learning import learn
from recs.models import CodeName, ModelVersion, TrainingRun
from recs.user_models import forget_models
from tests.recs.learning_world import TINY, make_world
from tests.recs.versions import USER_MODEL, candidate, promoted

pytestmark = pytest.mark.django_db

SUBMITTED = {"_form_submitted": "True"}
INTERVAL = {"mean": 0.1, "low": 0.05, "high": 0.15}
GATE = {
    "passed": False,
    "reasons": ["It is <bad>."],
    "metric": "NDCG@10",
    "slices": [
        {
            "label": label,
            "people": 40,
            "is_judged": label == "overall",
            "systems": {"candidate": INTERVAL, "live": INTERVAL | {"mean": 0.12}},
            "differences": [{"against": "live", "mean": -0.02, "low": -0.03, "high": 0.01}],
        }
        for label in ("overall", "cold items")
    ],
}


@pytest.fixture
def boss(client):
    client.force_login(User.objects.create_superuser("boss", "", "correct horse battery"))
    return client


@pytest.fixture
def looker(client):
    """May look at everything and change nothing."""
    user = User.objects.create_user("looker", password="correct horse battery", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    return client


def page(model, view, *args):
    return reverse(f"admin:recs_{model}_{view}", args=args)


def act(client, row, name):
    """Confirm the dialog of an action on a row's page; the page it leads to, as text."""
    model = type(row)._meta.model_name
    address = page(model, "change", row.pk)
    answer = client.post(address.replace("change/", f"{name}/"), SUBMITTED)
    if answer.status_code != 200:
        return answer
    return client.get(answer["HX-Redirect"]).content.decode()


def test_promote_and_roll_back_are_one_action_each_and_ask_first(boss):
    one, two = promoted("one"), candidate("two")
    question = boss.get(page("modelversion", "change", two.pk).replace("change/", "promote/"))
    assert b"Make this version live?" in question.content
    assert registry.live(USER_MODEL) == one
    assert "two is live." in act(boss, two, "promote")
    assert registry.live(USER_MODEL) == two
    assert "one is live again." in act(boss, two, "roll-back")
    assert registry.live(USER_MODEL) == one


def test_what_cannot_be_done_is_said_and_changes_nothing(boss):
    torn = candidate("torn")
    (registry.folder(torn) / "config.json").unlink()
    assert "cannot be used" in act(boss, torn, "promote")
    assert "No version of the kind" in act(boss, torn, "roll-back")
    assert registry.live(USER_MODEL) is None


def buttons(client, row):
    """The actions that a row's page offers, by the last part of their addresses."""
    address = page(type(row)._meta.model_name, "change", row.pk)
    shown = client.get(address).content.decode()
    names = ("promote", "roll-back", "cancel")
    return {name for name in names if address.replace("change/", f"{name}/") in shown}


def test_a_page_offers_only_what_can_be_done(boss):
    one = promoted("one")
    assert buttons(boss, one) == set(), "nothing was live before it"
    two = candidate("two")
    assert buttons(boss, two) == {"promote"}
    registry.promote(version=two)
    assert buttons(boss, two) == {"roll-back"}
    assert buttons(boss, one) == {"promote"}
    refused = registry.refuse(version=candidate("three"), reasons=["Worse."], report=GATE)
    assert buttons(boss, refused) == set()
    run = training_runs.request_run(kind=USER_MODEL)
    assert buttons(boss, run) == {"cancel"}
    training_runs.start(run=run)
    assert buttons(boss, run) == {"cancel"}
    training_runs.finish(run=run, state=TrainingRun.State.DONE)
    assert buttons(boss, run) == set()


def test_who_may_only_look_cannot_promote_cancel_or_retrain(looker):
    version = candidate("one")
    run = training_runs.request_run(kind=USER_MODEL)
    shown = looker.get(page("modelversion", "change", version.pk)).content.decode()
    assert "rocket_launch" not in shown
    assert act(looker, version, "promote").status_code == 403
    assert act(looker, run, "cancel").status_code == 403
    assert looker.post(page("trainingrun", "retrain"), SUBMITTED).status_code == 403
    assert registry.live(USER_MODEL) is None
    assert not Job.objects.exists()


def test_versions_cannot_be_edited_or_deleted_by_hand(boss):
    version = candidate("one")
    assert (
        boss.post(page("modelversion", "change", version.pk), {"state": "live"}).status_code == 403
    )
    assert boss.post(page("modelversion", "delete", version.pk), {"post": "yes"}).status_code == 403


def test_a_versions_page_shows_the_gates_report_as_a_picture_and_a_table(boss):
    version = registry.refuse(version=candidate("one"), reasons=GATE["reasons"], report=GATE)
    shown = boss.get(page("modelversion", "change", version.pk)).content.decode()
    assert "Refused." in shown
    assert "It is &lt;bad&gt;." in shown
    assert 'aria-label="NDCG@10 by slice"' in shown
    assert "cold items (too few to judge)" in shown
    assert "-0.0200 (-0.0300 to +0.0100)" in shown


def test_a_run_is_begun_and_cancelled_from_its_pages(boss):
    assert b"Retrain the user model now?" in boss.get(page("trainingrun", "retrain")).content
    assert not Job.objects.exists(), "looking at the question begins nothing"
    answer = boss.post(page("trainingrun", "retrain"), SUBMITTED)
    job = Job.objects.get(kind="recs.retrain")
    assert answer["HX-Redirect"] == reverse("admin:catalog_job_change", args=[job.pk])
    assert job.params == {"kind": USER_MODEL}
    run = training_runs.start(run=training_runs.request_run(kind=USER_MODEL))
    assert "was asked to stop" in act(boss, run, "cancel")
    assert TrainingRun.objects.get().cancel_requested
    training_runs.finish(run=run, state=TrainingRun.State.CANCELLED)
    assert "nothing to cancel" in act(boss, run, "cancel")


def test_a_run_that_no_process_works_on_is_told_as_interrupted(boss):
    training_runs.start(run=training_runs.request_run(kind=USER_MODEL))
    address = page("trainingrun", "changelist")
    assert "interrupted" in boss.get(address).content.decode()
    with training_runs.training(USER_MODEL):
        assert "interrupted" not in boss.get(address).content.decode()


def test_two_versions_are_chosen_in_the_list_and_shown_side_by_side(boss):
    one, two = candidate("one"), candidate("two", metrics={"ndcg@10": 0.2})
    address = page("modelversion", "changelist")
    chosen = {"action": "compare", "_selected_action": [one.pk, two.pk]}
    answer = boss.post(address, chosen, follow=True)
    shown = answer.content.decode()
    assert answer.redirect_chain[-1][0].endswith(f"compare/?first={one.pk}&second={two.pk}")
    assert "0.1000" in shown
    assert "0.2000" in shown
    assert "Both have the same config." in shown
    lonely = boss.post(address, chosen | {"_selected_action": [one.pk]}, follow=True)
    assert "Choose two versions" in lonely.content.decode()


@pytest.mark.parametrize(
    "asked", ["first=x&second=y", "first=99&second=98", "first=" + "9" * 40, ""]
)
def test_the_comparison_asks_for_two_versions_where_none_are_named(boss, asked):
    answer = boss.get(f"{page('modelversion', 'compare')}?{asked}")
    assert answer.status_code == 200
    assert "Choose two versions." in answer.content.decode()


def test_the_comparison_shows_what_changed_for_a_person(boss):
    forget_models()
    make_world()
    for seed in (1, 2):
        learn(kind=USER_MODEL, config=TINY, seed=seed)
    first, second = ModelVersion.objects.of_kind(USER_MODEL).order_by("created_at")
    address = f"{page('modelversion', 'compare')}?first={first.pk}&second={second.pk}"
    shown = boss.get(f"{address}&person=p3").content.decode()
    assert "items stand in both lists" in shown
    assert len(re.findall(r"same place|up \d|down \d|not in the other list", shown)) >= 12
    assert "There is no person" in boss.get(f"{address}&person=nobody").content.decode()
    Person.objects.create(external_id="new")
    assert "nothing for this person" in boss.get(f"{address}&person=new").content.decode()
    (registry.folder(second) / "config.json").unlink()
    forget_models()
    assert "cannot be used" in boss.get(f"{address}&person=p3").content.decode()


def test_a_kind_is_renamed_by_hand_and_the_name_is_a_persons(boss):
    make_world()
    build_codes()
    named = CodeName.objects.order_by("path").first()
    boss.post(page("codename", "change", named.pk), {"name": "  Sad   ones "})
    named.refresh_from_db()
    assert (named.name, named.source) == ("Sad ones", "person")


def test_differing_values_are_found_by_their_path():
    found = differing({"a": 1, "b": {"c": 0.5, "d": 2}}, {"a": 1, "b": {"c": 0.25}, "e": [3]})
    assert [(row.name, row.first, row.second) for row in found] == [
        ("b.c", "0.5000", "0.2500"), ("b.d", "2", ""), ("e", "", "[3]"),
    ]  # fmt: skip
    (row,) = differing({"m": [{"a": 1}, {"a": 2}]}, {"m": [{"a": 1}, {"a": 3}]})
    assert (row.name, row.first, row.second) == ("m.2.a", "2", "3")


def test_a_line_goes_from_corner_to_corner_of_its_values():
    drawn = line_chart([Series("one", [(1, 0.0), (2, 5.0), (3, 10.0)])], title="t", x_label="x")
    points = re.search(r'points="([^"]+)"', drawn)[1].split()
    assert points == ["64.0,172.0", "282.0,92.0", "500.0,12.0"]
    assert line_chart([Series("none", [])], title="t", x_label="x") == ""
    assert "64.0," in line_chart([Series("dot", [(1, 1.0)])], title="t", x_label="x")


def test_an_interval_is_drawn_around_its_mean_and_names_are_escaped():
    row = Row("<b>", [Mark(0, 0.5, 0.0, 1.0), Mark(1, 0.25, 0.25, 0.25)], is_judged=False)
    drawn = interval_chart([row], title="t", systems=[(0, "<i>"), (1, "other")])
    assert 'x1="190.0" x2="624.0"' in drawn
    assert 'cx="407.0"' in drawn
    assert "<b>" not in drawn
    assert "<i>" not in drawn
    assert 'class="pale"' in drawn
    assert interval_chart([], title="t", systems=[]) == ""


def test_nothing_measured_yet_is_said_in_words():
    assert gate_report({}) == "Not judged yet."
    assert "Refused." in gate_report({"passed": False, "reasons": ["No."]})
    assert learning_curve([]) == "No epoch is finished yet."
    point = {"part": "again", "member": 1, "epoch": 1, "loss": 2.0, "ndcg": None, "seconds": 1.0}
    assert "network 2, again" in learning_curve([point])


def test_a_finished_run_says_how_long_it_took(boss):
    now = timezone.now()
    run = training_runs.start(run=training_runs.request_run(kind=USER_MODEL))
    TrainingRun.objects.update(
        state="done", started_at=now - timedelta(seconds=75), finished_at=now
    )
    assert "1 min 15 s" in boss.get(page("trainingrun", "changelist")).content.decode()
    assert boss.get(page("trainingrun", "change", run.pk)).status_code == 200
