"""How many operations an op takes: what rows state of it, by the convention of `graphgen.cost`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from graphgen import sizes
from graphgen.ops.table import Type

Operations = Callable[..., dict[str, sizes.Size]]
_NOTHING: Mapping[str, int] = MappingProxyType({})

# Products that are summed: a multiplication and an addition each, and reported apart from all other work.
PRODUCTS = "products"


def taking(of_result: Mapping[str, int] = _NOTHING, /, **of_operand: int) -> Operations:
    """So many operations of each kind for each element of operand 0, and so many for each element of the result."""

    def operations(y: Type, x: Type, /, *others: Type, **attributes: object) -> dict[str, sizes.Size]:
        found: dict[str, sizes.Size] = {}
        for counts, shape in ((of_operand, x.shape), (of_result, y.shape)):
            for kind, count in counts.items():
                found[kind] = found.get(kind, 0) + count * sizes.product(shape)
        return found

    return operations
