"""npz files, read without trust: nothing is unpickled, and an array is loaded only when it is asked for."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from graphgen.errors import GraphError, Problem

_REMEDY = "write it with numpy.savez(file, name=array, ...)"


class Header(NamedTuple):
    """What a file says of an array before it is loaded."""

    shape: tuple[int, ...]
    dtype: np.dtype


class Archive:
    """An open npz file.

    Attributes
    ----------
    path
        As it was given.
    headers
        The shape and dtype of each array, by its key.
    """

    def __init__(self, path: str, file: zipfile.ZipFile):
        self.path = path
        self._file = file
        self.headers = {info.filename.removesuffix(".npy"): self._header(info) for info in file.infolist()}

    def _header(self, info: zipfile.ZipInfo) -> Header:
        with self._file.open(info) as stream:
            version = np.lib.format.read_magic(stream)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(stream)
        # A header may claim any size; what the file holds is known.
        if not dtype.hasobject and int(np.prod(shape, dtype=object)) * dtype.itemsize > info.file_size:
            raise ValueError(f"{info.filename} is said to be of shape {shape}, and is shorter")
        return Header(shape, dtype)

    def __getitem__(self, key: str) -> np.ndarray:
        """The array of a key in `headers`; GraphError if it is damaged or holds Python objects."""
        with _explained(self.path), self._file.open(f"{key}.npy") as stream:
            return np.lib.format.read_array(stream, allow_pickle=False)


@contextmanager
def opened(path: str | os.PathLike) -> Iterator[Archive]:
    """Open an npz file.

    Raises
    ------
    GraphError
        If there is none, or it is damaged.
    """
    place = os.fsdecode(path)
    with _explained(place):
        if os.path.isfile(place) and not zipfile.is_zipfile(place):
            raise GraphError(Problem("GG085", None, f"{place} is no npz file", _REMEDY))
        file = zipfile.ZipFile(place)
    with file:
        with _explained(place):
            archive = Archive(place, file)
        yield archive


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except GraphError:
        raise
    except FileNotFoundError as error:
        raise GraphError(Problem("GG085", None, f"there is no file {path}")) from error
    except OSError as error:
        raise GraphError(Problem("GG085", None, f"cannot read {path}: {error.strerror or error}")) from error
    except Exception as error:  # of zipfile, of zlib and of NumPy: a flipped bit raises any of them
        message = f"cannot read {path} as an npz file: {type(error).__name__}: {error}"
        raise GraphError(Problem("GG085", None, message, _REMEDY)) from error


def add(path: str | os.PathLike, arrays: Mapping[str, np.ndarray]) -> None:
    """Append arrays to an npz file."""
    with zipfile.ZipFile(path, "a") as file:
        for key, array in arrays.items():
            with file.open(zipfile.ZipInfo(f"{key}.npy"), "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asanyarray(array), allow_pickle=False)
