"""Files of parameters: exact round trips, one error that lists everything, nothing half-written, nothing unpickled."""

import os
import stat
import zipfile

import numpy as np
import pytest
from runtime_module import build, source

TABLES = """
PARAMETERS = {"w": ((3, "n"), "float32"), "b": (("n",), "float32"), "scale": ((), "float32")}
INPUTS = {}
_float = np.float32
_hash = "9c0d77aa"
"""


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    names = ["save_parameters", "load_parameters"]
    return build(tmp_path_factory.mktemp("files"), source(names, supplied=TABLES))


@pytest.fixture
def parameters():
    generator = np.random.default_rng(0)
    return {name: np.float32(generator.normal(size=shape)) for name, shape in
            (("w", (3, 2)), ("b", (2,)), ("scale", ()))}  # fmt: skip


def test_what_is_saved_is_loaded(module, parameters, tmp_path):
    path = tmp_path / "weights"
    module.save_parameters(path, parameters)
    assert [each.name for each in tmp_path.iterdir()] == ["weights"]  # no suffix is added, nothing is left
    loaded = module.load_parameters(path)
    assert list(loaded) == ["w", "b", "scale"]
    for name, array in parameters.items():
        assert loaded[name].dtype == np.float32 and np.array_equal(loaded[name], array)
        assert loaded[name].base is loaded["w"].base and loaded[name].flags.writeable
    assert loaded["w"].base.shape == (9,)


def test_the_file_is_a_plain_npz(module, parameters, tmp_path):
    module.save_parameters(str(tmp_path / "a.npz"), parameters)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as file:
        assert sorted(file.files) == ["graph", "p/b", "p/scale", "p/w"]
        assert str(file["graph"]) == "9c0d77aa"


def test_everything_that_does_not_fit_is_listed_in_one_error(module, tmp_path):
    path = tmp_path / "a.npz"
    np.savez(
        path, **{"p/w": np.zeros((3, 2), np.float32), "p/b": np.zeros(4), "p/old": np.zeros(1), "graph": "1234abcd"}
    )
    with pytest.raises(ValueError) as caught:
        module.load_parameters(path)
    assert str(caught.value) == (
        f"{path} does not fit this graph, 9c0d77aa; it was saved by 1234abcd:\n"
        "  b: expected shape (n,) with n = 2 as in w, got (4,)\n"
        "  b: expected float32, got float64\n"
        "  scale: missing\n"
        "  old: not a parameter of this graph"
    )


def test_a_file_of_another_graph_that_fits_is_loaded(module, parameters, tmp_path):
    arrays = {f"p/{name}": array for name, array in parameters.items()}
    np.savez(tmp_path / "a.npz", **arrays, graph="1234abcd", **{"o/w/momentum": np.zeros(3), "epoch": 7})
    assert list(module.load_parameters(tmp_path / "a.npz")) == ["w", "b", "scale"]


def test_a_file_without_a_graph_hash_says_so(module, tmp_path):
    np.savez(tmp_path / "a.npz", weights=np.zeros(3))
    with pytest.raises(ValueError, match="it was saved by an unknown graph:\n  w: missing\n  b: missing\n"):
        module.load_parameters(tmp_path / "a.npz")


def test_objects_are_not_unpickled(module, parameters, tmp_path):
    arrays = {f"p/{name}": array for name, array in parameters.items()} | {"p/b": np.array([print, None])}
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        module.load_parameters(tmp_path / "a.npz")


def test_what_is_no_npz_file_is_refused(module, tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(ValueError) as caught:
        module.load_parameters(path)
    assert str(caught.value) == f"{path}: not an npz file"
    with pytest.raises(FileNotFoundError):
        module.load_parameters(tmp_path / "b.npz")


def test_an_entry_that_is_no_array_is_listed(module, parameters, tmp_path):
    path = tmp_path / "a.npz"
    module.save_parameters(path, {**parameters, "scale": 1.0})
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "b.npz", "w") as new:
        for name in old.namelist():
            new.writestr(name, b"text" if name == "p/b.npy" else old.read(name))
    with pytest.raises(ValueError) as caught:
        module.load_parameters(tmp_path / "b.npz")
    title = "b.npz does not fit this graph, 9c0d77aa; it was saved by 9c0d77aa:"
    assert str(caught.value) == f"{tmp_path / title}\n  b: not an array"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_file_is_named(module, parameters, tmp_path, save):
    path = tmp_path / "a.npz"
    save(path, graph="9c0d77aa", **{f"p/{name}": array for name, array in parameters.items()})
    content = path.read_bytes()
    refused = 0
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x11]) + content[place + 1 :])
        try:
            module.load_parameters(path)  # a date, for one, does not matter
        except ValueError as error:
            assert str(error).startswith(str(path))
            refused += 1
    assert refused > len(content) / 2


def test_a_link_and_a_mode_are_kept(module, parameters, tmp_path):
    real, link = tmp_path / "real.npz", tmp_path / "link.npz"
    real.write_bytes(b"old")
    real.chmod(0o600)
    link.symlink_to("real.npz")
    module.save_parameters(link, parameters)
    assert os.readlink(link) == "real.npz" and not real.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert list(module.load_parameters(real)) == ["w", "b", "scale"]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.npz", "real.npz"]


def test_a_failure_leaves_the_old_file_and_no_other(module, parameters, tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    module.save_parameters(path, parameters)
    before = path.read_bytes()

    def fail(*arguments, **keywords):
        raise OSError("disk full")

    with pytest.raises(ValueError, match="^b: missing, expected float32 of shape "):
        module.save_parameters(path, {"w": parameters["w"]})
    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", lambda file, **arrays: file.write(b"half a file") and fail())
        with pytest.raises(OSError, match="disk full"):
            module.save_parameters(path, parameters)
    with monkeypatch.context() as patch:
        patch.setattr(module.os, "replace", fail)
        with pytest.raises(OSError, match="disk full"):
            module.save_parameters(path, parameters)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.npz"]
    with pytest.raises(FileNotFoundError):
        module.save_parameters(tmp_path / "nowhere" / "a.npz", parameters)


def test_scalar_modules_keep_python_floats(tmp_path):
    tables = (
        'PARAMETERS = {"u": ((), "float64"), "v": ((), "float64")}\nINPUTS = {}\n_float = np.float64\n_hash = "1"\n'
    )
    rename = {"_check_scalar": "_check", "_packed_scalar": "_packed"}
    text = source(["save_parameters", "load_parameters"], rename=rename, supplied=tables)
    module = build(tmp_path, text)
    module.save_parameters(tmp_path / "a", {"v": 0.1, "u": 3})
    assert repr(module.load_parameters(tmp_path / "a")) == "{'u': 3.0, 'v': 0.1}"
