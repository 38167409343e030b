"""Tests that a model must pass before deployment. Run by pytest in the version's directory."""

from __future__ import annotations

import joblib
import numpy as np
import pytest
from numpy.typing import NDArray

Array = NDArray[np.float64]

MODEL = joblib.load("model.joblib")
DATA = np.load("test.npz")
IMAGES: Array = DATA["images"]
DIGITS: Array = DATA["digits"]


def test_accuracy() -> None:
    """Check the overall accuracy, on images as clients send them: pixels from 0 to 16."""
    assert MODEL.score(IMAGES, DIGITS) >= 0.95


@pytest.mark.parametrize("digit", range(10))
def test_accuracy_per_slice(digit: int) -> None:
    """Check the accuracy for each digit."""
    of_digit = digit == DIGITS
    assert MODEL.score(IMAGES[of_digit], DIGITS[of_digit]) >= 0.8


def test_does_not_depend_on_the_order_of_a_batch() -> None:
    """Check that each image is classified independently."""
    assert (MODEL.predict(IMAGES[::-1])[::-1] == MODEL.predict(IMAGES)).all()


def test_reads_fainter_ink() -> None:
    """Check that ten percent less ink rarely changes a prediction."""
    assert (MODEL.predict(0.9 * IMAGES) == MODEL.predict(IMAGES)).mean() >= 0.9


@pytest.mark.parametrize(
    "images",
    [np.zeros((1, 63)), np.zeros(64), np.full((1, 64), np.inf), np.zeros((0, 64))],
    ids=["a pixel short", "no batch", "endless ink", "nothing"],
)
def test_rejects_invalid_images(images: Array) -> None:
    """Check that invalid input raises an error."""
    with pytest.raises(ValueError, match=r".+"):
        MODEL.predict(images)
