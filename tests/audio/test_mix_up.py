"""MixUp against NumPy, in Keras's training, in tf.data and compiled."""

import keras
import numpy as np
import pytest
import scipy.stats

from keras_reparam.audio import MixUp, SpecAugment

BATCH, FRAMES, MELS, CLASSES = 12, 20, 6, 4


def batch(dtype="float32"):
    """A batch in which everything tells which clip it comes from."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, FRAMES + 1, BATCH)
    lengths[2] = 0
    return {
        "features": rng.normal(size=(BATCH, FRAMES, MELS)).astype(dtype),
        "mask": np.arange(FRAMES) < lengths[:, np.newaxis],
        "targets": np.eye(BATCH, dtype="float32"),
        "sample_weight": 2.0 ** np.arange(BATCH).astype("float32"),
    }


def mixed(layer, inputs):
    outputs = layer(inputs, training=True)
    return {name: keras.ops.convert_to_numpy(value) for name, value in outputs.items()}


def pairs(targets):
    """Order and weights that one-hot targets, one class for each clip, were mixed with."""
    own = np.diag(targets)
    order = np.where(own == 1, np.arange(len(own)), (targets - np.diag(own)).argmax(axis=1))
    return order, own


@pytest.mark.backend
def test_everything_is_mixed_alike_and_invalid_frames_count_as_zeros():
    data = batch()
    # What lies in invalid frames may be anything.
    data["features"][~data["mask"]] = np.nan
    found = mixed(MixUp(alpha=1.0, seed=1), data)
    order, weight = pairs(found["targets"])
    assert sorted(order) == list(range(BATCH))
    assert len(np.unique(weight)) > BATCH // 2
    clean = np.nan_to_num(data["features"])
    each = weight[:, None, None]
    np.testing.assert_allclose(
        found["features"], each * clean + (1 - each) * clean[order], atol=1e-6
    )
    np.testing.assert_array_equal(found["mask"], data["mask"] | data["mask"][order])
    weights = data["sample_weight"]
    np.testing.assert_allclose(
        found["sample_weight"], weight * weights + (1 - weight) * weights[order], rtol=1e-5
    )
    np.testing.assert_allclose(found["targets"].sum(axis=1), 1, atol=1e-6)


@pytest.mark.backend
def test_waveforms_without_a_mask():
    data = {"features": batch()["features"][:, :, 0], "targets": batch()["targets"]}
    found = mixed(MixUp(alpha=1.0, seed=2), data)
    order, weight = pairs(found["targets"])
    waveform, weight = data["features"], weight[:, None]
    np.testing.assert_allclose(
        found["features"], weight * waveform + (1 - weight) * waveform[order], atol=1e-6
    )


@pytest.mark.backend
def test_identity_unless_training():
    data = batch()
    for outputs in (MixUp()(data), MixUp()(data, training=False)):
        assert outputs.keys() == data.keys()
        for name, value in outputs.items():
            np.testing.assert_array_equal(np.array(value), data[name])


@pytest.mark.backend
@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_weights_are_beta_distributed_and_pairs_random(alpha):
    count = 3000
    data = {
        "features": np.arange(count, dtype="float32")[:, np.newaxis],
        "targets": np.tile(np.array([[1.0, 0.0]], "float32"), (count, 1)),
    }
    data["targets"][: count // 2] = [[0.0, 1.0]]
    found = mixed(MixUp(alpha=alpha, seed=3), data)
    # Pairs of the two halves tell their weights.
    weight = found["targets"][:, 0]
    own = data["targets"][:, 0]
    other = np.abs(weight - own) > 0
    draws = np.where(own == 1, weight, 1 - weight)[other]
    # Not at the ends, where float32 rounds the draws of a small alpha to 0 and 1.
    levels = np.linspace(0.05, 0.95, 10)
    below = (draws[:, np.newaxis] < levels).mean(axis=0)
    np.testing.assert_allclose(below, scipy.stats.beta(alpha, alpha).cdf(levels), atol=0.06)
    assert abs(other.mean() - 0.5) < 0.1


def test_weights_of_the_polar_method():
    uniform = np.random.default_rng(4).uniform(size=(2, 20000)).astype("float32")
    for alpha in (0.1, 0.5, 1.0, 3.0):
        weight = np.array(MixUp(alpha=alpha)._weights(*map(keras.ops.array, uniform)))
        levels = np.linspace(0.01, 0.99, 25)
        found = (weight[:, np.newaxis] < levels).mean(axis=0)
        np.testing.assert_allclose(found, scipy.stats.beta(alpha, alpha).cdf(levels), atol=0.012)
    ends = np.array([0.0, 0.0, 1.0, 1.0], "float32"), np.array([0.0, 0.5, 0.0, 0.25], "float32")
    for alpha in (1e-3, 1.0, 1e3):
        weight = np.array(MixUp(alpha=alpha)._weights(*map(keras.ops.array, ends)))
        assert ((weight >= 0) & (weight <= 1)).all()


@pytest.mark.backend
def test_seeds_reproduce_and_calls_differ():
    one, two = MixUp(seed=5), MixUp(seed=5)
    first, second = mixed(one, batch()), mixed(one, batch())
    assert (first["targets"] != second["targets"]).any()
    np.testing.assert_array_equal(mixed(two, batch())["features"], first["features"])


@pytest.mark.backend
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_dtypes_stay_under_every_policy(dtype):
    found = mixed(MixUp(alpha=1.0, seed=6, dtype="mixed_bfloat16"), batch(dtype))
    assert {name: value.dtype.name for name, value in found.items()} == {
        "features": dtype,
        "mask": "bool",
        "targets": "float32",
        "sample_weight": "float32",
    }
    _, weight = pairs(found["targets"])
    np.testing.assert_allclose(found["targets"].sum(axis=1), 1, atol=1e-6)
    assert (weight != weight.astype("float16")).any()


class Batches(keras.utils.PyDataset):
    """As the quickstart's: `((features, mask), targets, weights)`."""

    def __init__(self):
        super().__init__()
        self.mix_up = MixUp(alpha=0.4, seed=7)

    def __len__(self):
        return 2

    def __getitem__(self, index):
        found = self.mix_up(batch(), training=True)
        return (found["features"], found["mask"]), found["targets"], found["sample_weight"]


def model(model_class=keras.Model):
    features, mask = keras.Input((FRAMES, MELS)), keras.Input((FRAMES,), dtype="bool")
    x = SpecAugment(frequency_width=2, seed=8)(features, mask=mask)
    x = keras.layers.GlobalAveragePooling1D()(x, mask=mask)
    made = model_class([features, mask], keras.layers.Dense(BATCH, activation="softmax")(x))
    made.compile("sgd", "categorical_crossentropy")
    return made


@pytest.mark.backend
def test_in_a_data_set():
    history = model().fit(Batches(), epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


class Mixing(keras.Model):
    """Mixes in its train step, as the docstring of `MixUp` shows."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.mix_up = MixUp(seed=9)

    def train_step(self, data):
        (features, mask), targets = data
        found = self.mix_up({"features": features, "mask": mask, "targets": targets}, training=True)
        return super().train_step(((found["features"], found["mask"]), found["targets"]))


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="a train step of TensorFlow's")
@pytest.mark.slow
def test_in_a_train_step_under_xla():
    data, mixing = batch(), model(Mixing)
    mixing.jit_compile = True
    history = mixing.fit(
        (data["features"], data["mask"]), data["targets"], batch_size=8, verbose=0
    ).history
    assert np.isfinite(history["loss"]).all()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="tf.data needs TensorFlow")
def test_in_tf_data():
    import tensorflow as tf

    layer = MixUp(alpha=1.0, seed=10)
    dataset = tf.data.Dataset.from_tensor_slices(batch()).batch(BATCH)
    dataset = dataset.map(lambda data: layer(data, training=True))
    assert tuple(dataset.element_spec["features"].shape) == (None, FRAMES, MELS)
    (found,) = dataset.as_numpy_iterator()
    order, weight = pairs(found["targets"])
    weight = weight[:, None, None]
    clean = np.where(batch()["mask"][:, :, None], batch()["features"], 0)
    np.testing.assert_allclose(
        found["features"], weight * clean + (1 - weight) * clean[order], atol=1e-6
    )


@pytest.mark.backend
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="compiles with JAX")
def test_compiled_by_jax():
    import jax

    layer = MixUp(seed=11)
    layer(batch())
    expected = mixed(MixUp(seed=11), batch())
    state = [variable.value for variable in layer.non_trainable_variables]
    step = jax.jit(lambda state, data: layer.stateless_call([], state, data, training=True))
    found, after = step(state, batch())
    np.testing.assert_allclose(found["features"], expected["features"], atol=1e-6)
    assert (np.array(after[0]) != np.array(state[0])).any()


@pytest.mark.backend
def test_symbolic_shapes():
    inputs = {
        "features": keras.Input((FRAMES, MELS)),
        "mask": keras.Input((FRAMES,), dtype="bool"),
        "targets": keras.Input((CLASSES,)),
    }
    outputs = MixUp()(inputs)
    assert {name: value.shape for name, value in outputs.items()} == {
        name: value.shape for name, value in inputs.items()
    }
    assert outputs["mask"].dtype == "bool"


def test_config_round_trip():
    config = MixUp(alpha=0.3, seed=12).get_config()
    assert config["alpha"] == 0.3 and config["seed"] == 12
    assert MixUp.from_config(config).get_config() == config


@pytest.mark.parametrize("alpha", [0, -1.0, float("inf"), True, "0.2"])
def test_bad_alpha(alpha):
    with pytest.raises(ValueError, match="Received: alpha="):
        MixUp(alpha=alpha)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": None}, "keys 'features', 'targets'"),
        ({"labels": np.zeros(BATCH, "float32")}, "labels"),
        ({"targets": np.zeros(BATCH, "int32")}, "one-hot"),
        ({"targets": np.zeros((3, CLASSES), "float32")}, r"'targets': \(3, 4\)"),
        ({"sample_weight": np.float32(1)}, "same first dimension"),
        ({"features": np.zeros((BATCH, FRAMES), "int16")}, "int16"),
        ({"mask": np.ones((BATCH, FRAMES), "float32")}, "float32"),
        ({"mask": np.ones((BATCH, FRAMES + 1), bool)}, "boolean mask"),
        ({"mask": np.ones(BATCH, bool)}, "boolean mask"),
    ],
    ids=str,
)
def test_bad_batches(change, message):
    data = {name: value for name, value in {**batch(), **change}.items() if value is not None}
    with pytest.raises(ValueError, match=message):
        MixUp()(data)
    if "features" not in change:
        with pytest.raises(ValueError, match="Received: "):
            MixUp()([data["features"]])
