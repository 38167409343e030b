"""Prepare: load the data, split it, and change it according to the idea. The cycle begins and is named here."""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from cycletrace import cycle, stage
from cycletrace._internal.demo.log import logged

Images = NDArray[np.float64]


def jitter(images: Images) -> Images:
    """Return the images with a little noise, so that training images differ from those of clients."""
    noise = np.random.default_rng(0).normal(scale=1.0, size=images.shape)
    return np.clip(images + noise, 0, 16)


IDEAS = {
    "plain": lambda images: images,
    # Scaling helps training, but clients still send 0..16: a realistic mistake.
    "scaled": lambda images: images / 16,
    "jittered": jitter,
}


@stage(kind="data", capture=("idea",))
@logged
def prepare(idea: str, seed: int) -> None:
    """Write handwritten digits, 8 x 8 pixels from 0 to 16, to three files."""
    images, digits = load_digits(return_X_y=True)
    images, test_images, digits, test_digits = train_test_split(
        images, digits, test_size=0.25, stratify=digits, random_state=0
    )
    np.savez("test.npz", images=test_images, digits=test_digits)  # as the clients will send them

    images = IDEAS[idea](np.asarray(images))
    images, validation_images, digits, validation_digits = train_test_split(
        images, digits, test_size=0.2, stratify=digits, random_state=seed
    )
    np.savez("train.npz", images=images, digits=digits)
    np.savez("validation.npz", images=validation_images, digits=validation_digits)
    print(f"{len(digits)} images to train with, {len(validation_digits)} to validate, {len(test_digits)} to test")


if __name__ == "__main__":
    version, idea = sys.argv[1:]
    with cycle("digits", version, domain="images"):
        prepare(idea, seed=int(version))
