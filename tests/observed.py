"""Operations and bytes as NumPy is seen to do them, while a generated function runs: arrays that write down each call.

Helpers are one call each, by what `_HELPERS` says of them; what happens inside is not looked at.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

_KINDS = {
    **dict.fromkeys(("add", "subtract"), "additions"),
    **dict.fromkeys(("multiply", "square"), "multiplications"),
    **dict.fromkeys(("divide", "true_divide", "reciprocal"), "divisions"),
    **dict.fromkeys(("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"), "comparisons"),
    **dict.fromkeys(("bitwise_and", "bitwise_or", "invert", "maximum", "minimum", "where"), "comparisons"),
    **{f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")},
    "absolute": "abs",
    "quotient": "divisions",
    "negative": "signs",
}
# Helpers of arrays: the operations for each element of the first operand, and of the result.
_HELPERS: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "finite_max": ({"comparisons": 1}, {}),
    "first_true": ({"comparisons": 1}, {}),
    "clipped_to_norm": ({"multiplications": 2, "additions": 1}, {}),
    "norm": ({"multiplications": 1, "additions": 1}, {"sqrt": 1}),
    "p_norm": ({"abs": 1, "power": 1, "additions": 1}, {"power": 1}),
    "product_of_others": ({"multiplications": 3}, {}),
    "recurrence": ({"multiplications": 1, "additions": 1}, {}),
    **dict.fromkeys(("scatter_add", "scatter_add_along_axis", "add_at", "overlap_add"), ({"additions": 1}, {})),
    **dict.fromkeys(("shift", "windows", "diag_embed"), ({}, {})),
}
_PLACES = ("take", "take_along_axis")  # they read what they answer with


class Observer:
    """What has been done so far: operations by kind, multiplications within products, and bytes."""

    def __init__(self) -> None:
        self.operations: Counter[str] = Counter()
        self.products = 0
        self.bytes = 0
        self.quiet = False
        self.away = False

    def see(self, kind: str, count: int) -> None:
        if kind != "signs" and count and not self.away:
            self.operations[kind] += count

    def multiply(self, count: int) -> None:
        self.products += 0 if self.away else count
        self.see("multiplications", count)
        self.see("additions", count)

    def move(self, *arrays: Any) -> None:
        self.bytes += (
            0 if self.quiet or self.away else sum(each.nbytes for each in arrays if isinstance(each, np.ndarray))
        )

    def wrap(self, array: Any) -> Any:
        if self.away or not isinstance(array, (np.ndarray, np.generic)):
            return array
        result = np.asarray(array).view(_Array)
        result.observer = self
        return result

    @contextlib.contextmanager
    def inside_a_helper(self) -> Iterator[None]:
        before, self.away = self.away, True
        yield
        self.away = before

    @contextlib.contextmanager
    def within_a_call(self) -> Iterator[None]:
        before, self.quiet = self.quiet, True
        yield
        self.quiet = before


def plain(value: Any) -> Any:
    """The value without observation."""
    if isinstance(value, (tuple, list)):
        return type(value)(map(plain, value))
    return value.view(np.ndarray) if isinstance(value, _Array) else value


class _Array(np.ndarray):
    observer: Observer

    def __array_finalize__(self, source: Any) -> None:
        if isinstance(source, _Array):
            self.observer = source.observer

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **keywords: Any) -> Any:
        given = [np.asarray(plain(each)) if isinstance(each, np.ndarray) else each for each in inputs]
        if out is not None:
            keywords["out"] = tuple(plain(each) for each in out)
        result = getattr(ufunc, method)(*given, **keywords)
        if ufunc.__name__ == "matmul":
            self.observer.multiply(np.size(result) * np.shape(given[0])[-1])
        else:
            kind = _KINDS.get(ufunc.__name__, ufunc.__name__)
            self.observer.see(kind, np.size(result) if method == "__call__" else np.size(given[0]))
        self.observer.move(*given, np.asarray(result))
        return out[0] if out is not None else self.observer.wrap(result)

    def __getitem__(self, key: Any) -> Any:
        result = np.asarray(plain(super().__getitem__(plain(key))))
        if any(isinstance(each, np.ndarray) for each in (key if isinstance(key, tuple) else (key,))):
            self.observer.move(result, result, *(key if isinstance(key, tuple) else (key,)))
        return self.observer.wrap(result)

    def astype(self, dtype: Any, *arguments: Any, **keywords: Any) -> Any:
        result = plain(self).astype(dtype, *arguments, **keywords)
        self.observer.move(self, result)
        return self.observer.wrap(result)

    def _whole(self, name: str, keywords: dict[str, Any]) -> Any:
        with self.observer.within_a_call():
            result = getattr(np.ndarray, name)(self, **keywords)
        self.observer.move(self, np.asarray(result))
        return self.observer.wrap(result)

    def mean(self, **keywords: Any) -> Any:
        return self._whole("mean", keywords)

    def var(self, **keywords: Any) -> Any:
        return self._whole("var", keywords)

    def std(self, **keywords: Any) -> Any:
        return self._whole("std", keywords)

    def argmax(self, **keywords: Any) -> Any:
        self.observer.see("comparisons", self.size)
        return self._whole("argmax", keywords)

    def argmin(self, **keywords: Any) -> Any:
        self.observer.see("comparisons", self.size)
        return self._whole("argmin", keywords)


class _NumPy:
    """np as a generated module sees it: its functions of arrays write down what they do."""

    def __init__(self, observer: Observer):
        self.observer = observer

    def __getattr__(self, name: str) -> Any:
        found = getattr(np, name)
        if (
            isinstance(found, (type, np.ufunc, ModuleType))
            or not callable(found)
            or name in ("errstate", "shape", "asarray")
        ):
            return found
        return lambda *arguments, **keywords: self._call(name, found, arguments, keywords)

    def _call(
        self, name: str, function: Callable[..., Any], arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        given = [plain(each) for each in arguments]
        result = function(*given, **keywords)
        if self.observer.away or (name == "array" and not np.ndim(result)):  # a result that is handed out
            return result
        flat = [
            each for argument in given for each in (argument if isinstance(argument, (tuple, list)) else [argument])
        ]
        arrays = [each for each in flat if isinstance(each, np.ndarray)]
        if name in (
            "broadcast_to",
            "diagonal",
            "reshape",
            "swapaxes",
            "transpose",
            "expand_dims",
            "squeeze",
            "moveaxis",
        ):
            return self.observer.wrap(result)
        if name == "einsum":
            letters = {
                letter: size
                for term, each in zip(given[0].split("->")[0].split(","), arrays, strict=True)
                for letter, size in zip(term, each.shape, strict=True)
            }
            count = math.prod(letters.values())
            if len(letters) > len(given[0].split("->")[1]):
                self.observer.multiply(count)
                self.observer.see("multiplications", (len(arrays) - 2) * count)
            else:
                self.observer.see("multiplications", (len(arrays) - 1) * count)
        elif name == "tensordot":
            axes = keywords["axes"][0]
            self.observer.multiply(
                result.size * math.prod(arrays[0].shape[each] for each in ([axes] if isinstance(axes, int) else axes))
            )
        elif name in ("where", "round"):
            self.observer.see(_KINDS.get(name, name), result.size)
        elif name == "argsort":
            self.observer.see(name, result.size)
        reads = [result, *arrays[1:]] if name in _PLACES else arrays
        self.observer.move(*reads, np.asarray(result))
        return self.observer.wrap(result)


def observe(
    module: ModuleType, function: str, parameters: dict[str, Any], inputs: dict[str, Any], **more: Any
) -> Observer:
    """Run a function of a generated module and say what NumPy did; `more` stands between parameters and inputs."""
    observer = Observer()

    def checked(parameters: dict[str, Any], **inputs: Any) -> tuple[Any, ...]:
        types = {name: dtype for name, (_, dtype) in {**module.PARAMETERS, **module.INPUTS}.items()}
        given = {**parameters, **inputs}
        return tuple(
            observer.wrap(np.array(each, dtype=module._float if "float" in types[name] else types[name]))
            for name, each in given.items()
        )

    changed: dict[str, Any] = {
        "np": _NumPy(observer),
        "_check": checked,
        "_check_tangents": lambda tangents, **values: tuple(observer.wrap(np.array(tangents[name])) for name in values),
        "_are_several": lambda tangents, **values: False,
        **dict.fromkeys(
            ("stop_gradient", "straight_through", "custom_gradient", "scale_gradient"), lambda value, *others: value
        ),
    }
    changed |= {name: _helper(observer, name, value) for name, value in vars(module).items() if name in _HELPERS}
    changed |= {name: _function(observer, name, value) for name, value in vars(module).items() if name in _ELEMENTWISE}
    before = dict(vars(module))
    vars(module).update(changed)
    try:
        before[function](parameters, *more.values(), **inputs)
    finally:
        vars(module).update(before)
    return observer


_ELEMENTWISE = (  # noqa: SIM905 -- as many names as fit
    "sigmoid softplus sinc logit xlogy quotient over_squares sinc_slope erf erfc gaussian lgamma digamma polygamma "
    "sech tanhshrink hardsigmoid normal_cdf normal_pdf normal_cdf_tanh normal_pdf_tanh clipped"
).split()


def _function(observer: Observer, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        with observer.inside_a_helper():
            result = np.asarray(function(*map(plain, arguments)))
        observer.see(_KINDS.get(name, name), result.size)
        observer.move(*map(plain, arguments), result)
        return observer.wrap(result)

    return call


def _helper(observer: Observer, name: str, helper: Callable[..., Any]) -> Callable[..., Any]:
    of_operand, of_result = _HELPERS[name]

    def call(*arguments: Any, **keywords: Any) -> Any:
        given = [plain(each) for each in arguments]
        with observer.inside_a_helper():
            result = np.asarray(helper(*given, **keywords))
        for counts, size in ((of_operand, np.size(given[0])), (of_result, result.size)):
            for kind, count in counts.items():
                observer.see(kind, count * size)
        if name == "clipped_to_norm":  # and for each norm
            for kind in ("sqrt", "divisions", "comparisons"):
                observer.see(kind, np.max(given[0], axis=keywords.get("axis")).size)
        flat = [each for argument in given for each in (argument if isinstance(argument, tuple) else [argument])]
        arrays = [each for each in flat if isinstance(each, np.ndarray)]
        observer.move(*([result, *arrays[1:]] if name == "windows" else arrays), result)
        return observer.wrap(result)

    return call
