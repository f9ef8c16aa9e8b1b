"""Teach a GRU and an LSTM to remember across 50 steps: ``python examples/train_recall.py``."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

import recall

import graphgen
from graphgen import layers

STEPS, BATCH, TESTED = 50, 64, 4000


def sequences(random: np.random.Generator, count: int, shortest: int) -> tuple:
    """Return so many sequences of random symbols, how much of each counts, and the first symbol of each."""
    symbols = random.integers(recall.SYMBOLS, size=(count, STEPS))
    lengths = random.integers(shortest, STEPS + 1, size=count)
    return symbols, lengths, symbols[:, 0]


def train(recurrent: Callable, updates: int, seed: int = 0) -> float:
    """Train a network with this layer; return the part of fresh sequences of full length whose first symbol it tells."""
    module = graphgen.load(recall.network(recurrent, STEPS))
    random = np.random.default_rng(seed)
    parameters = module.init_parameters(seed)
    state = module.init_optimizer_state(parameters)
    for _ in range(updates):
        module.train_step(parameters, state, *sequences(random, BATCH, shortest=1))
    symbols, lengths, first = sequences(random, TESTED, shortest=STEPS)
    return float(np.mean(module.forward(parameters, symbols, lengths).argmax(axis=1) == first))


if __name__ == "__main__":
    for name, recurrent, updates in (("GRU", layers.gru, 600), ("LSTM", layers.lstm, 1200)):
        print(f"{name}: {train(recurrent, updates):.1%} of {TESTED} sequences of {STEPS} steps remembered")
