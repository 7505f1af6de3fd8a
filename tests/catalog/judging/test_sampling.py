import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from catalog.errors import InvalidInput
from catalog.events import record_events
from catalog.items import patch_item
from catalog.judging.design import SHARES, allocate, draw
from catalog.judging.sampling import fill_queue, sample_pairs
from catalog.labels import set_label
from catalog.models import Answer, Item, JudgingPair, Label, Person
from catalog.types import EventInput
from tests.catalog.rows import add_item, add_items

pytestmark = pytest.mark.django_db


def answer(items, *, query="noir", kind="search", surface="search", person=None, **fields):
    hits = [
        {"item": item.pk, "position": place, "source": "x", "score": 1 - place / len(items)}
        for place, item in enumerate(items, start=1)
    ]
    return Answer.objects.create(
        time=timezone.now(), kind=kind, surface=surface, person=person, query=query,
        normalized_query=query, total=len(items), hits=hits, **fields,
    )  # fmt: skip


def dislike(item, *, user_id, query_id=""):
    event = EventInput(
        kind="dislike", item_id=item.external_id, time=timezone.now(), user_id=user_id,
        query_id=str(query_id),
    )  # fmt: skip
    record_events(events=[event])


def test_pairs_of_the_log_come_into_the_queue_with_their_chance():
    items = add_items(*(f"i{n}" for n in range(10)))
    answer(items)
    answer(items[:3], query="drama")
    assert sample_pairs(kind="relevance", size=100) == 13
    pairs = JudgingPair.objects.all()
    assert {pair.propensity for pair in pairs} == {1.0}
    assert {(pair.query, pair.kind, pair.wanted) for pair in pairs} == {
        ("noir", "relevance", 2), ("drama", "relevance", 2)
    }  # fmt: skip
    assert {pair.content_hash for pair in pairs} == {item.content_hash for item in items}


def test_a_draw_is_made_once_and_the_same_seed_draws_the_same():
    answer(add_items(*(f"i{n}" for n in range(40))))
    assert sample_pairs(kind="relevance", size=10, name="a") == 10
    first = set(JudgingPair.objects.values_list("item", flat=True))
    assert sample_pairs(kind="relevance", size=10, name="a") == 0
    JudgingPair.objects.all().delete()
    sample_pairs(kind="relevance", size=10, name="a")
    assert set(JudgingPair.objects.values_list("item", flat=True)) == first
    JudgingPair.objects.all().delete()
    sample_pairs(kind="relevance", size=10, name="b")
    assert set(JudgingPair.objects.values_list("item", flat=True)) != first


def test_the_night_fills_the_queue_up_and_no_further(settings):
    settings.CATALOG_JUDGING_QUEUE = 8
    answer(add_items(*(f"i{n}" for n in range(40))))
    assert fill_queue(name="monday") == {
        "stale": 0, "disputed": 0, "relevance": 8, "fit": 0
    }  # fmt: skip
    assert fill_queue(name="tuesday")["relevance"] == 0
    JudgingPair.objects.filter(pk__in=JudgingPair.objects.values("pk")[:3]).update(state="judged")
    assert fill_queue(name="wednesday")["relevance"] == 3


def test_each_reason_is_told():
    items = add_items(*(f"i{n:02}" for n in range(30)))
    asked = answer(items[:20])
    answer([items[0]] * 1)
    for source, grade in (("llm", 0), ("model", 3)):
        set_label(
            kind="relevance", query="noir", item_id=items[1].pk, grade=grade, source=source,
            labeller=source,
        )  # fmt: skip
    dislike(items[2], user_id="p", query_id=asked.query_id)
    sample_pairs(kind="relevance", size=100)
    reasons = dict(JudgingPair.objects.values_list("item__external_id", "reason"))
    assert reasons["i01"] == "disagreement"
    assert reasons["i02"] == "disliked"
    # Scores fall evenly from .95 to 0: the middle is the tenth.
    assert reasons["i09"] == "uncertain"
    assert reasons["i00"] == "shown"
    assert reasons["i19"] == "rest"
    priorities = dict(JudgingPair.objects.values_list("reason", "priority"))
    assert priorities["disagreement"] > priorities["disliked"] > priorities["rest"]


def test_what_people_have_judged_or_an_adjudicator_decided_is_not_asked():
    items = add_items("i0", "i1", "i2")
    answer(items)
    for name in ("anna", "ben"):
        set_label(
            kind="relevance", query="noir", item_id=items[0].pk, grade=2, source="human",
            labeller=name,
        )  # fmt: skip
    set_label(
        kind="relevance", query="noir", item_id=items[1].pk, grade=2, source="final", labeller="a"
    )
    sample_pairs(kind="relevance", size=100)
    assert [pair.item_id for pair in JudgingPair.objects.all()] == [items[2].pk]


def test_what_was_judged_of_another_text_is_asked():
    item = add_item("i0")
    answer([item])
    for name in ("anna", "ben"):
        set_label(
            kind="relevance", query="noir", item_id=item.pk, grade=2, source="human", labeller=name
        )
    patch_item(external_id="i0", changes={"title": "Another"})
    assert sample_pairs(kind="relevance", size=100) == 1


def test_a_query_that_may_name_somebody_is_shown_to_no_judge():
    items = add_items("i0")
    answer(items, query="jane.doe@example.org")
    answer(items, query="+44 20 7946 0958")
    answer(items, query="noir")
    sample_pairs(kind="relevance", size=100)
    assert [pair.query for pair in JudgingPair.objects.all()] == ["noir"]


def test_what_is_typed_old_or_broken_is_left_out():
    items = add_items("i0", "i1")
    answer(items, query="noi", is_typing=True)
    old = answer(items, query="old")
    Answer.objects.filter(pk=old.pk).update(time=timezone.now() - timedelta(days=60))
    for hits in ({"a": 1}, [1, "x", None], [{"item": "x", "position": 1}], [{"item": 5}],
                 [{"item": items[0].pk, "position": 1, "score": None}],
                 [{"item": 10**12, "position": 2, "score": 1}]):  # fmt: skip
        made = answer(items, query="broken")
        Answer.objects.filter(pk=made.pk).update(hits=hits)
    sample_pairs(kind="relevance", size=100)
    assert [(pair.query, pair.item_id) for pair in JudgingPair.objects.all()] == [
        ("broken", items[0].pk)
    ]


def test_people_and_what_their_home_showed_come_as_pairs_of_fit():
    items = add_items("i0", "i1", "i2")
    known, unknown = (Person.objects.create(external_id=name) for name in ("known", "unknown"))
    liked = EventInput(kind="like", item_id="i2", time=timezone.now(), user_id="known")
    record_events(events=[liked])
    for person in (known, unknown, None):
        answer(items[:2], query="", kind="recommend", surface="home:for_you", person=person)
        answer(items[2:], query="", kind="recommend", surface="similar", person=person)
    dislike(items[1], user_id="known")
    assert sample_pairs(kind="fit", size=100) == 2
    pairs = {pair.item.external_id: pair for pair in JudgingPair.objects.all()}
    assert {pair.person for pair in pairs.values()} == {known}
    assert pairs["i1"].reason == "disliked"


def test_what_went_stale_comes_back_once():
    items = add_items("i0", "i1")
    for item in items:
        set_label(
            kind="relevance", query="noir", item_id=item.pk, grade=2, source="human", labeller="a"
        )
    assert fill_queue(name="a")["stale"] == 0
    patch_item(external_id="i0", changes={"title": "Another"})
    assert fill_queue(name="b")["stale"] == 1
    assert fill_queue(name="c")["stale"] == 0
    assert JudgingPair.objects.get().reason == "stale"


def test_two_draws_at_once_are_one(transactional_db):
    answer(add_items(*(f"i{n}" for n in range(40))))
    ready = threading.Barrier(3)

    def run(_):
        ready.wait(20)
        try:
            return sample_pairs(kind="relevance", size=10, name="a")
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(run, range(3))) == [0, 0, 10]
    assert JudgingPair.objects.count() == 10


def test_pairs_go_with_their_item_and_their_person():
    items = add_items("i0", "i1")
    answer(items)
    sample_pairs(kind="relevance", size=10)
    Item.objects.filter(pk=items[0].pk).delete()
    assert JudgingPair.objects.count() == 1


def test_the_command_says_what_came():
    answer(add_items("i0", "i1"))
    out = StringIO()
    call_command("sample_pairs", "--size", "1", stdout=out)
    assert "1 new pair of relevance" in out.getvalue()
    assert Label.objects.count() == 0


def test_an_unknown_kind_is_refused():
    with pytest.raises(InvalidInput):
        sample_pairs(kind="x")
    with pytest.raises(InvalidInput):
        sample_pairs(kind="fit", name="x" * 61)


@pytest.mark.parametrize("size", [0, 1, 3, 7, 100, 1000])
def test_the_sample_is_shared_out_whole(size):
    counts = dict(zip(SHARES, (5, 0, 40, 300, 2), strict=True))
    given = allocate(counts, size=size)
    assert sum(given.values()) == min(size, sum(counts.values()))
    assert all(given[name] <= counts[name] for name in counts)


def test_weighing_by_the_chance_gives_the_mean_of_the_frame():
    strata = {
        name: [(name, n) for n in range(100 * (place + 1))] for place, name in enumerate(SHARES)
    }
    value = {key: hash(key[0]) % 7 for keys in strata.values() for key in keys}
    truth = sum(value.values()) / len(value)
    drawn = draw(strata, size=200, seed="x")
    weighed = sum(value[one.key] / one.propensity for one in drawn) / len(value)
    assert weighed == pytest.approx(truth)
    assert Counter(one.stratum for one in drawn) == Counter(
        {name: round(200 * share) for name, share in SHARES.items()}
    )
