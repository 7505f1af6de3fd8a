import pytest

from recs.ml.finished.chains import Asked, visits


def typed(*texts, viewer="v", start=0.0, step=1.0, **last):
    """Rows of one viewer; `last` are fields of the last one."""
    rows = [
        Asked(viewer=viewer, time=start + n * step, text=text, total=1)
        for n, text in enumerate(texts)
    ]
    one = rows[-1]
    rows[-1] = Asked(viewer=one.viewer, time=one.time, text=one.text, total=1, **last)
    return rows


def labels(rows):
    return {visit.text: visit.label for visit in visits(rows)}


def test_what_was_typed_on_is_not_finished_and_what_was_submitted_is():
    assert labels(typed("sta", "stair", "stairway", is_typing=False)) == {
        "sta": False,
        "stair": False,
        "stairway": True,
    }


def test_an_end_is_finished_only_where_something_was_taken():
    assert labels(typed("sta", "stairway", is_taken=True))["stairway"] is True
    assert labels(typed("sta", "stairway"))["stairway"] is None


def test_a_submitted_text_stays_finished_when_it_is_typed_on():
    rows = [*typed("stair", is_typing=False), *typed("stairway", start=5, is_typing=False)]
    assert labels(rows) == {"stair": True, "stairway": True}


def test_a_picked_text_tells_of_what_was_typed_and_nothing_of_itself():
    assert labels(typed("sta", "stairway", is_typing=False, is_picked=True)) == {
        "sta": False,
        "stairway": None,
    }


def test_a_slip_is_not_finished_and_what_was_read_before_it_was_deleted_is_unknown():
    assert labels(typed("stairq", "stair", step=1.0))["stairq"] is False
    assert labels(typed("stairway", "st", step=30.0))["stairway"] is None


def test_equal_rows_are_one_visit():
    [visit] = visits([*typed("stairway"), *typed("stairway", start=3, is_typing=False)])
    assert visit.places == (0, 1)
    assert visit.label is True


@pytest.mark.parametrize(
    ("texts", "step"), [(("stair", "stairway"), 601.0), (("stairway", "vertigo"), 1.0)]
)
def test_silence_and_other_words_begin_a_new_chain(texts, step):
    first, then = visits(typed(*texts, step=step))
    assert first.chain != then.chain
    assert first.is_last
    assert first.label is None


def test_chains_are_of_one_viewer():
    first, then = visits([*typed("sta", viewer="a"), *typed("stair", viewer="b", start=1)])
    assert first.chain != then.chain


def test_by_hand_is_what_the_sql_says():
    found = {v.text: v.by_hand for v in visits(typed("sta", "stair", "stairq", "stairway"))}
    # "stairq" is no beginning of what follows: the hand rule takes it for the end.
    assert found == {"sta": False, "stair": False, "stairq": True, "stairway": True}
    later = {v.text: v.by_hand for v in visits(typed("stair", "stairway", step=121.0))}
    assert later == {"stair": True, "stairway": True}
