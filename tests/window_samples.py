"""Samples of the pair that convolution and pooling are made of, in whole numbers."""

import window_references
from sample import Sample, whole

from graphgen import ops


def _both(name: str, *shape: int, **attributes: object) -> Sample:
    function = getattr(window_references, name)
    return Sample((whole(*shape),), lambda x: getattr(ops, name)(x, **attributes), lambda x: function(x, **attributes))


def windows() -> dict[str, list[Sample]]:
    return {
        "windows": [
            _both("windows", 5, 7, kernel_size=(3,)),
            _both("windows", 5, 7, kernel_size=(2,), stride=3, dilation=4),
            _both("windows", 5, 6, kernel_size=(3, 2), stride=(1, 2), dilation=(2, 1)),
            _both("windows", 5, 1, 4, kernel_size=(1, 4), stride=2),
            _both("windows", 3, 4, 2, kernel_size=(2, 3, 2)),
        ],
        "overlap_add": [
            _both("overlap_add", 5, 3, 4, size=(6,)),
            _both("overlap_add", 5, 2, 3, size=(11,), stride=3, dilation=2),
            _both("overlap_add", 1, 2, 2, 3, 2, size=(6, 4), stride=(2, 1), dilation=(1, 2)),
            _both("overlap_add", 5, 1, 4, size=(7,), stride=2),
        ],
    }
