"""expand, merge and summary on every kind of model."""

import json
import zipfile

import keras
import numpy as np
import pytest
from keras import layers

import keras_reparam as kr
from keras_reparam.layers import HRFLayer
from keras_reparam.transforms.model_input import random_input
from tests.layers.helpers import TOLERANCE, difference, numpy, scramble
from tests.marks import slow_but
from tests.transforms import zoo

# Keras's own loader says so of every composite layer without a `build`, and goes on.
pytestmark = pytest.mark.filterwarnings("ignore:.*`build\\(\\)` was called on layer")


def outputs(model, inputs=None):
    found = model(*(random_input(model) if inputs is None else inputs), training=False)
    return [numpy(x) for x in keras.tree.flatten(found)]


def max_error(first, second):
    return max(difference(a, b) for a, b in zip(first, second, strict=True))


def expanded_paths(model):
    return [row.path for row in kr.summary(model).rows if row.rank]


def layer_names(model):
    return [(type(x).__name__, x.name) for x in model._flatten_layers()]


def graph(model):
    return [(len(x._inbound_nodes), len(x._outbound_nodes)) for x in model._flatten_layers()]


def scramble_factors(model):
    for layer in model._flatten_layers():
        if isinstance(layer, HRFLayer):
            scramble(layer)


# What takes longest, and has no site that a composite layer has not.
SLOW = {"wrapped", "subclassed"}


@pytest.fixture(scope="module", params=slow_but(zoo.MODELS, *(zoo.MODELS.keys() - SLOW)))
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    keras.utils.set_random_seed(20241)
    return zoo.randomize(zoo.MODELS[name][0]())


@pytest.fixture(scope="module")
def train(model):
    """The expanded model, with factors as after a training."""
    train = kr.expand(model, expansion=2)
    scramble_factors(train)
    return train


@pytest.fixture(scope="module")
def light(train):
    return kr.merge(train)


@pytest.mark.backend
def test_expand_keeps_function_names_and_the_original(name, model):
    before, graph_before, weights = outputs(model), graph(model), model.get_weights()
    train = kr.expand(model, expansion=3)
    assert expanded_paths(train) == zoo.MODELS[name][1]
    assert max_error(before, outputs(train, random_input(model))) < 1e-5
    assert layer_names(train) == layer_names(model)
    assert [x.trainable for x in train._flatten_layers()] == [
        x.trainable for x in model._flatten_layers()
    ]
    assert isinstance(train, type(model)) and train.name == model.name
    assert expanded_paths(model) == []
    assert graph(model) == graph_before
    for first, second in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.backend
def test_merge_gives_the_model_before_expand(model, train, light):
    inputs = random_input(train)
    assert max_error(outputs(train, inputs), outputs(light, inputs)) < 1e-5
    assert type(light) is type(model)
    assert layer_names(light) == layer_names(model)
    assert [type(x) for x in light._flatten_layers()] == [type(x) for x in model._flatten_layers()]
    assert light.count_params() == model.count_params()
    assert [w.shape for w in light.weights] == [w.shape for w in model.weights]
    assert expanded_paths(train), "the trained model must stay as it is"


@pytest.mark.backend
def test_saved_models_come_back_with_their_factors(train, tmp_path):
    check_saved(train, tmp_path)


def test_three_factors_come_back(tmp_path):
    train = kr.expand(zoo.randomize(zoo.functional()), factors=3, expansion=2)
    scramble_factors(train)
    check_saved(train, tmp_path)


def check_saved(train, folder):
    train.save(folder / "train.keras")
    again = keras.saving.load_model(folder / "train.keras", custom_objects=zoo.CUSTOM_OBJECTS)
    assert len(expanded_paths(again)) == len(expanded_paths(train))
    for first, second in zip(train.weights, again.weights, strict=True):
        np.testing.assert_array_equal(numpy(first.value), numpy(second.value))
    inputs = random_input(train)
    assert max_error(outputs(train, inputs), outputs(again, inputs)) == 0
    light = kr.merge(again)
    assert max_error(outputs(train, inputs), outputs(light, inputs)) < 1e-5


@pytest.mark.parametrize("name", slow_but(zoo.MODELS, "nested", "composite"), indirect=True)
def test_a_light_models_weights_load_into_its_expanded_twin(model, tmp_path):
    train = kr.expand(model)
    scramble_factors(train)
    model.save_weights(tmp_path / "light.weights.h5")
    train.load_weights(tmp_path / "light.weights.h5")
    inputs = random_input(model)
    assert max_error(outputs(model, inputs), outputs(train, inputs)) < 1e-5


def test_merged_models_need_nothing_of_ours(light, tmp_path):
    light.save(tmp_path / "light.keras")
    with zipfile.ZipFile(tmp_path / "light.keras") as archive:
        assert "keras_reparam" not in archive.read("config.json").decode()


# The second model needs the package that the first must not need.
LOADS = """
import json, sys
import keras, keras_hub, numpy as np
for name in ("light", "train"):
    if name == "train":
        assert not any(module.startswith("keras_reparam") for module in sys.modules)
        import keras_reparam
    y = keras.saving.load_model(f"{name}.keras")(np.load("x.npy"))
    print(json.dumps(keras.ops.convert_to_numpy(y).tolist()))
"""


@pytest.mark.slow
def test_a_merged_and_an_expanded_composite_model_load_in_a_new_process(tmp_path, run_python):
    import keras_hub

    inputs = keras.Input((6, 8))
    train = kr.expand(keras.Model(inputs, keras_hub.layers.TransformerEncoder(16, 2)(inputs)))
    scramble_factors(train)
    light = kr.merge(kr.expand(zoo.randomize(zoo.functional())))
    x = np.random.default_rng(0).standard_normal((2, 6, 8)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    light.save(tmp_path / "light.keras")
    train.save(tmp_path / "train.keras")
    result = run_python("-c", LOADS, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for model, line in zip((light, train), result.stdout.splitlines()[-2:], strict=True):
        np.testing.assert_allclose(json.loads(line), outputs(model, [x])[0], rtol=1e-5, atol=1e-5)


@pytest.mark.backend
@pytest.mark.parametrize(
    "make", [zoo.functional, pytest.param(zoo.subclassed, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("policy", slow_but(["mixed_float16", "mixed_bfloat16"], "mixed_float16"))
def test_mixed_precision(make, policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = make()
        train = kr.expand(model)
        inputs = random_input(model)
        assert max_error(outputs(model, inputs), outputs(train, inputs)) < TOLERANCE[policy]
        light = kr.merge(train)
        assert max_error(outputs(model, inputs), outputs(light, inputs)) < TOLERANCE[policy]
        assert light.dtype_policy.name == policy
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.backend
@pytest.mark.slow
def test_depth_does_not_add_up_errors():
    inputs = keras.Input((8,))
    x = inputs
    for i in range(12):
        x = zoo.feed_forward(x, f"block{i}")
    model = zoo.randomize(keras.Model(inputs, x))
    train = kr.expand(model, expansion=8, factors=3)
    assert max_error(outputs(model), outputs(train)) < 1e-5


@pytest.mark.backend
def test_training_goes_on_and_the_merged_model_follows():
    model = zoo.sequential()
    model.compile(
        keras.optimizers.Adam(0.05), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    )
    train = kr.expand(model)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((32, 6, 8)).astype("float32"), rng.integers(0, 3, 32)
    assert train.compiled and train.optimizer is not model.optimizer
    assert float(train.optimizer.learning_rate) == pytest.approx(0.05)
    losses = train.fit(x, y, epochs=20, verbose=0).history["loss"]
    assert losses[-1] < 0.7 * losses[0]
    light = kr.merge(train, data=x)
    np.testing.assert_allclose(
        light.evaluate(x, y, verbose=0), train.evaluate(x, y, verbose=0), rtol=1e-4
    )
    assert difference(model(x), light(x)) > 1e-2, "training must have changed the function"


@keras.saving.register_keras_serializable(package="tests")
class OfItsInput(keras.Model):
    """A functional model that says what its ranks are multiples of."""

    expansion_base = "input"


@pytest.mark.slow
def test_expansion_base_is_that_of_the_innermost_model_that_has_one(tmp_path):
    def ranks(model, **options):
        return [row.rank for row in kr.summary(kr.expand(model, **options)).rows if row.rank]

    inputs = keras.Input((6, 8))
    inner = OfItsInput(inputs, zoo.feed_forward(inputs, "inner"), name="inner")
    outer = keras.Model(inputs, zoo.feed_forward(inner(inputs), "outer"))
    assert ranks(outer, expansion=3) == [3 * 8, 3 * 16]
    assert ranks(outer, expansion=3, expansion_base="units") == [3 * 16, 3 * 16]
    assert ranks(outer, expansion=3, expansion_base="input") == [3 * 8, 3 * 8]
    inner.save(tmp_path / "inner.keras")
    assert ranks(keras.saving.load_model(tmp_path / "inner.keras"), expansion=3) == [3 * 8]
    light = kr.merge(kr.expand(inner))
    assert type(light) is OfItsInput
    assert ranks(light, expansion=3) == [3 * 8]
    inner.expansion_base = "width"
    with pytest.raises(ValueError, match="Received: expansion_base='width'"):
        kr.expand(outer)


def test_a_layer_reused_in_two_models_is_expanded_in_one():
    inputs = keras.Input((8,))
    fc1, fc2 = layers.Dense(16, activation="relu", name="fc1"), layers.Dense(8, name="fc2")
    hidden = fc1(inputs)
    encoder = keras.Model(inputs, fc2(hidden), name="encoder")
    probe = keras.Model(inputs, layers.Dense(2, name="probe")(hidden), name="probe_model")
    before = outputs(probe)
    train = kr.expand(encoder)
    scramble_factors(train)
    assert type(fc1) is layers.Dense
    assert max_error(before, outputs(probe)) == 0
    assert type(kr.merge(train).get_layer("fc1")) is layers.Dense


@pytest.mark.backend
def test_parts_of_an_expanded_model_can_be_saved_with_their_factors(tmp_path):
    train = kr.expand(zoo.composite())
    scramble_factors(train)
    part = keras.Model(train.inputs, train.get_layer("ffn").output)
    part.save(tmp_path / "part.keras")
    again = keras.saving.load_model(tmp_path / "part.keras", custom_objects=zoo.CUSTOM_OBJECTS)
    assert expanded_paths(again) == ["ffn/fc1"]
    inputs = random_input(part)
    assert max_error(outputs(part, inputs), outputs(again, inputs)) == 0


def test_expanding_an_expanded_model_takes_what_is_left():
    train = kr.expand(zoo.functional(), filters="a_fc1")
    assert expanded_paths(train) == ["a_fc1"]
    both = kr.expand(train, expansion=2)
    assert expanded_paths(both) == ["a_fc1", "b_fc1"]
    assert max_error(outputs(train), outputs(both)) < 1e-5
    with pytest.raises(ValueError, match="no feed-forward network"):
        kr.expand(both)


def test_tied_kernels_are_left_and_reported():
    class Tied(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.fc1 = layers.Dense(16, activation="relu", name="fc1")
            self.fc2 = layers.Dense(8, name="fc2")
            self.twin = layers.Dense(16, name="twin")

        def build(self, input_shape):
            for layer in (self.fc1, self.twin):
                layer.build(input_shape)
            self.fc2.build((*input_shape[:-1], 16))
            self.twin._untrack_variable(self.twin._kernel)
            self.twin._tracker.unlock()
            self.twin._kernel = self.fc1._kernel
            self.twin._tracker.lock()

        def call(self, x):
            return self.fc2(self.fc1(x)) + self.fc2(self.twin(x))

    inputs = keras.Input((8,))
    model = keras.Model(inputs, Tied(name="tied")(inputs))
    with pytest.raises(ValueError, match="no feed-forward network"):
        kr.expand(model)
    with pytest.raises(ValueError, match="'tied/fc1' cannot be expanded.*tied to 'tied/twin'"):
        kr.expand(model, filters="fc1")
    reasons = {row.path: row.reason for row in kr.summary(model).rows}
    assert reasons["tied/twin"] == "its kernel is tied to 'tied/fc1'"


@pytest.mark.backend
def test_use_of_a_kernel_elsewhere_stays_tied():
    @keras.saving.register_keras_serializable("tests")
    class Autoencoder(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.fc1 = layers.Dense(16, name="fc1")

        def call(self, x):
            return keras.ops.matmul(self.fc1(x), keras.ops.transpose(self.fc1.kernel))

    model = Autoencoder()
    model(np.zeros((2, 8), "float32"))
    train = kr.expand(model, filters="fc1")
    scramble_factors(train)
    inputs = random_input(train)
    light = kr.merge(train)
    assert max_error(outputs(train, inputs), outputs(light, inputs)) < 1e-5


@pytest.mark.backend
def test_statistics_and_seed_generators_are_carried_over():
    inputs = keras.Input((6, 8))
    x = layers.BatchNormalization(name="norm")(zoo.feed_forward(inputs, "ffn"))
    model = keras.Model(inputs, layers.Dropout(0.5, seed=4, name="drop")(x))
    rng = np.random.default_rng(0)
    for _ in range(3):
        model(rng.standard_normal((4, 6, 8)).astype("float32"), training=True)
    train = kr.expand(model)
    light = kr.merge(train)
    for copy in (train, light):
        for layer in ("norm", "drop"):
            for a, b in zip(
                model.get_layer(layer).variables, copy.get_layer(layer).variables, strict=True
            ):
                np.testing.assert_array_equal(numpy(a.value), numpy(b.value))


def test_filters():
    model = zoo.functional()
    assert expanded_paths(kr.expand(model, filters="^attention/(query|value)$")) == [
        "attention/query",
        "attention/value",
    ]
    assert expanded_paths(kr.expand(model, filters=["a_fc2", "^head$"])) == ["a_fc2", "head"]
    by_size = kr.expand(model, filters=lambda layer: getattr(layer, "units", 0) == 3)
    assert expanded_paths(by_size) == ["head"]
    assert expanded_paths(kr.expand(zoo.convolutional(), filters="conv$")) == ["conv"]


@pytest.mark.parametrize(
    ("filters", "error", "message"),
    [
        ("nothing", ValueError, "matches no layer. Linear layers that can be expanded: .*a_fc1"),
        ("^dropout", ValueError, r"matches only layers that are not linear: \['dropout"),
        (lambda layer: isinstance(layer, layers.Dropout), ValueError, "not linear"),
        ("(", ValueError, "invalid regular expression"),
        (3, TypeError, "must be a regular expression.*filters=3"),
        ([3], TypeError, "must be a regular expression"),
    ],
)
def test_bad_filters(filters, error, message):
    keras.backend.clear_session()
    with pytest.raises(error, match=message):
        kr.expand(zoo.functional(), filters=filters)


@pytest.mark.parametrize("transform", [kr.expand, kr.merge, kr.summary])
def test_what_is_not_a_built_model(transform):
    with pytest.raises(TypeError, match=r"Expected a `keras.Model`. Received: 3"):
        transform(3)
    with pytest.raises(TypeError, match=r"Expected a `keras.Model`"):
        transform(layers.Dense(3))
    with pytest.raises(ValueError, match="must have its weights"):
        transform(keras.Sequential([layers.Dense(3)], name="unbuilt"))


@pytest.mark.parametrize(
    "options", [{"expansion": 0}, {"factors": 1}, {"expansion_base": "x"}, {"hrf_bias": None}]
)
def test_bad_options(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        kr.expand(zoo.sequential(), **options)


def test_a_model_without_linear_layers():
    inputs = keras.Input((8,))
    model = keras.Model(inputs, layers.LayerNormalization()(inputs))
    with pytest.raises(ValueError, match="has no linear layer that can be expanded"):
        kr.expand(model)
    with pytest.raises(ValueError, match="has no linear layer that can be expanded"):
        kr.expand(model, filters="x")


def test_classifiers_and_attention_are_never_taken_by_default():
    inputs = keras.Input((6, 8))
    x = layers.MultiHeadAttention(2, 4)(inputs, inputs)
    x = layers.Dense(32, activation="relu")(layers.GlobalAveragePooling1D()(x))
    model = keras.Model(inputs, layers.Dense(3)(x))
    with pytest.raises(ValueError, match="no feed-forward network"):
        kr.expand(model)


def test_merging_what_has_no_factors_says_so():
    model = zoo.randomize(zoo.nested())
    with pytest.warns(UserWarning, match="nothing to merge"):
        copy = kr.merge(model)
    assert copy is not model and max_error(outputs(model), outputs(copy)) == 0
    train = kr.expand(model)
    light = kr.merge(train)
    with pytest.warns(UserWarning, match="nothing to merge"):
        again = kr.merge(light)
    assert max_error(outputs(light), outputs(again)) == 0


@pytest.mark.backend
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_dead_factors_are_refused_with_their_path(value):
    train = kr.expand(zoo.nested())
    layer = train.get_layer("stack").get_layer("inner").get_layer("inner_fc1")
    layer._inner_biases[0].assign(np.full(layer._inner_biases[0].shape, value))
    with pytest.raises(ValueError, match="'stack/inner/inner_fc1' cannot be merged.*factor_bias_1"):
        kr.merge(train)


@pytest.mark.backend
def test_a_mismatch_is_an_error_that_names_the_layer(monkeypatch):
    train = kr.expand(zoo.functional())
    exact = HRFLayer.merged_weights

    def wrong(layer):
        kernel, bias = exact(layer)
        return (kernel * 1.01 if layer.name == "b_fc1" else kernel), bias

    monkeypatch.setattr(HRFLayer, "merged_weights", wrong)
    with pytest.raises(kr.MergeError, match=r"'b_fc1' differs by 0\.0\d+ \(allowed: 1e-05\)") as e:
        kr.merge(train)
    assert e.value.path == "b_fc1" and e.value.difference > e.value.tolerance


def test_a_mismatch_of_the_whole_model_is_an_error():
    class Moody(layers.Layer):
        instances = 0

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self._mood = Moody.instances
            Moody.instances += Moody.changing

        def call(self, x):
            return x + float(self._mood)

    Moody.changing = 0
    inputs = keras.Input((8,))
    train = kr.expand(keras.Model(inputs, Moody()(zoo.feed_forward(inputs, "ffn"))))
    Moody.changing = Moody.instances = 1
    with pytest.raises(kr.MergeError, match="'the whole model'"):
        kr.merge(train)


@pytest.mark.backend
def test_layers_that_create_hrf_layers_themselves_are_rebuilt_with_expansion_none():
    class Block(layers.Layer):
        def __init__(self, expansion=4, **kwargs):
            super().__init__(**kwargs)
            self.expansion = expansion
            make = layers.Dense if expansion is None else kr.layers.HRFDense
            options = {} if expansion is None else {"expansion": expansion}
            self.fc1 = make(16, activation="relu", name="fc1", **options)
            self.fc2 = layers.Dense(8, name="fc2")

        def call(self, x):
            return self.fc2(self.fc1(x))

        def get_config(self):
            return {**super().get_config(), "expansion": self.expansion}

    class Stubborn(Block):
        def get_config(self):
            config = super().get_config()
            del config["expansion"]
            return config

    inputs = keras.Input((8,))
    train = keras.Model(inputs, Block(name="block")(inputs))
    scramble_factors(train)
    light = kr.merge(train)
    assert type(light.get_layer("block").fc1) is layers.Dense
    assert max_error(outputs(train), outputs(light)) < 1e-5
    inputs = keras.Input((8,))
    stubborn = keras.Model(inputs, Stubborn(name="block")(inputs))
    with pytest.raises(ValueError, match=r"block/fc1.*Stubborn.*argument `expansion`"):
        kr.merge(stubborn)


def test_models_that_cannot_be_rebuilt_say_why():
    class NoConfig(keras.Model):
        def __init__(self, function):
            super().__init__()
            self.function = function
            self.fc1 = layers.Dense(16, activation="relu")
            self.fc2 = layers.Dense(8)

        def call(self, x):
            return self.fc2(self.fc1(self.function(x)))

    model = NoConfig(object())
    model.function = lambda x: x
    model(np.zeros((2, 8), "float32"))
    with pytest.raises(ValueError, match="does not write its config"):
        kr.expand(model)


@pytest.mark.filterwarnings("ignore:.*does not have a `quantize` method")
@pytest.mark.slow
def test_merged_models_can_be_quantized_and_adapted():
    train = kr.expand(zoo.functional())
    x = random_input(train)
    light = kr.merge(train)
    light.quantize("int8")
    assert light.get_layer("a_fc1").quantization_mode == "int8"
    assert max_error(outputs(train, x), outputs(light, x)) < 0.1
    light = kr.merge(train)
    light.get_layer("a_fc1").enable_lora(2)
    assert max_error(outputs(train, x), outputs(light, x)) < 1e-5
    with pytest.raises(ValueError, match="merge"):
        train.quantize("int8", filters="a_fc1")


@pytest.mark.backend
@pytest.mark.slow
def test_merged_models_export(tmp_path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("model.export writes LiteRT files on the TensorFlow backend")
    from ai_edge_litert.interpreter import Interpreter

    train = kr.expand(zoo.randomize(zoo.sequential()))
    scramble_factors(train)
    light = kr.merge(train)
    light.export(tmp_path / "light.tflite", format="litert", verbose=False)
    interpreter = Interpreter(str(tmp_path / "light.tflite"))
    x = random_input(train)[0][:1]
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], numpy(x).astype("float32"))
    interpreter.invoke()
    found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    assert difference(train(x), found) < 1e-4


def test_summary_counts_and_explains():
    model = zoo.functional()
    train = kr.expand(model, expansion=4)
    summary = kr.summary(train)
    assert summary.merged_parameters == model.count_params()
    assert summary.training_parameters == train.count_params()
    rows = {row.path: row for row in summary.rows}
    row = rows["a_fc1"]
    assert (row.kind, row.kernel_shape, row.rank) == ("HRFDense", (8, 16), 64)
    assert row.training_parameters == 8 * 64 + 64 + 64 * 16 + 16
    assert row.merged_parameters == 8 * 16 + 16
    assert row.reason == ""
    assert all(r.reason for r in summary.rows if r.rank is None)
    assert rows["head"].reason == "not the first layer of an FFN"
    text = str(summary)
    assert "a_fc1" in text and "HRFDense" in text and f"{summary.training_parameters:,}" in text
    plain = {row.path: row.reason for row in kr.summary(model).rows}
    assert plain["a_fc1"] == "plain (the default of `expand` would take it)"


def test_bias_free_layers_stay_bias_free():
    model = zoo.composite()
    light = kr.merge(kr.expand(model))
    assert light.get_layer("gated").gate.bias is None
    assert light.get_layer("gated").up.bias is None
