"""Two judges and more at the same time, each on a connection of their own."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from catalog.errors import ProjectError
from catalog.judging.turns import Judge, decide, next_turn, undo
from catalog.models import Judgement, JudgingPair, Label
from tests.catalog.judging.conftest import queue

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(count, act):
    ready = threading.Barrier(count)

    def run(n):
        ready.wait(20)
        try:
            return act(n)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_of_many_who_ask_at_once_as_many_are_given_the_pair_as_it_wants():
    queue(1)
    given = at_once(6, lambda n: next_turn(Judge(name=f"judge{n}")))
    assert sum(turn is not None for turn in given) == 2


def test_each_pair_is_judged_exactly_as_often_as_it_wants_however_many_judge():
    queue(12)

    def work(n):
        judge = Judge(name=f"judge{n}")
        while turn := next_turn(judge):
            decide(judge=judge, turn_id=turn.pk, outcome="graded", grade=n % 4)

    at_once(4, work)
    pairs = list(JudgingPair.objects.all())
    counts = [Label.objects.filter(item_id=pair.item_id).count() for pair in pairs]
    assert counts == [2] * 12
    assert {pair.state for pair in pairs} <= {"judged", "disputed"}


def test_a_turn_that_is_sent_twice_at_once_is_decided_once():
    queue(1)
    judge = Judge(name="anna")
    turn = next_turn(judge)

    def send(n):
        try:
            decide(judge=judge, turn_id=turn.pk, outcome="graded", grade=n)
        except ProjectError:
            return False
        return True

    assert sorted(at_once(3, send)) == [False, False, True]
    assert Label.objects.count() == 1


def test_grading_and_undoing_at_once_leaves_grades_and_labels_the_same():
    queue(6)

    def work(n):
        judge = Judge(name=f"judge{n}")
        for step in range(8):
            turn = next_turn(judge)
            if turn is not None:
                decide(judge=judge, turn_id=turn.pk, outcome="graded", grade=step % 4)
            if step % 3 == 2:
                undo(judge=judge)

    at_once(3, work)
    said = set(
        Judgement.objects.filter(outcome="graded").values_list("pair__item", "labeller", "grade")
    )
    assert said == set(Label.objects.values_list("item", "labeller", "grade"))
    for pair in JudgingPair.objects.all():
        assert Judgement.objects.filter(pair=pair, outcome="graded").count() <= pair.wanted
