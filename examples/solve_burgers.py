"""Let a front run by Burgers' equation, with Newton's method and a generated Jacobian, and compare it with the exact one.

    python examples/solve_burgers.py
"""

from pathlib import Path

import numpy as np
from burgers import LENGTH, STEP, VISCOSITY

import graphgen
from graphgen.model import load_model


def exact(x: np.ndarray, time: float) -> np.ndarray:
    """The front that runs to the right at half its height (G. B. Whitham, Linear and Nonlinear Waves, 1974, section 4.3)."""
    return 1 / (1 + np.exp((x - time / 2) / (2 * VISCOSITY)))


def solve(until: float = 2.0) -> tuple[np.ndarray, np.ndarray, int]:
    """The points, the front at the end, and how many steps of Newton's method it took in all."""
    module = graphgen.load(load_model(str(Path(__file__).with_name("burgers.py"))), jacobian=True)
    x = np.arange(-4.0, 6.0, LENGTH)
    front, steps = exact(x, 0.0), 0
    for _ in range(round(until / STEP)):
        before, u = front, front
        while np.abs(residual := module.forward({"u": u}, before)).max() > 1e-12:
            u = u - np.linalg.solve(module.jacobian({"u": u}, before)["u"], residual)
            steps += 1
        front = u
    return x, front, steps


if __name__ == "__main__":
    x, front, steps = solve()
    print(f"largest error after 2 seconds: {np.abs(front - exact(x, 2.0)).max():.4f}, steps of Newton's method: {steps}")
