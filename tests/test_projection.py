"""The projection is centring, PCA and partial whitening, and nothing degenerate breaks it."""

from __future__ import annotations

import hashlib
import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from imgsearch.errors import DamagedCacheError, UsageError
from imgsearch.vectors import projection as projection_module
from imgsearch.vectors.projection import Projection
from imgsearch.vectors.projection_choice import (
    CENTRED,
    DEFAULT,
    MINIMUM_COUNT,
    NONE,
    ProjectionChoice,
)
from imgsearch.vectors.projection_fitting import centre, fit, fit_choice

if TYPE_CHECKING:
    from numpy.typing import NDArray


def embeddings(count: int, dim: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Unit rows around a common mean, with variances that fall off, as pooled activations have."""
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(count, dim)) * np.linspace(2, 0.2, dim) + 1.5
    turned = rows @ np.linalg.qr(generator.normal(size=(dim, dim)))[0]
    return (turned / np.linalg.norm(turned, axis=1, keepdims=True)).astype(np.float32)


def unit(rows: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


# By hand: four points around (3, 1), with variance 16 · 2 / 3 along x and 4 · 2 / 3 along y.
CROSS = np.array([[7, 1], [-1, 1], [3, 3], [3, -1]], dtype=np.float32)


@pytest.mark.parametrize(
    ("power", "scale"),
    [
        (0.0, (1.0, 1.0)),
        (0.25, ((32 / 3) ** -0.25, (8 / 3) ** -0.25)),
        (0.5, ((32 / 3) ** -0.5, (8 / 3) ** -0.5)),
    ],
)
def test_a_cross_by_hand(power: float, scale: tuple[float, float]) -> None:
    """Directions are the axes; the variances are 32 / 3 and 8 / 3; half is full whitening."""
    fitted = fit(CROSS, dim=2, power=power, shrinkage=0)
    np.testing.assert_allclose(fitted.mean, [3, 1])
    np.testing.assert_allclose(fitted.components, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(fitted.scale, scale)
    assert (fitted.power, fitted.fitted_count) == (power, 4)
    diagonal = np.array([[5.0, 3.0]])
    expected = unit(np.array([[2 * scale[0], 2 * scale[1]]]))
    np.testing.assert_allclose(fitted.apply(diagonal), expected, rtol=1e-6)


def test_shrinkage_by_hand() -> None:
    """The mean variance is 20 / 3; once that is added to both before the power."""
    fitted = fit(CROSS, dim=1, power=0.5, shrinkage=1)
    np.testing.assert_allclose(fitted.scale, [(32 / 3 + 20 / 3) ** -0.5])
    fitted = fit(CROSS, dim=2, power=0.5, shrinkage=0.5)
    np.testing.assert_allclose(fitted.scale, [(42 / 3) ** -0.5, (18 / 3) ** -0.5])


def test_centring_by_hand() -> None:
    """Around (3, 1): (6, 5) is (3, 4) away, at length 1 (0.6, 0.8)."""
    fitted = centre(CROSS)
    np.testing.assert_allclose(fitted.apply(np.array([[6.0, 5.0]])), [[0.6, 0.8]], rtol=1e-6)
    assert (fitted.dim, fitted.out, fitted.fitted_count) == (2, 2, 4)


# Against scikit-learn.


@pytest.mark.parametrize(("count", "dim"), [(300, 20), (12, 40), (40, 40)])
@pytest.mark.parametrize("power", [0.0, 0.25, 0.5])
def test_pca_and_whitening_are_those_of_scikit_learn(count: int, dim: int, power: float) -> None:
    rows = embeddings(count, dim)
    others = embeddings(30, dim, seed=1)
    kept = min(8, count - 1)
    oracle = PCA(n_components=kept, svd_solver="full").fit(rows.astype(np.float64))
    fitted = fit(rows, dim=kept, power=power, shrinkage=0)
    signs = np.sign(np.sum(oracle.components_.T * fitted.components, axis=0))
    np.testing.assert_allclose(fitted.mean, oracle.mean_, atol=1e-12)
    np.testing.assert_allclose(fitted.components, oracle.components_.T * signs, atol=1e-9)
    np.testing.assert_allclose(fitted.scale, oracle.explained_variance_**-power, rtol=1e-9)
    coordinates = oracle.transform(others.astype(np.float64)) * signs
    expected = unit(coordinates * oracle.explained_variance_**-power)
    np.testing.assert_allclose(fitted.apply(others), expected, atol=1e-6)


def test_shrinkage_is_in_multiples_of_the_mean_over_directions_that_vary() -> None:
    """Twelve embeddings in forty dimensions vary along eleven directions, not along forty."""
    rows = embeddings(12, 40)
    oracle = PCA(n_components=11, svd_solver="full").fit(rows.astype(np.float64))
    shrunk = oracle.explained_variance_ + 3 * oracle.explained_variance_.mean()
    fitted = fit(rows, dim=5, power=0.5, shrinkage=3)
    np.testing.assert_allclose(fitted.scale, shrunk[:5] ** -0.5, rtol=1e-9)


def test_full_whitening_leaves_every_direction_with_the_same_variance() -> None:
    rows = embeddings(500, 12)
    fitted = fit(rows, dim=12, power=0.5, shrinkage=0)
    coordinates = (rows - fitted.mean) @ fitted.components * fitted.scale
    np.testing.assert_allclose(np.cov(coordinates.T), np.eye(12), atol=1e-9)


@pytest.mark.parametrize("count", [5, 300])
def test_centring_is_subtraction_in_all_dimensions(count: int) -> None:
    """Also of pictures that it was not fitted on, and where few pictures span few directions."""
    rows, others = embeddings(count, 20), embeddings(30, 20, seed=1)
    expected = unit(others.astype(np.float64) - rows.astype(np.float64).mean(axis=0))
    fitted = centre(rows)
    np.testing.assert_allclose(fitted.apply(others), expected, atol=1e-6)
    again = Projection.from_bytes(fitted.to_bytes())
    np.testing.assert_array_equal(again.apply(others), fitted.apply(others))
    assert again.version == fitted.version


def test_all_components_without_whitening_score_as_centring_does() -> None:
    rows, others = embeddings(100, 8), embeddings(30, 8, seed=1)
    turned, straight = (
        fit_choice(rows, choice).apply(others)
        for choice in (ProjectionChoice(dim=8, power=0), CENTRED)
    )
    np.testing.assert_allclose(turned @ turned.T, straight @ straight.T, atol=1e-5)


def test_a_choice_is_fitted_with_all_that_it_says() -> None:
    rows = embeddings(100, 10)
    choice = ProjectionChoice.parse("5:0.3:0.25")
    fitted = fit(rows, dim=5, power=0.3, shrinkage=0.25)
    assert fit_choice(rows, choice).version == fitted.version
    assert fit_choice(rows, CENTRED).version == centre(rows).version
    with pytest.raises(UsageError, match="dim 0"):
        fit_choice(rows, NONE)


# Laws.


@settings(deadline=None)
@given(
    count=st.integers(2, 40),
    dim=st.integers(1, 12),
    out=st.integers(1, 20),
    power=st.floats(0, 1),
    shrinkage=st.floats(0, 10),
    seed=st.integers(0, 999),
)
def test_shapes_dtypes_and_lengths(
    count: int, dim: int, out: int, power: float, shrinkage: float, seed: int
) -> None:
    rows = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    fitted = fit(rows, dim=out, power=power, shrinkage=shrinkage)
    assert fitted.out == min(out, count - 1, dim)
    assert fitted.mean.shape == (dim,)
    assert fitted.components.shape == (dim, fitted.out)
    assert {fitted.mean.dtype, fitted.components.dtype, fitted.scale.dtype} == {np.dtype("f8")}
    orthonormal = fitted.components.T @ fitted.components
    np.testing.assert_allclose(orthonormal, np.eye(fitted.out), atol=1e-9)
    projected = fitted.apply(rows)
    assert projected.dtype == np.float32
    assert projected.shape == (count, fitted.out)
    lengths = np.linalg.norm(projected.astype(np.float64), axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-6) | (lengths == 0))


@settings(deadline=None)
@given(seed=st.integers(0, 999), shift=st.floats(-3, 3), factor=st.floats(0.1, 10))
def test_shifting_and_scaling_all_embeddings_changes_nothing(
    seed: int, shift: float, factor: float
) -> None:
    rows = np.random.default_rng(seed).normal(size=(30, 6))
    others = factor * rows + shift
    plain = fit(rows, dim=4, power=0.25).apply(rows)
    moved = fit(others, dim=4, power=0.25).apply(others)
    np.testing.assert_allclose(moved, plain, atol=1e-5)


def test_the_largest_entry_of_every_direction_is_positive() -> None:
    for seed in range(20):
        components = fit(embeddings(50, 9, seed=seed), dim=9, power=0).components
        largest = np.abs(components).argmax(axis=0)
        assert np.all(components[largest, np.arange(9)] > 0)


def test_the_same_embeddings_give_the_same_version() -> None:
    rows = embeddings(100, 10)
    first, second = (fit(rows.copy(), dim=5, power=0.25) for _ in range(2))
    assert first.version == second.version
    assert len(first.version) == 12
    int(first.version, 16)


def test_another_dim_power_or_gallery_is_another_version() -> None:
    rows = embeddings(100, 10)
    versions = {
        fit(rows, dim=5, power=0.25).version,
        fit(rows, dim=6, power=0.25).version,
        fit(rows, dim=5, power=0.3).version,
        fit(rows, dim=5, power=0.25, shrinkage=1).version,
        fit(rows[:99], dim=5, power=0.25).version,
    }
    assert len(versions) == 5


def test_many_blocks_give_what_one_gives() -> None:
    """More rows than one block: the mean and the covariance run over all of them."""
    rows = embeddings(2 * projection_module.BLOCK_ROWS + 17, 6)
    fitted = fit(rows, dim=6, power=0)
    wide = rows.astype(np.float64)
    np.testing.assert_allclose(fitted.mean, wide.mean(axis=0), atol=1e-12)
    spread = fitted.components.T @ np.cov(wide.T) @ fitted.components
    np.testing.assert_allclose(spread, np.diag(np.diag(spread)), atol=1e-12)
    projected = fitted.apply(rows)
    for block in (slice(0, 5), slice(projection_module.BLOCK_ROWS - 3, None)):
        np.testing.assert_allclose(fitted.apply(rows[block]), projected[block], atol=1e-6)


def test_the_input_is_left_alone() -> None:
    rows = embeddings(30, 5)
    before = rows.copy()
    fit(rows, dim=3, power=0.25).apply(rows)
    np.testing.assert_array_equal(rows, before)


def test_no_embedding_projects_to_no_vector() -> None:
    fitted = fit(embeddings(30, 5), dim=3, power=0.25)
    assert fitted.apply(np.empty((0, 5), dtype=np.float32)).shape == (0, 3)


# Degenerate input.


@pytest.mark.parametrize("power", [0.0, 0.25, 0.5])
def test_an_embedding_that_is_the_mean_becomes_zero(power: float) -> None:
    fitted = fit(CROSS, dim=2, power=power)
    projected = fitted.apply(np.array([[3, 1], [7, 1]], dtype=np.float32))
    np.testing.assert_array_equal(projected, [[0, 0], [1, 0]])


def test_an_embedding_that_differs_across_the_components_only_becomes_zero() -> None:
    """What rounding leaves of it must not be blown up to length 1."""
    rows = embeddings(50, 10)
    fitted = fit(rows, dim=3, power=0.5, shrinkage=0)
    across = np.random.default_rng(5).normal(size=10)
    across -= fitted.components @ (fitted.components.T @ across)
    np.testing.assert_array_equal(fitted.apply((fitted.mean + across)[None]), np.zeros((1, 3)))


def test_dependent_embeddings_give_as_many_dims_as_they_vary_along() -> None:
    """Twenty copies of four points in ten dimensions span three directions."""
    rows = np.tile(embeddings(4, 10), (20, 1))
    fitted = fit(rows, dim=8, power=0.5, shrinkage=0)
    assert fitted.out == 3
    assert np.isfinite(fitted.apply(rows)).all()
    np.testing.assert_allclose(fitted.apply(rows)[:4], fitted.apply(rows)[4:8], atol=1e-6)


def test_dead_channels_do_no_harm() -> None:
    rows = embeddings(100, 10)
    rows[:, [2, 5]] = 0
    fitted = fit(rows, dim=10, power=0.5, shrinkage=0)
    assert fitted.out == 8
    np.testing.assert_allclose(fitted.components[[2, 5]], 0, atol=1e-9)


@pytest.mark.parametrize("count", [2, 3, 1000])
def test_equal_embeddings_are_refused(count: int) -> None:
    rows = np.tile(embeddings(1, 8), (count, 1))
    with pytest.raises(UsageError, match=f"all {count} embeddings are the same"):
        fit(rows, dim=4, power=0.25)
    with pytest.raises(UsageError, match=f"all {count} embeddings are the same"):
        centre(rows)


def test_two_embeddings_give_one_dim() -> None:
    rows = embeddings(2, 8)
    fitted = fit(rows, dim=4, power=0.25)
    np.testing.assert_allclose(np.abs(fitted.apply(rows)), [[1], [1]], atol=1e-6)
    assert fitted.apply(rows).sum() == pytest.approx(0)


@pytest.mark.parametrize("shape", [(0, 5), (1, 5), (5, 0), (5,), (2, 3, 4)])
def test_too_few_embeddings_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="at least two"):
        fit(np.ones(shape, dtype=np.float32), dim=4, power=0.25)
    with pytest.raises(UsageError, match="at least two"):
        centre(np.ones(shape, dtype=np.float32))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_no_numbers_are_refused(value: float) -> None:
    rows = embeddings(30, 5)
    fitted = fit(rows, dim=3, power=0.25)
    rows[7, 2] = value
    with pytest.raises(UsageError, match="not finite"):
        fit(rows, dim=3, power=0.25)
    with pytest.raises(UsageError, match="not finite"):
        fitted.apply(rows)
    with pytest.raises(UsageError, match="not finite"):
        centre(rows)


def test_infinities_that_cancel_are_refused() -> None:
    rows = embeddings(30, 5)
    rows[7, 2], rows[8, 2] = math.inf, -math.inf
    with pytest.raises(UsageError, match="not finite"):
        fit(rows, dim=3, power=0.25)


@pytest.mark.parametrize(
    "arguments",
    [
        {"dim": 0, "power": 0.25},
        {"dim": 4, "power": -0.1},
        {"dim": 4, "power": 1.1},
        {"dim": 4, "power": math.nan},
        {"dim": 4, "power": 0.25, "shrinkage": -1},
        {"dim": 4, "power": 0.25, "shrinkage": math.inf},
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="power between 0 and 1"):
        fit(embeddings(30, 5), **arguments)


@pytest.mark.parametrize("shape", [(3, 4), (5,), (1, 1, 5)])
def test_embeddings_of_another_dim_are_refused(shape: tuple[int, ...]) -> None:
    fitted = fit(embeddings(30, 5), dim=3, power=0.25)
    with pytest.raises(UsageError, match="projection of dim 5"):
        fitted.apply(np.ones(shape, dtype=np.float32))


# Bytes.


@settings(deadline=None)
@given(dim=st.integers(1, 9), out=st.integers(1, 9), power=st.floats(0, 1))
def test_what_is_written_comes_back_to_the_bit(dim: int, out: int, power: float) -> None:
    fitted = fit(embeddings(30, dim), dim=out, power=power)
    again = Projection.from_bytes(fitted.to_bytes())
    for name in ("mean", "components", "scale"):
        np.testing.assert_array_equal(getattr(again, name), getattr(fitted, name))
    assert (again.power, again.fitted_count) == (power, 30)
    assert again.version == fitted.version
    rows = embeddings(5, dim, seed=3)
    np.testing.assert_array_equal(again.apply(rows), fitted.apply(rows))


def test_every_flipped_bit_and_every_cut_is_refused() -> None:
    whole = fit(embeddings(30, 4), dim=2, power=0.25).to_bytes()
    for position in range(len(whole)):
        with pytest.raises(DamagedCacheError):
            Projection.from_bytes(whole[:position])
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << bit
            with pytest.raises(DamagedCacheError):
                Projection.from_bytes(bytes(damaged))
    with pytest.raises(DamagedCacheError):
        Projection.from_bytes(whole + b"\0")


@pytest.mark.parametrize("shape", [(5, 2), (2**63, 2**63), (0, 0), (2**62, 8)])
def test_lengths_that_do_not_fit_are_refused_in_spite_of_the_checksum(
    shape: tuple[int, int],
) -> None:
    body = bytearray(fit(embeddings(30, 4), dim=2, power=0.25).to_bytes()[:-32])
    body[8:24] = struct.pack("<QQ", *shape)
    with pytest.raises(DamagedCacheError, match="length"):
        Projection.from_bytes(bytes(body) + hashlib.sha256(body).digest())


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused(content: bytes) -> None:
    for start in (b"", projection_module._MAGIC):
        with pytest.raises(DamagedCacheError, match="projection"):
            Projection.from_bytes(start + content)


# Choice.


@pytest.mark.parametrize(
    ("text", "dim", "power"),
    [("128", 128, DEFAULT.power), ("64:0.5", 64, 0.5), ("1:0", 1, 0.0), ("256:1", 256, 1.0)],
)
def test_a_choice_is_a_dim_and_perhaps_a_power(text: str, dim: int, power: float) -> None:
    choice = ProjectionChoice.parse(text)
    assert (choice.dim, choice.power) == (dim, power)
    assert choice.applies_to(2)
    assert not choice.applies_to(1)


def test_auto_is_the_default_from_some_hundreds_of_contents_up() -> None:
    choice = ProjectionChoice.parse("auto")
    assert choice == DEFAULT
    assert choice.applies_to(MINIMUM_COUNT)
    assert not choice.applies_to(MINIMUM_COUNT - 1)


def test_none_never_applies() -> None:
    assert ProjectionChoice.parse("none") == NONE
    assert not NONE.applies_to(10**6)


def test_centring_alone_is_a_choice() -> None:
    choice = ProjectionChoice.parse("centred")
    assert choice == CENTRED
    assert choice.applies_to(2)
    assert not choice.applies_to(1)


def test_a_choice_may_say_the_shrinkage() -> None:
    """0.5:0 is full whitening; where it is the default's, it is the same choice."""
    whitened = ProjectionChoice.parse("128:0.5:0")
    assert (whitened.dim, whitened.power, whitened.shrinkage) == (128, 0.5, 0)
    assert str(whitened) == "128:0.5:0"
    usual = ProjectionChoice.parse("160:0.5:20")
    assert usual == ProjectionChoice.parse("160:0.5") == ProjectionChoice.parse("160")
    assert str(DEFAULT) == str(usual) == "160:0.5"


@settings(deadline=None)
@given(
    dim=st.integers(1, 4096),
    power=st.integers(0, 100).map(lambda percent: percent / 100),
    shrinkage=st.integers(0, 400).map(lambda quarters: quarters / 4),
)
def test_a_choice_reads_as_it_is_written(dim: int, power: float, shrinkage: float) -> None:
    choice = ProjectionChoice(dim=dim, power=power, shrinkage=shrinkage)
    assert ProjectionChoice.parse(str(choice)) == choice
    assert (str(NONE), str(CENTRED)) == ("none", "centred")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "-5",
        "0:0.25",
        "128:",
        ":0.25",
        "128:2",
        "128:-0.1",
        "128:nan",
        "1.5",
        "all",
        "a:b",
        "128:0.5:",
        "128:0.5:-1",
        "128:0.5:inf",
        "128:0.5:nan",
        "128::0",
        "128:0.5:0:0",
        "centered",
    ],
)
def test_what_is_no_choice_is_named(text: str) -> None:
    with pytest.raises(
        UsageError, match="none of auto, none, centred, DIM, DIM:POWER or"
    ) as caught:
        ProjectionChoice.parse(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"dim": -1, "power": 0.25},
        {"dim": 8, "power": -1.0},
        {"dim": 8, "power": math.nan},
        {"dim": 8, "power": 0.5, "shrinkage": -1.0},
        {"dim": 8, "power": 0.5, "shrinkage": math.nan},
        {"dim": 8, "power": 0.5, "shrinkage": math.inf},
        {"dim": 8, "power": 0.0, "centring_only": True},
    ],
)
def test_a_choice_that_no_projection_has_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="projection: "):
        ProjectionChoice(**arguments)
