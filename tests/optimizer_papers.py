"""Optimizers written from their papers, a parameter at a time, with NumPy alone and nothing of graphgen's.

Each is a generator: it is sent gradients, and yields what is to be subtracted from the parameter. Where torch.optim
departs from a paper (where eps stands, which number the learning rate scales) so do these.
"""

import numpy as np


def sgd(parameter, learning_rate=0.01, momentum=0.0, nesterov=False, weight_decay=0.0):
    velocity, decrease = np.zeros_like(parameter), None
    while True:
        gradient = yield decrease
        gradient = gradient + weight_decay * parameter
        velocity = momentum * velocity + gradient
        decrease = learning_rate * (gradient + momentum * velocity if nesterov else velocity)


def momentum(parameter, momentum=0.9, **options):
    return sgd(parameter, momentum=momentum, **options)


def nesterov(parameter, momentum=0.9, nesterov=True, **options):
    return sgd(parameter, momentum=momentum, nesterov=nesterov, **options)


def adagrad(parameter, learning_rate=0.01, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10):
    """Duchi et al. (2011): x <- x - eta g / (delta + s), s the root of the sum of all squared gradients."""
    history, decrease = [], None
    while True:
        gradient = yield decrease
        gradient = gradient + weight_decay * parameter
        rate = learning_rate / (1.0 + lr_decay * len(history))
        history.append(gradient**2)
        decrease = rate * gradient / (np.sqrt(initial_accumulator_value + sum(history)) + eps)


def rmsprop(parameter, learning_rate=0.01, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0, centered=False):
    """Graves (2013), equations 38 to 41, with n, g and delta as there."""
    n, g, delta, decrease = (np.zeros_like(parameter) for _ in range(4))
    while True:
        gradient = yield decrease
        gradient = gradient + weight_decay * parameter
        n = alpha * n + (1 - alpha) * gradient**2
        g = alpha * g + (1 - alpha) * gradient
        delta = momentum * delta + gradient / (np.sqrt(n - g**2 if centered else n) + eps)
        decrease = learning_rate * delta


def adadelta(parameter, learning_rate=1.0, rho=0.9, eps=1e-6, weight_decay=0.0):
    """Zeiler (2012), algorithm 1."""
    squares, changes, decrease = (np.zeros_like(parameter) for _ in range(3))
    while True:
        gradient = yield decrease
        gradient = gradient + weight_decay * parameter
        squares = rho * squares + (1 - rho) * gradient**2
        change = -np.sqrt(changes + eps) / np.sqrt(squares + eps) * gradient
        changes = rho * changes + (1 - rho) * change**2
        decrease = -learning_rate * change


def adam(parameter, learning_rate=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False):
    """Kingma and Ba (2015), algorithm 1; Reddi et al. (2018), algorithm 2."""
    m, v, largest, t, decrease = np.zeros_like(parameter), np.zeros_like(parameter), 0.0, 0, None
    while True:
        gradient = yield decrease
        g = gradient + weight_decay * parameter
        t += 1
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        largest = np.maximum(largest, v) if amsgrad else v
        m_hat, v_hat = m / (1 - betas[0] ** t), largest / (1 - betas[1] ** t)
        decrease = learning_rate * m_hat / (np.sqrt(v_hat) + eps)


def adamw(parameter, learning_rate=0.001, weight_decay=0.01, **options):
    """Loshchilov and Hutter (2019), algorithm 2."""
    inner, decrease = adam(parameter, learning_rate, **options), None
    next(inner)
    while True:
        gradient = yield decrease
        decrease = inner.send(gradient) + learning_rate * weight_decay * parameter


def adamax(parameter, learning_rate=0.002, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    """Kingma and Ba (2015), algorithm 2."""
    m, u, t, decrease = np.zeros_like(parameter), np.zeros_like(parameter), 0, None
    while True:
        gradient = yield decrease
        g = gradient + weight_decay * parameter
        t += 1
        m = betas[0] * m + (1 - betas[0]) * g
        u = np.maximum(betas[1] * u, np.abs(g) + eps)
        decrease = learning_rate / (1 - betas[0] ** t) * m / u


def nadam(
    parameter,
    learning_rate=0.002,
    betas=(0.9, 0.999),
    eps=1e-8,
    weight_decay=0.0,
    momentum_decay=0.004,
    decoupled_weight_decay=False,
):
    """Dozat (2016), algorithm 2, with his momenta mu_t = beta_1 (1 - 0.5 * 0.96^(t psi))."""
    m, v, t, decrease = np.zeros_like(parameter), np.zeros_like(parameter), 0, None

    def mu(t):
        return betas[0] * (1 - 0.5 * 0.96 ** (t * momentum_decay))

    while True:
        gradient = yield decrease
        g = gradient + (0.0 if decoupled_weight_decay else weight_decay) * parameter
        t += 1
        so_far = np.prod([mu(i) for i in range(1, t + 1)])
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_bar = (1 - mu(t)) * g / (1 - so_far) + mu(t + 1) * m / (1 - so_far * mu(t + 1))
        decrease = learning_rate * m_bar / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
        if decoupled_weight_decay:
            decrease = decrease + learning_rate * weight_decay * parameter
