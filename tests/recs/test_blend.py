from recs.blend import Offer, blend
from recs.recommenders.base import Candidate


def offer(source, ids, *, tier, share=0.0):
    return Offer(
        candidates=[
            Candidate(item_id=pk, score=1 - place / 100, source=source)
            for place, pk in enumerate(ids)
        ],
        tier=tier,
        share=share,
    )


def ids_of(placed):
    return [one.candidate.item_id for one in placed]


def test_a_share_is_kept_for_a_source_that_comes_second():
    first, second = (
        offer("a", range(20), tier=1, share=2 / 3),
        offer("b", range(50, 70), tier=0, share=1 / 3),
    )
    placed = blend([first, second], k=6, creators={})
    assert ids_of(placed) == [0, 1, 2, 3, 50, 51]


def test_places_that_a_share_leaves_open_go_to_others():
    placed = blend(
        [offer("a", range(3), tier=1, share=1.0), offer("b", [50, 51, 52], tier=0)],
        k=5,
        creators={},
    )
    assert ids_of(placed) == [0, 1, 2, 50, 51]


def test_scores_fall_and_lie_between_0_and_1():
    placed = blend(
        [offer("a", [1, 2], tier=2), offer("b", [3, 4], tier=1), offer("c", [5], tier=0)],
        k=5,
        creators={},
    )
    scores = [one.score for one in placed]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1


def test_no_creator_takes_more_than_three_of_twelve():
    creators = dict.fromkeys(range(10), ("Prolific",)) | {pk: (f"{pk}",) for pk in range(10, 30)}
    placed = blend([offer("a", range(30), tier=0)], k=12, creators=creators)
    assert len(placed) == 12
    assert sum(pk < 10 for pk in ids_of(placed)) == 3


def test_a_place_is_not_left_empty_for_the_sake_of_variety():
    creators = dict.fromkeys(range(10), ("Prolific",))
    placed = blend([offer("a", range(10), tier=0)], k=8, creators=creators)
    assert len(placed) == 8


def test_an_item_offered_twice_stands_once():
    placed = blend([offer("a", [1, 2], tier=1), offer("b", [2, 3], tier=0)], k=9, creators={})
    assert ids_of(placed) == [1, 2, 3]
