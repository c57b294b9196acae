"""What every backbone promises: masks, training, precision, files, HRF, export, sizes."""

import keras
import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.models.sizes import SIZES
from keras_reparam.transforms.choice import choose
from keras_reparam.transforms.linear_layers import walk
from keras_reparam.transforms.model_sites import ModelSites
from tests.marks import slow_but
from tests.models.helpers import call, check_scores_vary, softmax

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
        "subsampling_factor": 2,
        "pooling": "mean_std",
        "sites": 2,
    },
    "conv_transformer": {
        "channels": 3,
        "units": 12,
        "num_layers": 1,
        "num_heads": 3,
        "feed_forward_units": 14,
        "sites": 1,
    },
    "haffformer": {
        "units": (8, 10, 12),
        "num_layers": (1, 1, 1),
        "kernel_sizes": (3, 5),
        "merge_scales": (4, 3, 2),
        "pooling": "mean_std",
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


# What trains or converts takes longest: one backbone each time, and all of them in CI.
def only(*quick):
    return pytest.mark.parametrize("name", slow_but(sorted(SMALL), *quick), indirect=True)


def make(name, **options):
    # Fixtures of the module are made whenever they are first needed.
    keras.utils.set_random_seed(20241)
    small = {key: value for key, value in SMALL[name].items() if key != "sites"}
    defaults = {"num_classes": 3, "num_mels": MELS, "frames": FRAMES}
    return kr.models.create(name, **{**defaults, **small, **options})


# Each has a file of its own; what all have is shown by one of them each time.
@pytest.fixture(scope="module", params=slow_but(sorted(SMALL), "conv_transformer"))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name, randomized, sharpened):
    """Its scores vary, else any tolerance would pass."""
    model = sharpened(randomized(make(name)), FEATURES)
    check_scores_vary(softmax(call(model, FEATURES)))
    return model


@pytest.fixture(scope="module")
def any_length(model):
    return with_config(model, frames=None)


def with_config(model, **options):
    """A model of other options with the same weights."""
    other = type(model).from_config({**model.get_config(), **options})
    other.set_weights(model.get_weights())
    return other


@pytest.mark.backend
@pytest.mark.parametrize("frames", slow_but([1, 36, 37], 37))
def test_frames_after_the_clip_change_nothing(model, any_length, frames):
    clip = FEATURES[:1, :frames]
    longer = np.concatenate([clip, np.full((1, FRAMES - frames, MELS), -13.8, "float32")], axis=1)
    expected = call(any_length, clip)
    mask = np.arange(FRAMES)[None, :] < frames
    np.testing.assert_allclose(call(model, longer, mask), expected, atol=1e-5)
    # Without the mask they do: the test can tell.
    assert np.abs(call(model, longer) - expected).max() > 1e-3


@pytest.mark.backend
def test_invalid_frames_within_the_clip_change_nothing(model):
    mask = np.random.default_rng(2).random(MASK.shape) < 0.8
    other = np.where(mask[:, :, None], FEATURES, 100.0).astype("float32")
    expected = call(model, FEATURES, mask)
    np.testing.assert_allclose(call(model, other, mask), expected, atol=1e-5)


@pytest.mark.backend
def test_static_and_any_length_are_one_function(model, any_length):
    expected = call(model, FEATURES, MASK)
    np.testing.assert_allclose(call(any_length, FEATURES, MASK), expected, atol=1e-5)
    # `predict` compiles for lengths that it learns at run time.
    predicted = any_length.predict(FEATURES, verbose=0)
    np.testing.assert_allclose(predicted, call(model, FEATURES), atol=1e-5)


@pytest.mark.backend
def test_no_valid_frame_is_finite(model):
    logits = call(model, FEATURES, np.zeros((3, FRAMES), bool))
    assert np.isfinite(logits).all()
    np.testing.assert_allclose(logits, np.repeat(logits[:1], 3, axis=0), atol=1e-6)


def test_bad_features(model, any_length):
    for features in (FEATURES[:, :20], FEATURES[:, :, :9]):
        with pytest.raises(ValueError, match="shape"):
            model(features)
    for value in (np.nan, np.inf):
        features = FEATURES.copy()
        features[1, 7, 3] = value
        with pytest.raises(ValueError, match=f"Received: 1 of {FEATURES.size} values NaN"):
            model(features)
    with pytest.raises(ValueError, match=r"at least one frame.*\(3, 0, 12\)"):
        any_length(FEATURES[:, :0])


@pytest.mark.backend
@pytest.mark.parametrize("policy", slow_but(["mixed_float16", "mixed_bfloat16"], "mixed_float16"))
def test_mixed_precision(model, policy):
    mixed = with_config(model, dtype=policy)
    logits = call(mixed, FEATURES, MASK)
    assert logits.dtype == "float32"
    assert all(v.dtype == "float32" for v in mixed.trainable_variables)
    expected = softmax(call(model, FEATURES, MASK))
    tolerance = 0.02 if policy == "mixed_float16" else 0.15
    np.testing.assert_allclose(softmax(logits), expected, atol=tolerance)


@pytest.mark.backend
def test_file_round_trip(model, tmp_path):
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(model)
    assert loaded.get_config() == model.get_config()
    expected = call(model, FEATURES, MASK)
    np.testing.assert_array_equal(call(loaded, FEATURES, MASK), expected)


@only("conv_transformer")
def test_created_with_expansion_is_what_expand_makes(name, model):
    created, expanded = make(name, expansion=2), kr.expand(model, expansion=2)
    assert len(created.get_config()["sites"]) == SMALL[name]["sites"]
    assert [type(x).__name__ for x in created._flatten_layers()] == [
        type(x).__name__ for x in expanded._flatten_layers()
    ]
    assert shapes(created) == shapes(expanded)
    first, second = (model.get_config() for model in (created, expanded))
    assert first["sites"] == second["sites"]
    assert options(first["base"]) == options(second["base"])


@pytest.mark.backend
@only("conv_transformer")
def test_expand_train_merge(name, model, tmp_path):
    train = make(name, expansion=2, dropout=0.0)
    before = [np.array(v) for v in train.trainable_variables]
    # Which bands are loud tells the class. One clip has no valid frame: it must not spoil others.
    labels = np.arange(12) % 3
    features = np.tile(FEATURES, (4, 1, 1))
    features[np.arange(12), :, 4 * labels] += 3
    mask = np.tile(MASK, (4, 1)) & (np.arange(12) != 4)[:, None]
    losses = fit(train, features, mask, labels, steps=15)
    assert losses[-1] < 0.8 * losses[0]
    after = [np.array(v) for v in train.trainable_variables]
    assert all(np.isfinite(value).all() for value in after)
    assert all((a != b).any() for a, b in zip(before, after, strict=True))
    light = kr.merge(train)
    assert type(light) is type(model)
    assert shapes(light) == shapes(model)
    expected = call(train, features, mask)
    check_scores_vary(softmax(expected))
    np.testing.assert_allclose(call(light, features, mask), expected, atol=1e-4)
    train.save(tmp_path / "train.keras")
    loaded = keras.saving.load_model(tmp_path / "train.keras")
    assert loaded.get_config()["sites"] == train.get_config()["sites"]
    for first, second in zip(train.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(np.array(first), np.array(second))


def fit(model, features, mask, labels, *, steps):
    """Losses of some steps on all of the data at once."""
    inputs = [keras.Input((FRAMES, MELS)), keras.Input((FRAMES,), dtype="bool")]
    both = keras.Model(inputs, model(inputs[0], mask=inputs[1]))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    both.compile(keras.optimizers.Adam(1e-2), loss)
    # Where the first step makes its variables, TensorFlow traces that step twice.
    both.optimizer.build(both.trainable_variables)
    return [float(both.train_on_batch([features, mask], labels)) for _ in range(steps)]


@pytest.mark.slow
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_trains_in_mixed_precision(name, policy):
    train = make(name, expansion=2, dropout=0.0, dtype=policy)
    losses = fit(train, FEATURES, MASK, np.arange(3), steps=15)
    assert np.isfinite(losses).all()
    assert losses[-1] < 0.9 * losses[0]
    expected = softmax(call(train, FEATURES, MASK))
    tolerance = 0.01 if policy == "mixed_float16" else 0.05
    np.testing.assert_allclose(
        softmax(call(kr.merge(train), FEATURES, MASK)), expected, atol=tolerance
    )


def options(base):
    """The arguments of the class, without the name that it gave itself."""
    return {key: value for key, value in base["config"].items() if key != "name"}


def shapes(model):
    return [(v.path.split("/", 1)[-1], tuple(v.shape)) for v in model.weights]


@pytest.fixture(scope="module")
def light(name):
    return kr.models.create(name, num_classes=4)


# An even and an odd number of frames, and of samples, of a clip that ends before the input does.
LENGTHS = np.array([36 * 160, 37 * 160 - 31])


@pytest.fixture(scope="module")
def clips(emodb4):
    """From the middles of six real clips, loud and soft, twelve with zeros after them."""
    samples = FRAMES * 160
    found = [kr.audio.load(path) for path in sorted((emodb4 / "audio").glob("*.ogg"))[::60]]
    starts = [(len(clip) - samples) // 2 for clip in found]
    found = np.stack([clip[i : i + samples] for clip, i in zip(found, starts, strict=True)])
    gains = np.array([1, 0.03, 0.3, 0.01, 0.1, 1])
    cut = np.arange(samples) < LENGTHS[:, None]
    return ((gains[:, None] * found)[:, None] * cut).reshape(12, samples).astype("float32")


@pytest.fixture(scope="module")
def wave(name, clips, randomized, sharpened):
    """A backbone with its front end, whose scores vary as much as they must, and not more."""
    log_mel = kr.audio.LogMel(num_mels=MELS)
    log_mel.adapt(clips)
    wider = {"units": (16, 20, 24)} if name == "haffformer" else {}
    backbone = randomized(make(name, **wider))
    sharpened(backbone, np.array(log_mel(clips)), log_mel.compute_mask(clips), spread=0.6)
    return kr.models.with_front_end(backbone, log_mel)


@pytest.fixture(scope="module")
def converted(wave):
    from keras_reparam.deploy.conversion.convert import convert

    return convert(wave, wave.input_shape[1:])


@pytest.fixture(scope="module")
def content(converted):
    return converted.content


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="converts in TensorFlow")
@only("conv_transformer")
class TestTFLite:
    def test_graph_is_static(self, content):
        from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph

        check_graph(TFLiteGraph(content))

    def test_is_the_same_function(self, wave, content, clips):
        from keras_reparam.deploy.runtime.runtime import Runtime

        expected = softmax(np.array(wave(clips)))
        check_scores_vary(expected)
        scores = np.stack([Runtime(content)(clip) for clip in clips])
        np.testing.assert_allclose(scores, expected, atol=1e-5)

    def test_zeros_after_a_clip_change_nothing(self, wave, converted, clips):
        """In Keras and in float32 exactly, and in int8 as far as it is."""
        from keras_reparam.deploy.conversion.quantize import quantize
        from keras_reparam.deploy.runtime.runtime import Runtime
        from keras_reparam.deploy.tflite.tflite_buffers import pack_model

        log_mel, backbone = wave.layers[1:]
        any_length, expected = with_config(backbone, frames=None), []
        for clip, samples in zip(clips, np.tile(LENGTHS, 6), strict=True):
            alone = clip[None, :samples]
            mask = log_mel.compute_mask(alone)
            expected.append(softmax(call(any_length, log_mel(alone), mask))[0])
        check_scores_vary(expected)
        np.testing.assert_allclose(softmax(call(wave, clips)), expected, atol=1e-5)
        int8 = Runtime(pack_model(quantize(converted, "int8", clips)))
        float32 = Runtime(converted.content)
        found = [float32(clip) for clip in clips]
        np.testing.assert_allclose(found, expected, atol=1e-5)
        found = [int8(clip) for clip in clips]
        np.testing.assert_allclose(found, expected, atol=0.02)
        np.testing.assert_array_equal(np.argmax(found, axis=1), np.argmax(expected, axis=1))
        for run in (float32, int8):
            assert np.isfinite(run(np.zeros_like(clips[0]))).all()

    @pytest.mark.slow
    def test_light_is_light(self, light):
        from keras_reparam.deploy.conversion.convert import convert
        from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph

        assert light.input_shape == (None, 400, 64)
        assert light.count_params() <= 300_000
        content = convert(light, (400, 64)).content
        check_graph(TFLiteGraph(content))
        assert TFLiteGraph(content).macs <= 60e6
        # No table that the graph does not use, no attention weights unrolled.
        assert len(content) <= 4 * light.count_params() + 400_000


def check_graph(graph):
    names = {operator.name for operator in graph.operators}
    assert graph.num_subgraphs == 1
    assert not [x for x in names if x.startswith("CUSTOM")]
    # Static: nothing computes a shape, nothing is gathered.
    dynamic = {"SHAPE", "PACK", "RANGE", "FILL", "WHILE", "IF", "GATHER", "GATHER_ND"}
    assert not names & dynamic


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="converts in TensorFlow")
@pytest.mark.parametrize(
    "size",
    [
        "light",
        "large",
        *(pytest.param(size, marks=pytest.mark.nightly) for size in ("S", "M", "L", "B")),
    ],
)
@pytest.mark.parametrize(
    "frames",
    [pytest.param(97, marks=pytest.mark.slow), pytest.param(1000, marks=pytest.mark.nightly)],
)
def test_every_size_is_static(name, size, frames):
    from keras_reparam.deploy.conversion.convert import convert

    if size not in SIZES[name]:
        pytest.skip(f"{name} has no size {size}")
    # Layers are alike: two of them show what all of them are.
    few = {"num_layers": 2} if name.startswith("con") else {}
    model = kr.models.create(name, size=size, num_classes=4, frames=frames, **few)
    check_graph(convert(model, (frames, 64)).graph)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts are the same")
@only("conv_transformer")
def test_large_is_larger(name, light):
    large = kr.models.create(name, size="large", num_classes=4)
    assert large.count_params() >= 7.5 * light.count_params()
    for options in SIZES[name].values():
        assert options.keys() <= light.get_config().keys()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the same rules")
def test_sites_of_the_light_size(name, light):
    """`fc1` of all feed-forward networks, in a GEGLU both projections."""
    ends = {"haffformer": ("gate", "value")}.get(name, ("fc1",))
    paths = [site.path for site in choose(light, None, kr.HRF())]
    assert all(path.endswith(ends) for path in paths)
    number = {"conformer": 8, "conv_transformer": 4, "haffformer": 12, "speechformer": 12}[name]
    assert len(paths) == number
    # What is declared is what the search in the graph finds.
    by_name = dict(walk(light))
    assert [by_name[path] for path in paths] == ModelSites(light).feed_forward()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["conformer", "haffformer"], indirect=True)
def test_convolutions_over_time_train_as_branches(name, model):
    train = kr.expand(model, kr.Branches())
    features, labels = np.tile(FEATURES, (2, 1, 1)), np.arange(6) % 3
    mask = np.tile(MASK, (2, 1))
    np.testing.assert_allclose(
        call(train, FEATURES, MASK), call(model, FEATURES, MASK), rtol=1e-4, atol=1e-5
    )
    losses = fit(train, features, mask, labels, steps=8)
    assert losses[-1] < losses[0]
    light = kr.merge(train)
    assert shapes(light) == shapes(model)
    # Zeros after a clip change nothing here either.
    expected = call(train, FEATURES, MASK)
    np.testing.assert_allclose(call(light, FEATURES, MASK), expected, rtol=1e-4, atol=1e-4)
