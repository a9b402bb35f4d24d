"""Preprocessing gives what Keras's own functions give, and leaves its input alone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from backbone_fixtures import random_images
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from imgsearch.errors import UsageError
from imgsearch.networks.backbones.catalogue import CATALOGUE
from imgsearch.networks.backbones.framework import load_keras
from imgsearch.networks.backbones.preprocessing import preprocess
from imgsearch.recipe import PREPROCESSINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from imgsearch.networks.backbones.catalogue import Backbone
    from imgsearch.recipe import Preprocessing

pytestmark = pytest.mark.tensorflow

APPLICATIONS = [backbone for backbone in CATALOGUE.values() if not backbone.is_compact]


@pytest.mark.parametrize("backbone", APPLICATIONS, ids=lambda backbone: backbone.name)
def test_every_network_gets_the_pixels_that_keras_would_give_it(backbone: Backbone) -> None:
    """The module of each network in keras.applications has its own `preprocess_input`."""
    constructor = getattr(load_keras().applications, backbone.keras_class)
    keras_own = sys.modules[constructor.__module__].preprocess_input
    images = random_images(2, 9, seed=1)

    expected = keras_own(images.astype(np.float32))

    np.testing.assert_array_equal(preprocess(images, backbone.preprocessing), expected)


def test_keras_overwrites_its_input_and_this_does_not() -> None:
    images = random_images(1, 4).astype(np.float32)
    before = images.copy()
    for mode in PREPROCESSINGS:
        assert not np.shares_memory(preprocess(images, mode), images)
        np.testing.assert_array_equal(images, before)

    load_keras().applications.vgg16.preprocess_input(images)
    assert not np.array_equal(images, before)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("raw", [255.0, 0.0, 51.0]),
        ("unit", [1.0, 0.0, 0.2]),
        ("tf", [1.0, -1.0, -0.6]),
        ("torch", [(1 - 0.485) / 0.229, (0 - 0.456) / 0.224, (0.2 - 0.406) / 0.225]),
        ("caffe", [51 - 103.939, 0 - 116.779, 255 - 123.68]),
    ],
)
def test_one_pixel_comes_out_as_computed_by_hand(
    mode: Preprocessing, expected: list[float]
) -> None:
    """Red 255, green 0, blue 51 through each mode's formula."""
    pixel = np.array([[[[255, 0, 51]]]], dtype=np.uint8)
    result = preprocess(pixel, mode)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result[0, 0, 0], expected, rtol=1e-6, atol=1e-6)


@given(
    images=hnp.arrays(
        np.uint8,
        st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4), st.just(3)),
    ),
    mode=st.sampled_from(PREPROCESSINGS),
)
def test_a_batch_is_preprocessed_image_by_image(
    images: NDArray[np.uint8], mode: Preprocessing
) -> None:
    """No image of a batch influences another, and memory is laid out in order."""
    whole = preprocess(images, mode)
    assert whole.flags.c_contiguous
    assert whole.shape == images.shape
    for position in range(len(images)):
        alone = preprocess(images[position : position + 1], mode)
        np.testing.assert_array_equal(whole[position], alone[0])


@pytest.mark.parametrize("shape", [(4, 4, 3), (1, 4, 4), (1, 4, 4, 4), (1, 4, 4, 1)])
def test_a_shape_that_is_no_rgb_batch_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"\(n, h, w, 3\)"):
        preprocess(np.zeros(shape, dtype=np.uint8), "tf")


def test_an_unknown_mode_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="'bgr' is none of raw, unit, tf, torch, caffe"):
        preprocess(np.zeros((1, 1, 1, 3), dtype=np.uint8), "bgr")
