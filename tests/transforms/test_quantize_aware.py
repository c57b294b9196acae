"""`quantize_aware` and `merge` on whole models, and what a file holds in the end."""

import keras
import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.quantizers import DualLearnableTernary, Integer, Ternary
from tests.layers.helpers import difference, numpy, random


@keras.saving.register_keras_serializable("tests")
class Block(keras.layers.Layer):
    """A feed-forward network with LayerNorm: its parts are in no config."""

    def __init__(self, **options):
        super().__init__(**options)
        self.norm = keras.layers.LayerNormalization(name="norm")
        self.fc1 = self.make_fc1(12, activation="relu", name="fc1")
        self.fc2 = keras.layers.Dense(8, name="fc2")

    make_fc1 = keras.layers.Dense

    def get_config(self):
        return super().get_config()

    def build(self, input_shape):
        self.norm.build(input_shape)
        self.fc1.build(input_shape)
        self.fc2.build((*input_shape[:-1], 12))

    def call(self, x):
        return x + self.fc2(self.fc1(self.norm(x)))


def make(*, attention=True):
    """First projection, attention, a composite block, classifier."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((6, 5))
    x = keras.layers.Dense(8, name="first")(inputs)
    if attention:
        x = x + keras.layers.MultiHeadAttention(2, 4, name="attention")(x, x)
    x = Block(name="block")(x)
    x = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(inputs, keras.layers.Dense(3, name="classifier")(x), name="net")


X = random((4, 6, 5), seed=2)


def quantizers_of(model):
    return {
        row.path: layer.kernel_quantizer
        for row in kr.summary(model).rows
        for layer in model._flatten_layers()
        if layer.name == row.path.split("/")[-1] and isinstance(layer, kr.layers.ReparamLayer)
    }


def most_values(model):
    """The most values that a channel of each linear layer has, by name."""
    found = {}
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Dense | keras.layers.EinsumDense):
            kernel = numpy(layer.kernel)
            # Rows are what the equation sums over.
            rows = 2 if layer.name == "attention_output" else 1
            matrix = kernel.reshape(int(np.prod(kernel.shape[:rows])), -1)
            found[layer.name] = max(len(np.unique(channel)) for channel in matrix.T)
    return found


def test_default_sites_and_what_is_said(capsys):
    model = make()
    train = kr.quantize_aware(model, "ternary", data=X)
    said = capsys.readouterr().out
    assert said.startswith("'net' on Ternary(): 6 layers (") and "on the data" in said
    quantized = quantizers_of(train)
    assert {path.split("/")[-1] for path in quantized} == {
        *("query", "key", "value", "attention_output", "fc1", "fc2")
    }
    percent = float(said.split("differ by ")[1].split("%")[0])
    assert percent == pytest.approx(100 * difference(model(X), train(X)), abs=0.1)
    np.testing.assert_array_equal(numpy(model(X)), numpy(make()(X)))
    kr.quantize_aware(model, "ternary", verbose=False)
    assert capsys.readouterr().out == ""


@pytest.mark.backend
def test_factors_and_quantizer_are_trained_saved_and_merged(tmp_path):
    model = make(attention=False)
    train = kr.quantize_aware(kr.expand(model, expansion=2), "dual_learnable_ternary")
    row = next(row for row in kr.summary(train).rows if row.path == "block/fc1")
    assert row.form.keys() == {"rank", "dual_learnable_ternary"}
    train.compile(keras.optimizers.SGD(0.05), "mse")
    train.fit(X, random((4, 3)), epochs=1, verbose=0)
    train.save(tmp_path / "train.keras")
    again = keras.saving.load_model(tmp_path / "train.keras")
    np.testing.assert_array_equal(numpy(again(X)), numpy(train(X)))
    assert quantizers_of(again) == quantizers_of(train)
    light = kr.merge(again, data=X)
    assert difference(train(X), light(X)) < 1e-5
    assert light.count_params() == model.count_params()
    values = most_values(light)
    assert max(values[n] for n in values.keys() - {"first", "classifier"}) <= 3
    assert min(values["first"], values["classifier"]) > 3
    # Nothing of this package is left.
    assert not any(isinstance(x, kr.layers.ReparamLayer) for x in light._flatten_layers())


@pytest.mark.backend
def test_near_a_threshold_the_merge_decides_as_training_does():
    """By the product of the factors in float32: in float64 some codes would be others."""
    options = {"factors": 3, "kernel_quantizer": "soft_threshold_ternary"}
    layer = kr.layers.HRFDense(300, **options)
    layer.build((None, 200))
    found, merged = numpy(layer.kernel), numpy(layer.merge().kernel)
    np.testing.assert_allclose(merged, found, rtol=1e-5)
    exact, _ = layer.fold({v.name: numpy(v) for v in layer.weights}, np)
    difference = next(numpy(v) for v in layer.weights if v.name == "quantizer_difference")
    # Moved to the threshold itself, where the last bit decides.
    for variable in layer.weights:
        if variable.name == "quantizer_difference":
            variable.assign(np.where(difference > np.median(difference), exact, difference))
    found, merged = numpy(layer.kernel), numpy(layer.merge().kernel)
    np.testing.assert_allclose(merged, found, rtol=1e-5)


@pytest.mark.slow
def test_a_shift_stands_where_the_input_has_a_mean():
    found = quantizers_of(kr.quantize_aware(make(), DualLearnableTernary()))
    assert not found["block/fc1"].shift  # after a LayerNorm
    assert found["block/fc2"].shift  # after a ReLU
    assert found["attention/query"].shift
    found = quantizers_of(kr.quantize_aware(make(), DualLearnableTernary(shift=False)))
    assert not any(quantizer.shift for quantizer in found.values())


def test_after_a_layer_norm_a_shift_is_inert():
    """It adds one number a channel to every frame: a bias; after a ReLU another one to each."""
    quantizer = DualLearnableTernary(shift=True)
    layer = kr.layers.QuantizedDense(4, kernel_quantizer=quantizer)
    x = 3 * random((5, 8)) + 1
    after_norm, after_relu = keras.layers.LayerNormalization()(x), keras.layers.ReLU()(x)
    before = [numpy(layer(inputs)) for inputs in (after_norm, after_relu)]
    shift = next(v for v in layer.weights if v.name == "quantizer_shift")
    shift.assign(0.2 * np.ones(4))
    moved = [numpy(layer(x)) - b for x, b in zip((after_norm, after_relu), before, strict=True)]
    spread = [np.ptp(added, axis=0).max() for added in moved]
    assert spread[0] < 1e-5 < 0.1 < spread[1]


@pytest.mark.slow
def test_one_quantizer_here_another_one_there():
    train = kr.quantize_aware(make(), "ternary", filters="fc1")
    train = kr.quantize_aware(train, "int4")
    found = quantizers_of(train)
    assert found["block/fc1"] == Ternary() and found["block/fc2"] == Integer(4)
    values = most_values(kr.merge(train))
    assert values["fc1"] <= 3 < values["fc2"] <= 15


def test_what_cannot_be_quantized_is_said_before_anything_is_changed():
    model = make()
    train = kr.quantize_aware(model, "ternary")
    before = numpy(train(X))
    chain = kr.expand(model, kr.HRF(folded=False))
    inputs = keras.Input((6, 5))
    convolution = keras.layers.Conv1D(5, 3, padding="same", name="conv")
    branches = kr.expand(keras.Model(inputs, convolution(inputs)), kr.Branches())
    small = keras.Sequential([keras.Input((4,)), *(keras.layers.Dense(4) for _ in range(2))])
    for what, options, message in (
        (model, {"kernel_quantizer": "quaternary"}, "must be one of.*Received: 'quaternary'"),
        (train, {}, r"'block/fc1' cannot be quantized: it has a quantizer, Ternary\(\)"),
        (train, {"filters": "fc1"}, "'block/fc1' cannot be quantized: it has a quantizer"),
        (chain, {"filters": "fc1"}, "cannot be quantized: a chain .folded=False. never"),
        (branches, {"filters": "conv"}, "cannot be quantized: the method 'branches' takes no"),
        (model, {"filters": "norm"}, "matches only layers that are not linear"),
        (small, {}, "no linear layer between the first projection and the classifier to quanti"),
    ):
        with pytest.raises(ValueError, match=message):
            kr.quantize_aware(what, **{"kernel_quantizer": "ternary", **options})
    np.testing.assert_array_equal(numpy(train(X)), before)
    with pytest.raises(ValueError, match=r"In training form already: .*block/fc1.*; `expand` com"):
        kr.expand(train)
    with pytest.raises(TypeError, match=r"Expected a `keras.Model`"):
        kr.quantize_aware(None, "ternary")
    with pytest.raises(ValueError, match="`expand` keeps the model's function.*quantize_aware"):
        kr.expand(model, kr.HRF(kernel_quantizer="ternary"))


def test_a_constraint_that_leaves_the_grid_is_named():
    options = {"kernel_quantizer": "ternary", "kernel_constraint": keras.constraints.MaxNorm(0.3)}
    layer = kr.layers.QuantizedDense(4, **options)
    layer(random((2, 8)))
    layer.merge()  # whole channels are scaled
    options["kernel_constraint"] = keras.constraints.UnitNorm(axis=1)
    layer = kr.layers.QuantizedDense(4, **options)
    layer(random((2, 8)))
    with pytest.raises(ValueError, match=r"kernel constraint that leaves \d values in a channel"):
        layer.merge()


def test_a_model_that_makes_its_own_factors_keeps_its_quantizers(tmp_path):
    @keras.saving.register_keras_serializable("tests")
    class Maker(Block):
        def __init__(self, expansion=2, **options):
            self.expansion = expansion
            super().__init__(**options)

        def make_fc1(self, units, **options):
            if self.expansion is None:
                return keras.layers.Dense(units, **options)
            return kr.layers.HRFDense(units, expansion=self.expansion, **options)

        def get_config(self):
            return {**super().get_config(), "expansion": self.expansion}

    inputs = keras.Input((6, 8))
    model = keras.Model(inputs, Maker(name="maker")(inputs))
    train = kr.quantize_aware(model, "ternary", filters="fc")
    train.save(tmp_path / "train.keras")
    again = keras.saving.load_model(tmp_path / "train.keras")
    x = random((2, 6, 8))
    np.testing.assert_array_equal(numpy(again(x)), numpy(train(x)))
    assert most_values(kr.merge(again)) == {"fc1": 3, "fc2": 3}


@pytest.mark.backend
def test_switched_off_the_latent_kernels_are_heard():
    model = make()
    train = kr.quantize_aware(model, "ternary")
    with kr.quantizers.switched_off():
        assert difference(model(X), train(X)) < 1e-6
    assert difference(model(X), train(X)) > 1e-2


# What the file holds


def stored_kernels(content):
    """Integer weights of FULLY_CONNECTED operators `(outputs, inputs)`, with scale a channel."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    for tensor in interpreter.get_tensor_details():
        scale = tensor["quantization_parameters"]["scales"]
        if len(tensor["shape"]) == 2 and len(scale) == tensor["shape"][0] > 1:
            yield interpreter.get_tensor(tensor["index"]), scale


@pytest.mark.slow
def test_codes_of_the_file_are_those_of_training(tmp_path):
    from keras_reparam.deploy.runtime.runtime import Runtime

    if keras.backend.backend() != "tensorflow":
        pytest.skip("a child process exports")
    train = kr.quantize_aware(kr.expand(make()), "ternary", filters="block/fc1")
    train = kr.quantize_aware(train, DualLearnableTernary(), filters="block/fc2")
    train = kr.quantize_aware(train, "int8", filters="attention_output")
    quantized = {x.name: x for x in train._flatten_layers()}
    shift = next(v for v in quantized["fc2"].weights if v.name == "quantizer_shift")
    shift.assign(0.05 * random(shift.shape))
    light = kr.merge(train)
    kr.export_tflite(light, tmp_path / "x.tflite", quantization="int8", representative_data=X)
    content = (tmp_path / "x.tflite").read_bytes()
    stored = list(stored_kernels(content))
    for name in ("fc1", "fc2", "attention_output"):
        codes, scale = quantized[name].codes_and_scale()
        same = [pair for pair in stored if np.array_equal(pair[0], codes.T)]
        assert len(same) == 1, name
        np.testing.assert_allclose(same[0][1], scale.ravel(), rtol=1e-6)
    assert len(np.unique(quantized["fc2"].codes_and_scale()[0])) > 3  # shifts that differ
    runtime = Runtime(content)
    found = np.array([runtime(example) for example in X])
    expected = numpy(keras.ops.softmax(light(X)))
    assert np.abs(found - expected).max() < 0.02 < np.ptp(expected, axis=0).max()
