import subprocess
import sys

import numpy as np
import pytest

from recs.ml.code_report import report
from recs.ml.semantic_ids import (
    NO_CODE,
    SemanticIdConfig,
    SemanticIds,
    codes_for,
    collisions,
    fit_flat,
    fit_residual,
    fit_semantic_ids,
    flat_codes_for,
    random_codes,
    shuffled_codes,
)

SMALL = SemanticIdConfig(levels=3, codes=6, flat=5)


def content(items=120, seed=0, image=True):
    """Items of six kinds, each kind near a centre in both modalities."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(6, size=items)
    found = {}
    for name, size in [("text", 16)] + ([("image", 40)] if image else []):
        centres = np.random.default_rng([7, size]).normal(size=(6, size))
        found[name] = (centres[kinds] + 0.2 * rng.normal(size=(items, size))).astype(np.float32)
    return found, kinds


def test_items_alike_share_the_first_code():
    vectors, kinds = content()
    first = fit_residual(vectors, config=SMALL, seed=0).assign(vectors)[:, 0]
    for kind in range(6):
        assert len(set(first[kinds == kind])) == 1
    assert len(set(first)) == 6


def test_every_level_says_more():
    vectors, _ = content()
    fitted = fit_residual(vectors, config=SMALL, seed=0)
    points, codes = fitted.space.embed(vectors), fitted.assign(vectors)
    errors = [((points - fitted.reconstruct(codes[:, :n])) ** 2).sum() for n in range(4)]
    assert errors == sorted(errors, reverse=True)
    assert errors[3] < 0.5 * errors[0]


def test_the_same_seed_gives_the_same_ids():
    vectors, _ = content()
    one, two = (fit_semantic_ids(vectors, config=SMALL, seed=3) for _ in range(2))
    assert np.array_equal(one.residual.assign(vectors), two.residual.assign(vectors))
    assert np.array_equal(one.flat.assign(vectors), two.flat.assign(vectors))


def test_adding_items_changes_no_id_that_exists():
    vectors, _ = content()
    fitted = fit_semantic_ids(vectors, config=SMALL, seed=0)
    more, _ = content(items=500, seed=9)
    together = {name: np.concatenate([vectors[name], more[name]]) for name in vectors}
    for codebooks in (fitted.flat, fitted.residual):
        before = codebooks.assign(vectors)
        assert np.array_equal(codebooks.assign(together)[:120], before)
        one_by_one = [
            codebooks.assign({n: v[[i]] for n, v in vectors.items()})[0] for i in range(120)
        ]
        assert np.array_equal(one_by_one, before)


def test_only_items_available_then_decide_the_codes():
    vectors, _ = content()
    available = np.arange(120) < 80
    fitted = fit_semantic_ids(vectors, config=SMALL, seed=0, available=available)
    changed = {name: table.copy() for name, table in vectors.items()}
    for table in changed.values():
        table[80:] = 100 * np.random.default_rng(1).normal(size=table[80:].shape)
    again = fit_semantic_ids(changed, config=SMALL, seed=0, available=available)
    for name, array in fitted.to_arrays().items():
        assert np.array_equal(array, again.to_arrays()[name]), name


def test_arrays_bring_the_same_ids_back_without_torch():
    vectors, _ = content()
    fitted = fit_semantic_ids(vectors, config=SMALL, seed=0)
    back = SemanticIds.from_arrays(fitted.to_arrays())
    assert np.array_equal(back.residual.assign(vectors), fitted.residual.assign(vectors))
    assert np.array_equal(back.flat.assign(vectors), fitted.flat.assign(vectors))
    code = "import recs.ml.semantic_ids, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_no_modality_outweighs_another():
    vectors, _ = content()
    loud = {"text": vectors["text"], "image": 1000 * vectors["image"]}
    a, b = (fit_residual(v, config=SMALL, seed=0) for v in (vectors, loud))
    assert np.array_equal(a.assign(vectors), b.assign(loud))
    points = a.space.embed(vectors)  # image first, by name
    assert (points[:, :40] ** 2).sum(axis=1).mean() == pytest.approx(1.0, abs=1e-4)
    assert (points[:, 40:] ** 2).sum(axis=1).mean() == pytest.approx(1.0, abs=1e-4)


def test_an_item_that_lacks_a_modality_goes_with_its_kind_by_the_other():
    vectors, _kinds = content()
    fitted = fit_residual(vectors, config=SMALL, seed=0)
    first = fitted.assign(vectors)[:, 0]
    blind = {"text": vectors["text"], "image": np.zeros_like(vectors["image"])}
    assert (fitted.assign(blind)[:, 0] == first).mean() > 0.95
    assert (fitted.assign({"text": vectors["text"]})[:, 0] == first).mean() > 0.95


def test_an_item_without_content_has_no_code():
    vectors, _ = content()
    for table in vectors.values():
        table[3] = 0
    fitted = fit_residual(vectors, config=SMALL, seed=0)
    codes = fitted.assign(vectors)
    assert codes[3].tolist() == [NO_CODE] * 3
    assert (codes[np.arange(120) != 3] >= 0).all()
    assert not fitted.reconstruct(codes)[3].any()


def test_a_modality_that_was_not_fitted_is_passed_over():
    vectors, _ = content(image=False)
    fitted = fit_residual(vectors, config=SMALL, seed=0)
    heard = {**vectors, "audio": np.ones((120, 3), np.float32)}
    assert np.array_equal(fitted.assign(heard), fitted.assign(vectors))


def test_other_dimensions_than_fitted_are_refused():
    vectors, _ = content(image=False)
    fitted = fit_residual(vectors, config=SMALL, seed=0)
    with pytest.raises(ValueError, match="dimensions"):
        fitted.assign({"text": np.ones((2, 5), np.float32)})


def test_a_catalogue_without_content_is_refused_by_name():
    with pytest.raises(ValueError, match="No item has content"):
        fit_flat({"text": np.zeros((5, 4), np.float32)}, seed=0)


def test_a_single_item_and_the_same_item_often_have_codes():
    one = {"text": np.ones((1, 4), np.float32)}
    assert fit_residual(one, config=SMALL, seed=0).assign(one).tolist() == [[0, 0, 0]]
    same = {"text": np.ones((50, 4), np.float32)}
    assert np.unique(fit_residual(same, config=SMALL, seed=0).assign(same), axis=0).shape == (1, 3)


@pytest.mark.parametrize(
    ("items", "codes", "flat"),
    [
        (1, 4, 4),
        (42, 10, 4),
        (197, 22, 16),
        (1374, 59, 114),
        (17472, 211, 1000),
        (10**6, 256, 1000),
    ],
)
def test_sizes_follow_the_catalogue(items, codes, flat):
    assert (codes_for(items), flat_codes_for(items)) == (codes, flat)


def test_collisions_count_items_of_the_same_codes_in_their_order():
    codes = np.array([[1, 2], [0, 0], [1, 2], [1, 2], [0, 1]])
    assert collisions(codes).tolist() == [0, 0, 1, 2, 0]
    assert collisions(codes, {(1, 2): [0, 4]}).tolist() == [5, 0, 6, 7, 0]


def test_the_controls_have_the_sizes_and_say_nothing():
    vectors, _kinds = content(items=600)
    fitted = fit_residual(vectors, config=SMALL, seed=0)
    codes = fitted.assign(vectors)
    random, shuffled = random_codes(600, fitted.sizes, seed=0), shuffled_codes(codes, seed=0)
    assert [len(set(column)) for column in random.T] == list(fitted.sizes)
    assert sorted(map(tuple, shuffled.tolist())) == sorted(map(tuple, codes.tolist()))
    points = fitted.space.embed(vectors)
    for control in (random, shuffled):
        level = report(points, control, fitted.sizes).levels[0]
        assert level.neighbours_sharing == pytest.approx(level.anybody_sharing, abs=0.03)


def test_the_report_counts_by_hand():
    points = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1], [-1, -1]], np.float32)
    codes = np.array([[0, 0], [0, 0], [1, 0], [1, 1], [NO_CODE, NO_CODE]])
    found = report(points, codes, (4, 2))
    assert (found.items, found.without_content, found.different_ids) == (5, 1, 3)
    assert found.collision_rate == 0.5
    assert found.largest_collision == 2
    first, second = found.levels
    assert (first.codes, first.used, first.dead, first.largest) == (4, 2, 2, 2)
    assert first.perplexity == pytest.approx(2.0)
    assert first.error is None
    # Of the three other items one is of the same kind.
    assert first.anybody_sharing == pytest.approx(1 / 3)
    assert second.anybody_sharing == pytest.approx(1 / 6)


def test_the_report_tells_real_codes_from_random_ones():
    vectors, _ = content(items=600)
    fitted = fit_residual(vectors, config=SMALL, seed=0)
    codes, points = fitted.assign(vectors), fitted.space.embed(vectors)
    parts = tuple(fitted.reconstruct(codes[:, :n]) for n in (1, 2, 3))
    found = report(points, codes, fitted.sizes, reconstructed=parts)
    assert found.levels[0].neighbours_sharing > 0.95
    assert found.levels[0].anybody_sharing < 0.25
    errors = [level.error for level in found.levels]
    assert errors == sorted(errors, reverse=True)
    assert found.as_dict()["levels"][0]["dead"] == 0


def noise(items, dimensions):
    rng = np.random.default_rng(3)
    spread = np.linspace(2.0, 0.5, dimensions)
    return {"text": (rng.normal(size=(items, dimensions)) * spread).astype(np.float32)}


def test_a_small_catalogue_uses_all_levels_along_its_main_axes():
    vectors = noise(200, 100)
    config = SemanticIdConfig(levels=3, codes=20)
    fitted = fit_residual(vectors, config=config, seed=0)
    assert fitted.axes.shape == (8, 100)
    assert np.allclose(fitted.axes @ fitted.axes.T, np.eye(8), atol=1e-5)
    points, codes = fitted.space.embed(vectors), fitted.assign(vectors)
    told = report(points, codes, fitted.sizes)
    assert min(level.perplexity for level in told.levels) > 12
    assert told.collision_rate < 0.2
    back = SemanticIds.from_arrays(fit_semantic_ids(vectors, config=config, seed=0).to_arrays())
    assert np.array_equal(back.residual.assign(vectors), codes)
    errors = [((points - fitted.reconstruct(codes[:, :n])) ** 2).sum() for n in range(4)]
    assert errors == sorted(errors, reverse=True)


def test_a_catalogue_with_items_enough_is_compared_as_it_is():
    assert fit_residual(noise(400, 12), config=SMALL, seed=0).axes is None
