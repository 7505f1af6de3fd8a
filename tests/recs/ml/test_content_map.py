import numpy as np
import pytest

from recs.ml.content_map import ContentMap, fit_content_map

N = 200


def correlated(rows=N, size=12, seed=0):
    """Content of three directions of unequal strength, far from the origin, and some noise."""
    rng = np.random.default_rng(seed)
    strength = np.array([3.0, 1.0, 0.3])
    parts = rng.normal(size=(rows, 3)) * strength
    axes = np.linalg.qr(np.random.default_rng(5).normal(size=(size, 3)))[0].T
    table = 4.0 + parts @ axes + 0.05 * rng.normal(size=(rows, size))
    return table.astype(np.float32)


def test_mapped_content_is_centred_and_its_numbers_are_uncorrelated():
    table = correlated()
    mapped = fit_content_map({"text": table}, width=3).apply({"text": table}, N)
    assert mapped.dtype == np.float32
    np.testing.assert_allclose(mapped.mean(axis=0), 0.0, atol=1e-3)
    np.testing.assert_allclose(np.cov(mapped, rowvar=False), np.eye(3), atol=2e-2)


def test_the_strongest_directions_are_kept_in_their_order():
    table = correlated()
    wide, narrow = (fit_content_map({"text": table}, width=width) for width in (6, 2))
    np.testing.assert_allclose(narrow.axes["text"], wide.axes["text"][:, :2])
    # The strongest is divided by the largest spread.
    lengths = np.linalg.norm(wide.axes["text"], axis=0)
    assert (np.diff(lengths) > 0).all()


def test_an_item_without_content_is_zeros_and_moves_nobody():
    table = correlated()
    with_gaps = table.copy()
    with_gaps[::4] = 0.0
    found = fit_content_map({"text": with_gaps}, width=4)
    part = fit_content_map({"text": table[with_gaps.any(axis=1)]}, width=4)
    np.testing.assert_allclose(np.abs(found.axes["text"]), np.abs(part.axes["text"]), rtol=1e-4)
    mapped = found.apply({"text": with_gaps}, N)
    assert not mapped[::4].any()
    assert mapped[1::4].any(axis=1).all()


def test_what_came_later_is_not_learned_from_but_mapped():
    table = correlated()
    later = table.copy()
    later[150:] = correlated(50, seed=9) * -3.0
    available = np.arange(N) < 150
    before = fit_content_map({"text": table}, width=4, available=available)
    after = fit_content_map({"text": later}, width=4, available=available)
    np.testing.assert_array_equal(before.axes["text"], after.axes["text"])
    np.testing.assert_array_equal(before.means["text"], after.means["text"])
    assert after.apply({"text": later}, N)[150:].any(axis=1).all()


def test_an_item_is_mapped_alone_as_among_others():
    table = correlated()
    fitted = fit_content_map({"text": table}, width=4)
    whole = fitted.apply({"text": table}, N)
    np.testing.assert_allclose(fitted.apply({"text": table[7:8]}, 1)[0], whole[7], atol=1e-4)


@pytest.mark.parametrize("size", [4, 384])
def test_content_that_is_the_same_everywhere_says_nothing(size):
    rng = np.random.default_rng(0)
    row = rng.normal(size=size)
    # Of the same direction, but of many lengths: only rounding tells the rows apart.
    table = (row * rng.uniform(0.5, 2.0, (N, 1))).astype(np.float32)
    fitted = fit_content_map({"text": table}, width=8)
    assert fitted.width == 0
    assert fitted.apply({"text": table}, N).shape == (N, 0)


@pytest.mark.parametrize("table", [np.zeros((5, 4)), np.eye(1, 4), np.zeros((0, 4))])
def test_no_item_or_one_with_content_says_nothing(table):
    fitted = fit_content_map({"text": table.astype(np.float32)}, width=8)
    assert fitted.modalities == ()
    assert fitted.apply({"text": table.astype(np.float32)}, len(table)).shape == (len(table), 0)


def test_two_items_differ_in_one_direction():
    table = np.eye(2, 4, dtype=np.float32)
    fitted = fit_content_map({"text": table}, width=8)
    mapped = fitted.apply({"text": table}, 2)
    assert mapped.shape == (2, 1)
    assert mapped[0, 0] == pytest.approx(-mapped[1, 0], rel=1e-4)
    assert np.abs(mapped).min() > 0.5


def test_content_of_a_single_number_is_read():
    table = np.array([[1.0], [-1.0], [2.0], [0.0]], np.float32)
    mapped = fit_content_map({"price": table}, width=8).apply({"price": table}, 4)
    assert mapped[0, 0] == pytest.approx(mapped[2, 0])
    assert mapped[0, 0] * mapped[1, 0] < 0
    assert mapped[3, 0] == 0.0


def test_modalities_stand_side_by_side_in_the_order_of_their_names():
    text, image = correlated(), correlated(size=5, seed=3)
    image[0] = 0.0
    fitted = fit_content_map({"text": text, "image": image}, width=3)
    assert fitted.modalities == ("image", "text")
    mapped = fitted.apply({"text": text, "image": image}, N)
    assert not mapped[0, :3].any()
    assert mapped[0, 3:].all()
    alone = fit_content_map({"text": text}, width=3).apply({"text": text}, N)
    np.testing.assert_allclose(mapped[:, 3:], alone, atol=1e-5)
    without = fitted.apply({"text": text}, N)
    assert not without[:, :3].any()
    np.testing.assert_array_equal(without[:, 3:], mapped[:, 3:])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused_by_name(bad):
    table = correlated()
    fitted = fit_content_map({"text": table}, width=3)
    table[3, 2] = bad
    with pytest.raises(ValueError, match="vectors of text are not finite"):
        fit_content_map({"text": table}, width=3)
    with pytest.raises(ValueError, match="vectors of text are not finite"):
        fitted.apply({"text": table}, N)


def test_what_is_saved_comes_back():
    tables = {"text": correlated(), "image.small": correlated(size=5, seed=3)}
    fitted = fit_content_map(tables, width=3)
    back = ContentMap.from_arrays({**fitted.to_arrays(), "ids.space": np.zeros(2)})
    assert back.modalities == fitted.modalities
    np.testing.assert_array_equal(back.apply(tables, N), fitted.apply(tables, N))
