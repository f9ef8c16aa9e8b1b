"""Training: `fit` a generated module to data, over its public face alone.

Each file is one concern: ``data.py`` reads and checks, ``order.py`` shuffles, ``loop.py`` trains, ``measures.py`` evaluates,
``run.py`` writes files that can be resumed from, ``settings.py`` and ``progress.py`` hear and tell; ``fitting.py`` joins them.
"""

from graphgen.train.fitting import Result, fit
from graphgen.train.loop import Report
from graphgen.train.measures import accuracy, binary_accuracy
from graphgen.train.order import easy_first

__all__ = ["Report", "Result", "accuracy", "binary_accuracy", "easy_first", "fit"]
