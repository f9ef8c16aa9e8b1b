"""Fit NIST's regressions with the compiled gradients and scipy's BFGS: ``python examples/nist/fit.py``."""

import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import problems

from graphgen import Graph, load

PROBLEMS = [value for value in vars(problems).values() if isinstance(value, Graph)]


def fit(graph: Graph) -> tuple[dict[str, float], int]:
    """Return fitted parameters and how often the gradient was taken.

    The parameters of a problem differ in scale, up to a factor of 1e9: BFGS sees each as a multiple of its start. It
    sees the loss as a small part of the first one, so that its first step, which is along the gradient, is a short one.
    """
    module = load(graph)
    dataset = problems.read(graph.dag.graph["name"])
    start = np.array(list(dataset.start.values()))
    scale = 100 * module.loss(dataset.start, **dataset.columns)

    @np.errstate(all="ignore")  # too long a step may overflow; infinity and nan tell BFGS so
    def scaled(multiples: np.ndarray) -> tuple[float, np.ndarray]:
        parameters = dict(zip(dataset.start, multiples * start, strict=True))
        loss, gradients = module.value_and_grad(parameters, **dataset.columns)
        return loss / scale, np.array(list(gradients.values())) * start / scale

    # It ends where rounding hides every descent, not at a small gradient.
    found = minimize(scaled, np.ones(len(start)), jac=True, method="BFGS", options={"gtol": 0, "maxiter": 10_000})
    return dict(zip(dataset.start, found.x * start, strict=True)), found.njev


def digits(fitted: dict[str, float], certified: dict[str, float]) -> float:
    """Return how many digits agree, in the parameter where the fewest do; NIST certifies eleven."""
    worst = max(abs(fitted[name] / value - 1) for name, value in certified.items())
    return -np.log10(max(worst, 1e-11))


def main() -> None:
    """Print, for each problem, the digits that agree and how often the gradient was taken."""
    print("problem   digits  gradients")
    for graph in PROBLEMS:
        name = graph.dag.graph["name"]
        fitted, gradients = fit(graph)
        print(f"{name:<9} {digits(fitted, problems.read(name).certified):6.1f}  {gradients:9}", flush=True)


if __name__ == "__main__":
    main()
