"""Python's operators on symbolic values: shared by the nodes that users hold and the values that rules hold."""

from __future__ import annotations

from typing import Any

from graphgen import ops, sizes


class Arithmetic:
    """Operators and methods, each one call of an op.

    Comparison builds a node, so ``==`` is no test: compare with ``is``; hashing is by identity.
    """

    __slots__ = ()
    __array_ufunc__ = None  # NumPy arrays on the left leave the operation to us
    __hash__ = object.__hash__

    shape: Any
    dtype: Any

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def T(self) -> Any:
        return ops.transpose(self)

    def __add__(self, other: Any) -> Any:
        return ops.add(self, other)

    def __radd__(self, other: Any) -> Any:
        # Python's sum() starts at 0.
        return self if type(other) is int and other == 0 else ops.add(other, self)

    def __sub__(self, other: Any) -> Any:
        return ops.subtract(self, other)

    def __rsub__(self, other: Any) -> Any:
        return ops.subtract(other, self)

    def __mul__(self, other: Any) -> Any:
        return ops.multiply(self, other)

    def __rmul__(self, other: Any) -> Any:
        return ops.multiply(other, self)

    def __truediv__(self, other: Any) -> Any:
        return ops.divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return ops.divide(other, self)

    def __pow__(self, other: Any) -> Any:
        return ops.power(self, other)

    def __rpow__(self, other: Any) -> Any:
        return ops.power(other, self)

    def __matmul__(self, other: Any) -> Any:
        return ops.matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return ops.matmul(other, self)

    def __neg__(self) -> Any:
        return ops.negative(self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return ops.abs(self)

    def __eq__(self, other: object) -> Any:
        return ops.equal(self, other)

    def __ne__(self, other: object) -> Any:
        return ops.not_equal(self, other)

    def __lt__(self, other: Any) -> Any:
        return ops.less(self, other)

    def __le__(self, other: Any) -> Any:
        return ops.less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return ops.greater(self, other)

    def __ge__(self, other: Any) -> Any:
        return ops.greater_equal(self, other)

    def __and__(self, other: Any) -> Any:
        return ops.logical_and(self, other)

    def __rand__(self, other: Any) -> Any:
        return ops.logical_and(other, self)

    def __or__(self, other: Any) -> Any:
        return ops.logical_or(self, other)

    def __ror__(self, other: Any) -> Any:
        return ops.logical_or(other, self)

    def __invert__(self) -> Any:
        return ops.logical_not(self)

    def __getitem__(self, key: Any) -> Any:
        return ops.index(self, key)

    def __iter__(self) -> Any:
        if not self.shape or not isinstance(self.shape[0], int):
            raise TypeError(f"only an axis of known size can be iterated over, not shape {sizes.shape_text(self.shape)}")
        return iter([self[place] for place in range(self.shape[0])])

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        return ops.sum(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        return ops.mean(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        return ops.max(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        return ops.min(self, axis=axis, keepdims=keepdims)

    def prod(self, axis: Any = None, keepdims: bool = False) -> Any:
        return ops.prod(self, axis=axis, keepdims=keepdims)

    def var(self, axis: Any = None, correction: int = 0, keepdims: bool = False) -> Any:
        return ops.var(self, axis=axis, correction=correction, keepdims=keepdims)

    def std(self, axis: Any = None, correction: int = 0, keepdims: bool = False) -> Any:
        return ops.std(self, axis=axis, correction=correction, keepdims=keepdims)

    def argmax(self, axis: Any = None, keepdims: bool = False) -> Any:
        return ops.argmax(self, axis=axis, keepdims=keepdims)

    def argmin(self, axis: Any = None, keepdims: bool = False) -> Any:
        return ops.argmin(self, axis=axis, keepdims=keepdims)

    def argsort(self, axis: int = -1) -> Any:
        return ops.argsort(self, axis=axis)

    def cumsum(self, axis: Any = None) -> Any:
        return ops.cumsum(self, axis=axis)

    def cumprod(self, axis: Any = None) -> Any:
        return ops.cumprod(self, axis=axis)

    def reshape(self, *shape: Any) -> Any:
        return ops.reshape(self, shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape)

    def transpose(self, *axes: Any) -> Any:
        return ops.transpose(self, axes[0] if len(axes) == 1 and isinstance(axes[0], (tuple, list)) else axes or None)

    def swapaxes(self, axis1: int, axis2: int) -> Any:
        return ops.swapaxes(self, axis1=axis1, axis2=axis2)

    def flatten(self, start_axis: int = 0, end_axis: int = -1) -> Any:
        return ops.flatten(self, start_axis=start_axis, end_axis=end_axis)

    def squeeze(self, axis: Any = None) -> Any:
        return ops.squeeze(self, axis=axis)

    def repeat(self, repeats: Any, axis: Any = None) -> Any:
        return ops.repeat(self, repeats=repeats, axis=axis)

    def take(self, indices: Any, axis: Any = None) -> Any:
        return ops.take(self, indices, axis=axis)

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
        return ops.diagonal(self, offset=offset, axis1=axis1, axis2=axis2)
