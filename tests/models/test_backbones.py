"""What every backbone promises: masks, training, precision, files, HRF, export, sizes."""

import keras
import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.models.sizes import SIZES

FRAMES, MELS = 61, 12
# Small, and odd where they may be; `sites`: the linear layers that HRF expands.
SMALL = {
    "conformer": {
        "channels": 3,
        "units": 12,
        "num_layers": 1,
        "num_heads": 3,
        "feed_forward_units": 14,
        "kernel_size": 5,
        "sites": 2,
    },
    "haffformer": {
        "units": (8, 10, 12),
        "num_layers": (1, 1, 1),
        "kernel_sizes": (3, 5),
        "merge_scales": (4, 3, 2),
        "sites": 6,
    },
    "speechformer": {
        "num_heads": 2,
        "num_layers": (1, 1, 1, 1),
        "hop": 0.02,
        "max_frames": 80,
        "classifier_dropout": 0.0,
        "sites": 4,
    },
}
RNG = np.random.default_rng(1)
# Clips of their own colour: the mean of noise alone is the same for all.
FEATURES = RNG.standard_normal((3, FRAMES, MELS)) + 2 * RNG.standard_normal((3, 1, MELS))
FEATURES = FEATURES.astype("float32")
MASK = np.arange(FRAMES)[None, :] < np.array([[FRAMES], [38], [9]])


def make(name, **options):
    small = {key: value for key, value in SMALL[name].items() if key != "sites"}
    defaults = {"num_classes": 3, "num_mels": MELS, "frames": FRAMES}
    return kr.models.create(name, **{**defaults, **small, **options})


@pytest.fixture(scope="module", params=sorted(SMALL))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name, randomized, sharpened):
    """Its scores vary, else any tolerance would pass."""
    model = sharpened(randomized(make(name)), FEATURES)
    assert softmax(call(model, FEATURES)).std(axis=0).min() >= 0.05
    return model


@pytest.fixture(scope="module")
def any_length(model):
    other = type(model).from_config({**model.get_config(), "frames": None})
    other.set_weights(model.get_weights())
    return other


def call(model, features, mask=None):
    """Logits; on JAX compiled as a whole, since single operations take longer to compile."""
    if keras.backend.backend() == "jax":
        import jax

        return np.array(jax.jit(lambda x, mask: model(x, mask=mask))(features, mask))
    return np.array(model(features, mask=mask))


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("frames", [1, 36, 37])
def test_frames_after_the_clip_change_nothing(any_length, frames):
    clip = FEATURES[:1, :frames]
    longer = np.concatenate([clip, np.full((1, FRAMES - frames, MELS), -13.8, "float32")], axis=1)
    expected = call(any_length, clip)
    mask = np.arange(FRAMES)[None, :] < frames
    np.testing.assert_allclose(call(any_length, longer, mask), expected, atol=1e-5)
    # Without the mask they do: the test can tell.
    assert np.abs(call(any_length, longer) - expected).max() > 1e-3


def test_invalid_frames_within_the_clip_change_nothing(model):
    mask = np.random.default_rng(2).random(MASK.shape) < 0.8
    other = np.where(mask[:, :, None], FEATURES, 100.0).astype("float32")
    expected = call(model, FEATURES, mask)
    np.testing.assert_allclose(call(model, other, mask), expected, atol=1e-5)


def test_static_and_any_length_are_one_function(model, any_length):
    expected = call(model, FEATURES, MASK)
    np.testing.assert_allclose(call(any_length, FEATURES, MASK), expected, atol=1e-5)
    # `predict` compiles for lengths that it learns at run time.
    predicted = any_length.predict(FEATURES, verbose=0)
    np.testing.assert_allclose(predicted, call(model, FEATURES), atol=1e-5)


def test_no_valid_frame_is_finite(model):
    logits = call(model, FEATURES, np.zeros((3, FRAMES), bool))
    assert np.isfinite(logits).all()
    np.testing.assert_allclose(logits, np.repeat(logits[:1], 3, axis=0), atol=1e-6)


def test_bad_shapes(model):
    with pytest.raises(ValueError, match="shape"):
        model(FEATURES[:, :20])
    with pytest.raises(ValueError, match="shape"):
        model(FEATURES[:, :, :9])


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision(model, policy):
    mixed = type(model).from_config({**model.get_config(), "dtype": policy})
    mixed.set_weights(model.get_weights())
    logits = call(mixed, FEATURES, MASK)
    assert logits.dtype == "float32"
    assert all(v.dtype == "float32" for v in mixed.trainable_variables)
    expected = softmax(call(model, FEATURES, MASK))
    tolerance = 0.02 if policy == "mixed_float16" else 0.15
    np.testing.assert_allclose(softmax(logits), expected, atol=tolerance)


def test_file_round_trip(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert loaded.get_config() == model.get_config()
    expected = call(model, FEATURES, MASK)
    np.testing.assert_array_equal(call(loaded, FEATURES, MASK), expected)


def test_expand_train_merge(name, tmp_path):
    train = make(name, expansion=2, dropout=0.0)
    hrf = [x for x in train._flatten_layers() if isinstance(x, kr.layers.HRFDense)]
    assert len(hrf) == SMALL[name]["sites"]
    features, mask = keras.Input((FRAMES, MELS)), keras.Input((FRAMES,), dtype="bool")
    both = keras.Model([features, mask], train(features, mask=mask))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    both.compile(keras.optimizers.Adam(1e-2), loss)
    before = [np.array(v) for v in train.trainable_variables]
    # Which bands are loud tells the class. One clip has no valid frame: it must not spoil others.
    labels = np.arange(12) % 3
    x = np.tile(FEATURES, (4, 1, 1))
    x[np.arange(12), :, 4 * labels] += 3
    data = (x, np.tile(MASK, (4, 1)) & (np.arange(12) != 4)[:, None])
    history = both.fit(data, labels, epochs=15, verbose=0, batch_size=12).history["loss"]
    assert history[-1] < 0.8 * history[0]
    after = [np.array(v) for v in train.trainable_variables]
    assert all(np.isfinite(value).all() for value in after)
    assert all((a != b).any() for a, b in zip(before, after, strict=True))
    light = kr.merge(train)
    assert type(light) is type(make(name))
    assert shapes(light) == shapes(make(name))
    expected = call(train, FEATURES, MASK)
    np.testing.assert_allclose(call(light, FEATURES, MASK), expected, atol=1e-4)
    train.save(tmp_path / "train.keras")
    loaded = keras.saving.load_model(tmp_path / "train.keras")
    np.testing.assert_allclose(call(loaded, FEATURES, MASK), expected, atol=1e-5)


def shapes(model):
    return [(v.path.split("/", 1)[-1], tuple(v.shape)) for v in model.weights]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="converts in TensorFlow")
class TestTFLite:
    def test_is_the_same_function_of_builtin_operators(self, model):
        from keras_reparam.deploy.convert import convert
        from keras_reparam.deploy.runtime import Runtime
        from keras_reparam.deploy.tflite_graph import TFLiteGraph

        content = convert(model)
        check_graph(TFLiteGraph(content))
        run = Runtime(content)
        scores = np.stack([run(x) for x in FEATURES])
        expected = softmax(call(model, FEATURES))
        np.testing.assert_allclose(scores, expected, atol=1e-4)

    def test_waveform_with_zeros_after_it(self, model):
        from keras_reparam.deploy.convert import convert
        from keras_reparam.deploy.runtime import Runtime
        from keras_reparam.deploy.tflite_graph import TFLiteGraph

        wave = kr.models.with_front_end(model, kr.audio.LogMel(num_mels=MELS))
        content = convert(wave)
        check_graph(TFLiteGraph(content))
        waveform = 0.1 * np.random.default_rng(2).standard_normal((3, FRAMES * 160))
        waveform = waveform.astype("float32")
        waveform[1, 4001:] = 0
        waveform[2] = 0
        expected = softmax(np.array(wave(waveform)))
        scores = np.stack([Runtime(content)(x) for x in waveform])
        assert np.isfinite(scores).all()
        np.testing.assert_allclose(scores, expected, atol=1e-4)

    def test_light_is_light(self, name):
        from keras_reparam.deploy.convert import convert
        from keras_reparam.deploy.tflite_graph import TFLiteGraph

        light = kr.models.create(name, num_classes=4)
        assert light.input_shape == (None, 400, 64)
        assert light.count_params() <= 300_000
        content = convert(light)
        check_graph(TFLiteGraph(content))
        assert TFLiteGraph(content).macs <= 60e6
        # No table that the graph does not use, no attention weights unrolled.
        assert len(content) <= 4 * light.count_params() + 400_000


def check_graph(graph):
    names = {operator.name for operator in graph.operators}
    assert graph.num_subgraphs == 1
    assert not [x for x in names if x.startswith("CUSTOM")]
    # Static: nothing computes a shape, nothing is gathered.
    assert not names & {"SHAPE", "PACK", "RANGE", "WHILE", "IF", "GATHER", "GATHER_ND"}


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts are the same")
def test_large_is_larger(name):
    light = kr.models.create(name, num_classes=4)
    large = kr.models.create(name, size="large", num_classes=4)
    assert large.count_params() >= 7.5 * light.count_params()
    for options in SIZES[name].values():
        assert options.keys() <= light.get_config().keys()
