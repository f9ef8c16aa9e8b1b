"""Initial values: views of one vector, the variances of the papers, the same values from the same seed."""

import math

import numpy as np
import pytest
from runtime_module import build, source

NAMES = ["_views", "uniform", "normal", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal"]
NAMES += ["lecun_uniform", "lecun_normal", "truncated_normal", "variance_scaling"]
MATRICES = ["orthogonal", "identity"]


@pytest.fixture(scope="module")
def module(tmp_path_factory):
    return build(tmp_path_factory.mktemp("initialize"), source([*NAMES, *MATRICES], supplied="_float = np.float32"))


def test_views_share_one_vector_in_order(module):
    views = module._views({"w": (3, 2), "scale": (), "empty": (0, 4), "b": (2,)})
    assert {name: view.shape for name, view in views.items()} == {"w": (3, 2), "scale": (), "empty": (0, 4), "b": (2,)}
    views["w"][...] = np.arange(6).reshape(3, 2)
    views["scale"][...] = 6
    views["b"][...] = [7, 8]
    flat = views["w"].base
    assert flat.dtype == np.float32 and flat.tolist() == list(range(9))
    assert module._views({}) == {}


# fan_in, fan_out: (in, out) weights; (out, in, *window) kernels; vectors; scalars
FANS = [((400, 100), 400, 100), ((30, 20, 5, 5), 500, 750), ((40, 30, 9), 270, 360), ((20000,), 20000, 20000)]


@pytest.mark.parametrize(("shape", "fan_in", "fan_out"), FANS)
@pytest.mark.parametrize(
    "name", ["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal"]
)
def test_variances_are_those_of_the_papers(module, name, shape, fan_in, fan_out):
    values = getattr(module, name)(np.random.default_rng(0), shape)
    variance = 2.0 / (fan_in + fan_out) if name.startswith("glorot") else 2.0 / fan_in
    variance = 1.0 / fan_in if name.startswith("lecun") else variance
    assert values.shape == shape
    # n values know the variance to a relative sqrt(2 / n) or better, the mean to sqrt(variance / n): four of these
    assert values.var() == pytest.approx(variance, rel=4.0 * math.sqrt(2.0 / values.size))
    assert abs(values.mean()) < 4.0 * math.sqrt(variance / values.size)
    bound = math.sqrt(3.0 * variance)
    if name.endswith("uniform"):
        assert 0.99 * bound < np.abs(values).max() <= bound
    else:
        assert np.abs(values).max() > 1.5 * bound


@pytest.mark.parametrize("shape", [(), (1,), (0,), (0, 3), (4, 0, 2)])
@pytest.mark.parametrize("name", NAMES[1:])
def test_small_shapes(module, name, shape):
    assert np.shape(getattr(module, name)(np.random.default_rng(0), shape)) == shape


def test_a_scalar_has_fans_of_one(module):
    values = [float(module.glorot_uniform(np.random.default_rng(seed), ())) for seed in range(200)]
    assert 0.9 * math.sqrt(3.0) < max(np.abs(values)) <= math.sqrt(3.0)


def test_uniform_and_normal_have_the_defaults_of_torch(module):
    values = module.uniform(np.random.default_rng(0), (100, 100))
    assert values.min() >= 0.0 and values.max() < 1.0 and values.mean() == pytest.approx(0.5, abs=0.01)
    values = module.normal(np.random.default_rng(0), (100, 100))
    assert values.mean() == pytest.approx(0.0, abs=0.04) and values.std() == pytest.approx(1.0, abs=0.03)
    values = module.uniform(np.random.default_rng(0), (1000,), -3.0, -2.0)
    assert -3.0 <= values.min() and values.max() < -2.0
    values = module.normal(np.random.default_rng(0), (10000,), 5.0, 0.1)
    assert values.mean() == pytest.approx(5.0, abs=0.004) and values.std() == pytest.approx(0.1, rel=0.03)


@pytest.mark.parametrize("name", NAMES[1:])
def test_seeds_decide(module, name):
    draw = getattr(module, name)
    first, same, other = (draw(np.random.default_rng(seed), (5, 4)) for seed in (1, 1, 2))
    assert np.array_equal(first, same) and not np.array_equal(first, other)


@pytest.mark.parametrize(("shape", "fan_in", "fan_out"), FANS[:2])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("distribution", ["truncated_normal", "normal", "uniform"])
def test_variances_are_scaled(module, shape, fan_in, fan_out, mode, distribution):
    values = module.variance_scaling(np.random.default_rng(0), shape, 3.0, mode, distribution)
    variance = 3.0 / {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[mode]
    assert values.var() == pytest.approx(variance, rel=4.0 * math.sqrt(2.0 / values.size))
    assert abs(values.mean()) < 4.0 * math.sqrt(variance / values.size)
    # sqrt(3), and 2 over the deviation of a normal number that is within 2
    bound = {"uniform": 1.7320508, "truncated_normal": 2.2736949, "normal": 9.0}[distribution]
    largest = np.abs(values).max() / math.sqrt(variance)
    assert largest <= bound and (largest > 3.0 if distribution == "normal" else largest > 0.99 * bound)


@pytest.mark.parametrize(("cut", "deviation"), [(2.0, 0.87962566), (1.0, 0.53955987), (0.1, 0.05769), (6.0, 1.0)])
def test_truncated_normal_is_cut(module, cut, deviation):
    values = module.truncated_normal(np.random.default_rng(0), (300, 200), 5.0, 0.1, cut)
    assert 0.999 * min(cut, 4.0) * 0.1 < np.abs(values - 5.0).max() <= cut * 0.1 * (1.0 + 1e-12)
    assert values.mean() == pytest.approx(5.0, abs=0.002) and values.std() == pytest.approx(0.1 * deviation, rel=0.02)


@pytest.mark.parametrize("shape", [(5, 5), (6, 3), (3, 6), (1, 4), (4, 1), (0, 3), (3, 2, 4), (8, 2, 2)])
def test_orthogonal_matrices(module, shape):
    values = module.orthogonal(np.random.default_rng(0), shape, 2.0)
    assert values.shape == shape
    matrix = values.reshape(shape[0], math.prod(shape[1:])) / 2.0
    gram = matrix @ matrix.T if matrix.shape[0] < matrix.shape[1] else matrix.T @ matrix
    assert np.abs(gram - np.eye(len(gram))).max(initial=0.0) < 1e-14


def test_every_orthogonal_matrix_is_equally_likely(module):
    generator = np.random.default_rng(0)
    drawn = np.array([module.orthogonal(generator, (2, 2)) for _ in range(4000)])
    assert np.abs(drawn.mean(axis=0)).max() < 0.05  # without the choice of signs, the diagonal would be negative
    angles = np.arctan2(drawn[:, 1, 0], drawn[:, 0, 0])
    assert np.abs(np.histogram(angles, 8, (-math.pi, math.pi))[0] / 500.0 - 1.0).max() < 0.2
    assert np.linalg.det(drawn).mean() == pytest.approx(0.0, abs=0.07)


def test_the_identity(module):
    assert module.identity(np.random.default_rng(0), (3, 3), 0.5).tolist() == (0.5 * np.eye(3)).tolist()
