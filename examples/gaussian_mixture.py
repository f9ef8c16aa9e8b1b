"""The log posterior of a mixture of Gaussians, an objective of ADBench; the loss is its negative.

Srajer, Kukelova and Fitzgibbon, "A benchmark of selected algorithmic differentiation tools on some problems in
computer vision and machine learning", Optimization Methods and Software 33 (2018). A component has an unnormalised
weight exp(alpha), a mean, and the inverse covariance F^T F with a lower triangular F: `icf` holds the logarithms of
its diagonal, then what is below, column by column. The prior on F is Wishart's, with a scale and `extra` degrees of
freedom beyond `dimensions` + 1.
"""

import math

import numpy as np

from graphgen import Graph, ops


def mixture(dimensions: int) -> Graph:
    """Declare the objective for points of so many dimensions, any number of them, and any number of components."""
    g = Graph("gaussian_mixture")
    x = g.input("x", shape=("points", dimensions))
    wishart = g.input("wishart", shape=(2,), low=0.5, high=2.0)
    alphas = g.param("alphas", shape=("components",), init="zeros")
    means = g.param("means", shape=("components", dimensions), init="normal")
    icf = g.param("icf", shape=("components", dimensions * (dimensions + 1) // 2), init="zeros")

    log_diagonal, below = icf[:, :dimensions], icf[:, dimensions:]
    diagonal = ops.exp(log_diagonal)
    columns, rows = np.triu_indices(dimensions, 1)  # column by column
    place = np.zeros((dimensions, dimensions), dtype=int)
    place[rows, columns] = np.arange(len(rows)) + dimensions
    factor = ops.diag_embed(diagonal) + ops.tril(icf[:, place], -1)
    log_determinant = log_diagonal.sum(axis=1)

    whitened = ops.einsum("kij,knj->kni", factor, x - means[:, None])
    squared_length = (whitened**2).sum(axis=2)
    log_density = log_determinant[:, None] - squared_length / 2 - dimensions / 2 * math.log(2 * math.pi)
    log_weight = ops.log_softmax(alphas)
    log_likelihood = ops.logsumexp(log_weight[:, None] + log_density, axis=0)

    scale, extra = wishart[0], wishart[1]
    freedom = extra + dimensions + 1
    log_pi = dimensions * (dimensions - 1) / 4 * math.log(math.pi)
    log_gamma = ops.lgamma((freedom - np.arange(dimensions)) / 2).sum() + log_pi
    normaliser = freedom * dimensions * (ops.log(scale) - math.log(2) / 2) - log_gamma
    size = (diagonal**2).sum(axis=1) + (below**2).sum(axis=1)
    log_prior = scale**2 / 2 * size - extra * log_determinant - normaliser

    log_posterior = log_likelihood.sum() + log_prior.sum()
    g.output(log_posterior)
    g.loss(-log_posterior)
    return g


g = mixture(dimensions=2)
