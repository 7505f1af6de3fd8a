import pytest
from hypothesis import given
from hypothesis import strategies as st

from recs.ml.finished.chains import Asked, visits
from recs.ml.finished.features import TEXT, TIMING, Store, table
from recs.ml.finished.prefix_trie import PrefixTrie
from tests.recs.ml.finished.test_chains import typed

STORE = Store.of({"stairway": 2, "star": 5}, ["stairway to heaven", "star"])


def three_people():
    return [
        *typed("sta", "stairway", viewer="a", is_typing=False),
        *typed("star", viewer="b", is_typing=False),
        *typed("st", "stair", "stairway", viewer="c", is_taken=True),
    ]


def test_people_are_counted_once_at_each_beginning():
    seen = PrefixTrie(visits(three_people())).at("sta")
    assert (seen.passed, seen.logged, seen.ended) == (3, 1, 0)
    assert sorted(seen.next_letters) == [1, 2]
    assert (seen.rival, seen.endings, seen.parent) == (2, 2, 3)


def test_without_a_viewer_it_is_the_trie_of_the_others():
    rows = three_people()
    others = PrefixTrie(visits([row for row in rows if row.viewer != "a"]))
    assert _told(PrefixTrie(visits(rows)).at("stairway", without="a")) == _told(
        others.at("stairway")
    )


def test_a_viewer_at_the_best_ends_hides_none_that_is_as_good_without_them():
    rows = [
        *typed("stair", viewer="a", is_typing=False),
        *typed("stem", viewer="a", is_typing=False, start=1000),
        *typed("stop", viewer="b", is_typing=False),
    ]
    assert PrefixTrie(visits(rows)).at("st", without="a").rival == 1
    assert PrefixTrie(visits(rows)).at("st", without="b").rival == 1
    assert PrefixTrie(visits(rows[:-1])).at("st", without="a").rival == 0


TEXTS = st.text(alphabet="ab ", min_size=1, max_size=5).map(str.strip).filter(bool)
ROWS = st.lists(
    st.tuples(st.sampled_from("vwx"), TEXTS, st.booleans(), st.booleans()), min_size=1, max_size=12
)


@given(rows=ROWS, text=TEXTS, viewer=st.sampled_from("vwx"))
def test_leaving_a_viewer_out_equals_a_trie_made_without_them(rows, text, viewer):
    log = [
        Asked(viewer=who, time=float(n), text=what, is_typing=typing, is_taken=taken)
        for n, (who, what, typing, taken) in enumerate(rows)
    ]
    whole = PrefixTrie(visits(log)).at(text, without=viewer)
    rest = PrefixTrie(visits([row for row in log if row.viewer != viewer])).at(text)
    assert _told(whole) == _told(rest)


def _told(seen):
    """Everything but letters that nobody else typed."""
    return {
        name: getattr(seen, name)
        for name in ("passed", "logged", "ended", "stopped", "parent", "word_start", "next_space",
                     "rival", "endings")
    } | {"next": sorted(count for count in seen.next_letters if count)}  # fmt: skip


@pytest.mark.parametrize("later", [("stairway to heaven",), ("stair", "sta"), ()])
def test_features_use_nothing_that_the_viewer_did_later(later):
    window = PrefixTrie(visits(three_people()))
    [before] = visits(typed("stairway", viewer="d"))
    log = [*typed("stairway", viewer="d"), *(typed(*later, viewer="d", start=2) if later else [])]
    after = visits(log)[0]
    names = (*TEXT, *TIMING)
    assert table([before], window, STORE, names).tolist() == (
        table([after], window, STORE, names).tolist()
    )


def test_a_viewers_own_chains_in_the_window_say_nothing_of_their_text():
    own = typed("stairway", viewer="d", start=50, is_typing=False)
    asked = visits(own)
    without = table(asked, PrefixTrie(visits(three_people())), STORE)
    within = table(asked, PrefixTrie(visits([*three_people(), *own])), STORE)
    assert without.tolist() == within.tolist()


def test_a_text_that_nobody_typed_has_features_all_the_same():
    assert table(visits(typed("zzz")), PrefixTrie([]), Store.of({}, [])).shape == (1, len(TEXT))
    assert table([], PrefixTrie([]), STORE).shape == (0, len(TEXT))
