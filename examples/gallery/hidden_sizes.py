"""Two half moons, told apart by 1, 2, 3, 4, 5, 20 and 50 hidden units.

After Denny Britz, "Implementing a neural network from scratch in Python" (2015). ``python hidden_sizes.py`` draws what
each has learned: docs/hidden_sizes.png. That needs matplotlib, which the extra `plots` brings.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import make_moons

from graphgen import Graph, layers, load, losses, ops, train

SIZES = (1, 2, 3, 4, 5, 20, 50)
PICTURE = Path(__file__).resolve().parents[2] / "docs" / "hidden_sizes.png"


def network(units: int) -> Graph:
    """Declare a network with one hidden layer of so many units."""
    g = Graph("hidden_sizes")
    x = g.input("x", shape=("batch", 2))
    label = g.input("label", shape=("batch",))
    hidden = ops.tanh(layers.dense(x, units, "fc1"))
    logit = layers.dense(hidden, 1, "fc2")[:, 0]
    g.output(probability=ops.sigmoid(logit))
    g.loss(losses.bce_with_logits(logit, label))
    g.optimizer("adam", learning_rate=0.02)
    return g


g = network(units=3)


def points(seed: int) -> dict[str, np.ndarray]:
    """Return 200 points of two half moons, and 1 for those of the second."""
    x, label = make_moons(200, noise=0.2, random_state=seed)
    return {"x": x, "label": label.astype(float)}


def trained(units: int):
    """Return the module of a network, and the parameters that 3000 steps with all points have made."""
    module = load(network(units))
    return module, train.fit(module, points(seed=0), epochs=3000, batch_size=200, progress=False).parameters


def reached() -> dict[str, float]:
    """Train a network of each size, and return how many of 200 other points each tells apart."""
    figures, test = {}, points(seed=1)
    for units in SIZES:
        module, parameters = trained(units)
        right = (module.forward(parameters, test["x"]) > 0.5) == (test["label"] == 1)
        figures[f"accuracy with {units}"] = float(right.mean())
    return figures


def draw(path: Path) -> None:
    """Draw where each network is how sure of which moon, and the points that it has learned from."""
    from matplotlib.figure import Figure

    data = points(seed=0)
    across, up = np.meshgrid(np.linspace(-2, 3, 250), np.linspace(-1.5, 2, 175))
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    axes = figure.subplots(2, 4)
    for panel, units in zip(axes.flat, SIZES, strict=False):
        module, parameters = trained(units)
        probability = module.forward(parameters, np.column_stack([across.ravel(), up.ravel()])).reshape(across.shape)
        panel.contourf(across, up, probability, levels=np.linspace(0, 1, 11), cmap="RdBu", alpha=0.5)
        panel.contour(across, up, probability, levels=[0.5], colors="black", linewidths=1)
        panel.scatter(*data["x"].T, c=data["label"], cmap="RdBu", s=12, edgecolors="black", linewidths=0.4)
        panel.set_title(f"{units} hidden unit{'s' if units > 1 else ''}", fontsize=10)
    for panel in axes.flat:
        panel.set_axis_off()
    figure.savefig(path, dpi=80)


if __name__ == "__main__":
    draw(PICTURE)
