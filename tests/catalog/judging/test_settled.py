"""Settled grades, adjudication, stale labels, known answers, and the report of agreement."""

import random

import pytest
from django.contrib.auth.models import User

from catalog import guidelines
from catalog.errors import Conflict, InvalidInput, NotFound
from catalog.items import patch_item
from catalog.judging.adjudication import adjudicate, find_disputed, said_of, waiting
from catalog.judging.known import known_pairs, set_known
from catalog.judging.reliability import report
from catalog.judging.sampling import fill_queue
from catalog.judging.settled import settled_labels
from catalog.judging.stale import renew_pairs, requeue_stale
from catalog.judging.turns import Judge, decide, next_turn, undo
from catalog.labels import is_stale, set_label, stale
from catalog.models import Item, Judgement, JudgingPair, Label, Person
from tests.catalog.judging.conftest import grade, queue
from tests.catalog.rows import add_item, add_items

pytestmark = pytest.mark.django_db


def label(item, value, name="anna", source="human", **fields):
    given = {"kind": "relevance", "query": "noir"} | fields
    return set_label(item_id=item.pk, grade=value, source=source, labeller=name, **given)


@pytest.fixture
def boss():
    return User.objects.create_user("boss")


@pytest.mark.parametrize(
    ("grades", "settled"),
    [
        ([2], None),
        ([2, 2], 2),
        ([2, 3], 2),
        ([1, 3], None),
        ([0, 1, 1], 1),
        ([2, 3, 3, 3], 3),
        ([0, 3, 3, 3], None),
        ([], None),
    ],
)
def test_the_settled_grade_is_the_lower_median_of_those_who_agree(grades, settled):
    item = add_item()
    for n, value in enumerate(grades):
        label(item, value, f"judge{n}")
    label(item, 0, "qwen", "llm")
    found = [one.grade for one in settled_labels("relevance")]
    assert found == ([] if settled is None else [settled])


def test_an_adjudicator_has_the_last_word():
    item = add_item()
    label(item, 0, "anna")
    label(item, 3, "ben")
    label(item, 1, "adjudication", "final")
    row = next(settled_labels("relevance"))
    assert (row.grade, row.judges, row.source, row.query) == (1, 2, "final", "noir")


def test_fewer_judges_are_enough_for_who_says_so():
    person = Person.objects.create(external_id="p")
    label(add_item(), 2, kind="fit", query="", person=person)
    assert list(settled_labels("fit")) == []
    row = next(settled_labels("fit", judges=1))
    assert (row.person_id, row.grade, row.kind) == (person.pk, 2, "fit")


def test_stale_labels_settle_nothing(monkeypatch):
    items = add_items("i0", "i1")
    for item in items:
        label(item, 2, "anna")
        label(item, 2, "ben")
    patch_item(external_id="i0", changes={"title": "Another"})
    assert [one.item_id for one in settled_labels("relevance")] == [items[1].pk]
    other = guidelines.Guideline(
        version="relevance-2", question="", looked_at=(), grades={}, borders=()
    )
    monkeypatch.setitem(guidelines._OF, "relevance", other)
    assert list(settled_labels("relevance")) == []
    assert Label.objects.filter(stale()).count() == 4
    assert all(is_stale(one) for one in Label.objects.all())


def test_what_was_imported_without_guideline_or_text_is_not_stale():
    label(add_item(), 2)
    Label.objects.update(guideline="", content_hash="")
    patch_item(external_id="i1", changes={"title": "Another"})
    assert not Label.objects.filter(stale()).exists()
    assert not is_stale(Label.objects.get())


def test_a_stale_pair_is_asked_anew_once_and_its_old_turns_are_kept():
    pair = queue(1)[0]
    grade("anna", 2)
    grade("ben", 2)
    assert requeue_stale() == 0
    patch_item(external_id="i0", changes={"title": "Another"})
    assert (requeue_stale(), requeue_stale()) == (1, 0)
    pair.refresh_from_db()
    assert (pair.state, pair.reason, pair.round) == ("open", "stale", 2)
    assert list(settled_labels("relevance")) == []
    grade("anna", 1)
    grade("ben", 1)
    pair.refresh_from_db()
    assert pair.state == "judged"
    assert Judgement.objects.filter(outcome="graded").count() == 4
    assert [one.grade for one in settled_labels("relevance")] == [1]


def test_a_pair_that_nobody_judged_keeps_why_it_is_there():
    pair = queue(1)[0]
    next_turn(Judge(name="anna"))
    patch_item(external_id="i0", changes={"title": "Another"})
    assert renew_pairs() == 1
    pair.refresh_from_db()
    assert (pair.reason, pair.priority) == ("rest", 0)


def test_what_is_adjudicated_goes_stale_too(boss):
    pair = queue(1)[0]
    grade("anna", 0)
    grade("ben", 3)
    adjudicate(pair_id=pair.pk, seen="disputed", account=boss, grade=1)
    patch_item(external_id="i0", changes={"title": "Another"})
    requeue_stale()
    pair.refresh_from_db()
    assert pair.state == "open"
    assert list(settled_labels("relevance")) == []


def test_disputed_pairs_wait_and_are_decided(boss):
    pair = queue(1, propensity=0.5)[0]
    grade("anna", 0, "another thing")
    turn = grade("ben", 3)
    label(pair.item, 2, "qwen", "llm")
    assert [one.pk for one in waiting()] == [pair.pk]
    assert [(one.who, one.grade, one.note) for one in said_of(pair)] == [
        ("anna", 0, "another thing"), ("ben", 3, ""), ("qwen", 2, "")
    ]  # fmt: skip
    adjudicate(pair_id=pair.pk, seen="disputed", account=boss, grade=1, note="a case of it")
    assert not waiting().exists()
    final = Label.objects.get(source="final")
    assert (final.grade, final.labeller, final.account, final.propensity) == (
        1, "adjudication", boss, 0.5
    )  # fmt: skip
    assert [one.grade for one in settled_labels("relevance")] == [1]
    with pytest.raises(Conflict, match="adjudicated"):
        undo(judge=Judge(name=turn.labeller))


def test_of_two_adjudicators_the_slower_one_is_told(boss):
    pair = queue(1)[0]
    grade("anna", 0)
    grade("ben", 3)
    adjudicate(pair_id=pair.pk, seen="disputed", account=boss, grade=1)
    with pytest.raises(Conflict, match="adjudicated"):
        adjudicate(pair_id=pair.pk, seen="disputed", account=boss, grade=3)
    adjudicate(pair_id=pair.pk, seen="final", account=boss, grade=2)
    assert Label.objects.get(source="final").grade == 2
    with pytest.raises(InvalidInput):
        adjudicate(pair_id=pair.pk, seen="final", account=boss, grade=7)
    Item.objects.all().delete()
    with pytest.raises(NotFound):
        adjudicate(pair_id=pair.pk, seen="final", account=boss, grade=2)


def test_an_adjudicator_can_leave_a_pair_out(boss):
    pair = queue(1)[0]
    for name in ("anna", "ben"):
        turn = next_turn(Judge(name=name))
        decide(judge=Judge(name=name), turn_id=turn.pk, outcome="cant_say", note="?")
    assert [one.grade for one in said_of(pair)] == [None, None]
    adjudicate(pair_id=pair.pk, seen="unsure", account=boss, grade=None)
    pair.refresh_from_db()
    assert pair.state == "dropped"
    assert not Label.objects.exists()


def test_what_people_graded_differently_elsewhere_is_taken_in():
    items = add_items("i0", "i1", "i2")
    for item, grades in zip(items, ((0, 3), (2, 3), (0, 3)), strict=True):
        for name, value in zip(("anna", "ben"), grades, strict=True):
            label(item, value, name)
    label(items[2], 1, "adjudication", "final")
    assert (find_disputed(), find_disputed()) == (1, 0)
    assert waiting().get().item == items[0]
    assert fill_queue()["disputed"] == 0


def known(count, boss):
    for pair in queue(count):
        adjudicate(pair_id=pair.pk, seen="open", account=boss, grade=2)
    labels = Label.objects.filter(source="final").select_related("item")
    return set_known(labels=labels, known=True)


def test_known_answers_are_mixed_in_at_the_stated_share_and_look_like_others(boss, settings):
    settings.CATALOG_CALIBRATION_SHARE = 0.3
    assert known(40, boss) == 40
    queue(120, query="drama")
    anna = Judge(name="anna")
    for n in range(60):
        turn = next_turn(anna)
        decide(judge=anna, turn_id=turn.pk, outcome="graded", grade=2 if n % 2 else 0)
    asked = Judgement.objects.filter(is_calibration=True)
    assert 9 <= asked.count() <= 27
    assert set(asked.values_list("pair__query", flat=True)) == {"noir"}
    assert JudgingPair.objects.filter(query="noir").exclude(state="final").count() == 0
    person = report("relevance").people[0]
    assert (person.known, person.right) == (asked.count(), asked.filter(grade=2).count())
    undo(judge=anna)
    assert next_turn(anna) is not None


def test_nobody_is_measured_by_their_own_answer_or_by_one_that_went_stale(boss, settings):
    settings.CATALOG_CALIBRATION_SHARE = 0.5
    known(1, boss)
    own = Judge(name="boss", account=boss)
    assert all(next_turn(own) is None for _ in range(3))
    patch_item(external_id="i0", changes={"title": "Another"})
    assert not known_pairs().exists()


def test_only_what_an_adjudicator_said_can_be_known(boss):
    pair = queue(1)[0]
    grade("anna", 2)
    with pytest.raises(InvalidInput):
        set_known(labels=Label.objects.select_related("item"), known=True)
    final = label(pair.item, 1, "adjudication", "final", query="other")
    assert set_known(labels=[final], known=True) == 1
    assert JudgingPair.objects.get(query="other").state == "final"
    assert set_known(labels=[final], known=False) == 1
    assert JudgingPair.objects.get(query="other").known is None


def test_who_always_says_three_is_shown_by_it():
    rng = random.Random(7)
    items = add_items(*(f"i{n}" for n in range(60)))
    for item in items:
        truth = rng.randrange(4)
        label(item, truth, "anna")
        label(item, min(3, truth + (rng.random() < 0.2)), "ben")
        label(item, 3, "carl")
        label(item, truth if rng.random() < 0.8 else rng.randrange(4), "qwen", "llm")
    found = report("relevance")
    assert [person.name for person in found.flagged] == ["carl"]
    carl = found.flagged[0]
    assert carl.flags == ("100% of 60 grades are a 3",)
    assert abs(carl.with_others.value) < 1e-9
    kappas = {(two.first, two.second): two.weighted.value for two in found.between_people}
    assert kappas["anna", "ben"] > 0.8
    assert abs(kappas["anna", "carl"]) < 1e-9
    models = {two.first: two.weighted for two in found.with_models}
    assert set(models) == {"anna", "ben", "carl", "settled grades"}
    assert models["anna"].value > 0.5
    assert models["anna"].low < models["anna"].value < models["anna"].high


def test_labels_that_are_stale_are_in_no_coefficient():
    for n, item in enumerate(add_items("i0", "i1", "i2")):
        label(item, n, "anna")
        label(item, n, "ben")
    patch_item(external_id="i0", changes={"title": "Another"})
    assert report("relevance").between_people[0].same == 2


def test_of_nothing_there_is_a_report():
    assert report("fit").people == []
    assert report("fit").ordinal.value is None
