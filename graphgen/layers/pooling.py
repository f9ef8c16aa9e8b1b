"""Pooling layers: they have no parameters, and are the ops themselves."""

from graphgen.ops.rows import pooling
from graphgen.ops.table import Row

POOLING = tuple(name for name, row in vars(pooling).items() if isinstance(row, Row))
