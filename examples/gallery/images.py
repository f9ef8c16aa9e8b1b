"""The handwritten digits of scikit-learn, 8 x 8 pixels from 0 to 1, as the models of the gallery take them.

Alpaydin and Kaynak (1998): UCI's optical recognition of handwritten digits. Four fifths are to train on.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def digits() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return images (rows, 1, 8, 8) and labels: 1437 rows to train on, 360 to test."""
    pixels, label = load_digits(return_X_y=True)
    images = pixels.reshape(-1, 1, 8, 8) / 16
    image, image_test, label, label_test = train_test_split(
        images, label, test_size=0.2, random_state=0, stratify=label
    )
    return {"image": image, "label": label}, {"image": image_test, "label": label_test}


def shifted(data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return nine copies of each row, whose images are shifted by up to one pixel each way."""
    padded = np.pad(data["image"], ((0, 0), (0, 0), (1, 1), (1, 1)))
    copies = [padded[:, :, down : down + 8, right : right + 8] for down in range(3) for right in range(3)]
    return {"image": np.concatenate(copies), "label": np.tile(data["label"], 9)}
