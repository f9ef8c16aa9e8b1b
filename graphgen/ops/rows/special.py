"""Special functions, element by element."""

from graphgen.ops.elementwise_row import Elementwise

ROWS: tuple[Elementwise, ...] = ()
