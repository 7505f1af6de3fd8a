from datetime import timedelta

import pytest
from django.utils import timezone

from catalog import guidelines
from catalog.errors import Conflict, InvalidInput, NotFound
from catalog.items import patch_item
from catalog.judging.progress import progress_of
from catalog.judging.turns import Judge, decide, left_for, next_turn, undo
from catalog.labels import set_label
from catalog.models import Item, Judgement, JudgingPair, Label, Person
from tests.catalog.judging.conftest import grade, queue

pytestmark = pytest.mark.django_db

ANNA, BEN, CARL = (Judge(name=name) for name in ("anna", "ben", "carl"))


def expire():
    Judgement.objects.update(leased_until=timezone.now() - timedelta(seconds=1))


def test_the_same_pair_lies_before_a_judge_until_it_is_decided():
    queue(5)
    first = next_turn(ANNA)
    assert next_turn(ANNA) == first
    decide(judge=ANNA, turn_id=first.pk, outcome="graded", grade=2, note="why")
    assert next_turn(ANNA).pair_id != first.pair_id
    label = Label.objects.get()
    assert (label.grade, label.note, label.labeller, label.source) == (2, "why", "anna", "human")


def test_a_grade_keeps_the_chance_of_its_pair_and_by_what_it_was_given():
    pair = queue(1, propensity=0.25)[0]
    grade("anna", 3)
    label = Label.objects.get()
    assert label.propensity == 0.25
    assert (label.content_hash, label.guideline) == (pair.content_hash, pair.guideline)


def test_every_judge_has_another_order_and_always_the_same():
    queue(12)
    orders = {}
    for judge in (ANNA, BEN):
        orders[judge.name] = []
        while turn := next_turn(judge):
            orders[judge.name].append(turn.pair_id)
            decide(judge=judge, turn_id=turn.pk, outcome="skipped")
    assert sorted(orders["anna"]) == sorted(orders["ben"])
    assert orders["anna"] != orders["ben"]
    Judgement.objects.all().delete()
    assert next_turn(ANNA).pair_id == orders["anna"][0]


def test_what_teaches_more_comes_first():
    pairs = queue(6)
    JudgingPair.objects.filter(pk=pairs[4].pk).update(priority=3)
    assert next_turn(ANNA).pair_id == pairs[4].pk
    assert next_turn(BEN).pair_id == pairs[4].pk


def test_a_pair_is_judged_by_as_many_as_it_wants():
    pair = queue(1)[0]
    grade("anna", 2)
    assert next_turn(ANNA) is None
    grade("ben", 3)
    assert next_turn(CARL) is None
    pair.refresh_from_db()
    assert pair.state == "judged"


def test_grades_two_apart_wait_for_an_adjudicator():
    pair = queue(1)[0]
    grade("anna", 1)
    grade("ben", 3)
    pair.refresh_from_db()
    assert pair.state == "disputed"


def test_cant_say_is_kept_and_is_no_grade():
    pair = queue(1)[0]
    turn = next_turn(ANNA)
    decide(judge=ANNA, turn_id=turn.pk, outcome="cant_say", note="in Japanese")
    assert not Label.objects.exists()
    kept = Judgement.objects.get()
    assert (kept.outcome, kept.grade, kept.note) == ("cant_say", None, "in Japanese")
    grade("ben", 2)
    grade("carl", 2)
    pair.refresh_from_db()
    assert pair.state == "judged"


def test_where_nobody_can_say_the_pair_waits_for_an_adjudicator():
    pair = queue(1)[0]
    for judge in (ANNA, BEN):
        decide(judge=judge, turn_id=next_turn(judge).pk, outcome="cant_say")
    pair.refresh_from_db()
    assert pair.state == "unsure"
    assert next_turn(CARL) is None


def test_a_lease_takes_a_place_until_it_is_over():
    queue(1)
    for judge in (ANNA, BEN):
        assert next_turn(judge) is not None
    assert next_turn(CARL) is None
    expire()
    assert next_turn(CARL) is not None


def test_who_was_too_slow_is_told_where_others_took_the_place():
    queue(1)
    slow = next_turn(ANNA)
    expire()
    grade("ben", 2)
    grade("carl", 2)
    with pytest.raises(Conflict, match="ran out"):
        decide(judge=ANNA, turn_id=slow.pk, outcome="graded", grade=0)
    assert Label.objects.count() == 2


def test_who_was_slow_may_still_answer_where_the_place_is_free():
    queue(1)
    slow = next_turn(ANNA)
    expire()
    decide(judge=ANNA, turn_id=slow.pk, outcome="graded", grade=0)
    assert Label.objects.get().grade == 0


def test_a_pair_is_decided_once():
    queue(2)
    turn = next_turn(ANNA)
    decide(judge=ANNA, turn_id=turn.pk, outcome="graded", grade=1)
    with pytest.raises(Conflict, match="already"):
        decide(judge=ANNA, turn_id=turn.pk, outcome="graded", grade=3)
    assert Label.objects.get().grade == 1


def test_nobody_decides_anothers_turn():
    queue(1)
    turn = next_turn(ANNA)
    with pytest.raises(NotFound):
        decide(judge=BEN, turn_id=turn.pk, outcome="graded", grade=1)


@pytest.mark.parametrize(
    ("outcome", "value"),
    [("graded", None), ("graded", 4), ("graded", -1), ("cant_say", 2), ("open", None), ("", None)],
)
def test_an_answer_that_makes_no_sense_is_refused(outcome, value):
    queue(1)
    turn = next_turn(ANNA)
    with pytest.raises(InvalidInput):
        decide(judge=ANNA, turn_id=turn.pk, outcome=outcome, grade=value)
    assert Judgement.objects.get().outcome == "open"


def test_undo_takes_back_the_last_and_then_the_one_before():
    queue(3)
    first, second = grade("anna", 2), grade("anna", 3)
    undone = undo(judge=ANNA)
    assert undone.pair_id == second.pair_id
    assert next_turn(ANNA).pair_id == second.pair_id
    assert Label.objects.get().grade == 2
    assert undo(judge=ANNA).pair_id == first.pair_id
    assert not Label.objects.exists()
    with pytest.raises(NotFound):
        undo(judge=ANNA)
    assert {next_turn(ANNA).pair_id} == {first.pair_id}


def test_undo_puts_back_the_grade_that_was_there_before():
    pair = queue(1)[0]
    set_label(
        kind="relevance", query="noir", item_id=pair.item_id, grade=0, source="human",
        labeller="anna", note="old",
    )  # fmt: skip
    grade("anna", 3, note="new")
    assert Label.objects.get().grade == 3
    undo(judge=ANNA)
    assert (Label.objects.get().grade, Label.objects.get().note) == (0, "old")


def test_undo_opens_the_pair_again():
    pair = queue(1)[0]
    grade("anna", 0)
    grade("ben", 3)
    undo(judge=BEN)
    pair.refresh_from_db()
    assert pair.state == "open"
    grade("ben", 1)
    pair.refresh_from_db()
    assert pair.state == "judged"


def test_undo_of_what_others_filled_is_refused():
    queue(1)
    decide(judge=ANNA, turn_id=next_turn(ANNA).pk, outcome="cant_say")
    grade("ben", 2)
    grade("carl", 2)
    with pytest.raises(Conflict):
        undo(judge=ANNA)


def test_a_grade_of_an_item_that_changed_meanwhile_is_not_kept():
    queue(1)
    turn = next_turn(ANNA)
    patch_item(external_id="i0", changes={"title": "Another"})
    with pytest.raises(Conflict, match="changed"):
        decide(judge=ANNA, turn_id=turn.pk, outcome="graded", grade=1)
    assert not Label.objects.exists()
    again = next_turn(ANNA)
    assert again.pk != turn.pk
    decide(judge=ANNA, turn_id=again.pk, outcome="graded", grade=1)


def test_the_next_pair_is_asked_by_the_guideline_in_force(monkeypatch):
    pair = queue(1)[0]
    JudgingPair.objects.update(guideline="relevance-0")
    turn = next_turn(ANNA)
    pair.refresh_from_db()
    assert pair.guideline == guidelines.RELEVANCE.version
    assert (turn.round, pair.round) == (2, 2)


def test_the_turns_of_a_deleted_item_go_with_it():
    queue(2)
    turn = next_turn(ANNA)
    Item.objects.filter(pk=turn.pair.item_id).delete()
    with pytest.raises(NotFound, match="deleted"):
        decide(judge=ANNA, turn_id=turn.pk, outcome="graded", grade=1)
    assert next_turn(ANNA) is not None


def test_nobody_is_asked_about_themselves(django_user_model):
    account = django_user_model.objects.create_user("anna", password="x")
    item = queue(1)[0].item
    JudgingPair.objects.all().delete()
    person = Person.objects.create(external_id="p", account=account)
    JudgingPair.objects.create(kind="fit", person=person, item=item, reason="rest")
    assert next_turn(Judge(name="anna", account=account)) is None
    assert next_turn(BEN) is not None


def test_progress_counts_today_the_last_hour_and_what_is_left():
    queue(4)
    grade("anna", 1)
    grade("anna", 2)
    decide(judge=ANNA, turn_id=next_turn(ANNA).pk, outcome="skipped")
    Judgement.objects.filter(grade=1).update(decided_at=timezone.now() - timedelta(days=2))
    progress = progress_of(ANNA)
    assert (progress.today, progress.last_hour, progress.left) == (1, 1, 1)
    assert left_for(BEN) == 4
