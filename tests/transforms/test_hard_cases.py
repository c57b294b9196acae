"""What went wrong once, or would go wrong easily: flags, states, policies, detection, pickles."""

import pickle
import threading

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_reparam as kr
from keras_reparam.transforms.model_input import random_input
from tests.layers.helpers import difference, numpy
from tests.transforms import zoo
from tests.transforms.test_transforms import (
    expanded_paths,
    max_error,
    outputs,
    scramble_factors,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*`build\\(\\)` was called on layer")


def frozen(model):
    return [layer.name for layer in model._flatten_layers() if not layer._trainable]


@pytest.mark.slow
def test_a_partial_freeze_inside_a_subclassed_model_is_kept(tmp_path):
    model = zoo.subclassed()
    model.first.fc1.trainable = False
    model.head.trainable = False
    expected = frozen(model)
    train = kr.expand(model)
    assert frozen(train) == expected
    assert not train.first.fc1.trainable_weights
    train.save(tmp_path / "train.keras")
    again = keras.saving.load_model(tmp_path / "train.keras", custom_objects=zoo.CUSTOM_OBJECTS)
    assert len(frozen(again)) == len(expected)
    assert len(again.trainable_weights) == len(train.trainable_weights)
    assert frozen(kr.merge(train)) == expected


class Counting(layers.Layer):
    """Changes a counter and a seed generator whenever it is called."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.fc1 = layers.Dense(16, activation="relu", name="fc1")
        self.fc2 = layers.Dense(8, name="fc2")
        self.generator = keras.random.SeedGenerator(3)

    def build(self, input_shape):
        self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="calls")

    def call(self, x):
        self.calls.assign_add(1.0)
        noise = keras.random.normal((1, 8), seed=self.generator)
        return self.fc2(self.fc1(x)) + 0.0 * noise


@pytest.mark.backend
def test_states_stay_where_they_are():
    inputs = keras.Input((8,))
    model = keras.Model(inputs, Counting(name="counting")(inputs))
    model(np.zeros((2, 8), "float32"))
    before = [numpy(v.value) for v in model.variables]

    def unchanged(other):
        for a, v in zip(before, other.variables, strict=True):
            np.testing.assert_array_equal(a, numpy(v.value))

    kr.summary(model)
    train = kr.expand(model)
    unchanged(model)
    state = numpy(train.get_layer("counting").calls.value)
    light = kr.merge(train)
    assert numpy(train.get_layer("counting").calls.value) == state
    assert numpy(light.get_layer("counting").calls.value) == state


@pytest.mark.backend
def test_mixed_precision_layers_in_a_float32_model():
    inputs = keras.Input((64,))
    x = inputs
    for i in range(4):
        x = layers.Dense(128, activation="relu", dtype="mixed_float16", name=f"a{i}")(x)
        x = layers.Dense(64, dtype="mixed_float16", name=f"b{i}")(x)
    model = keras.Model(inputs, layers.Dense(4)(x))
    light = kr.merge(kr.expand(model))
    assert light.get_layer("a0").dtype_policy.name == "mixed_float16"


def test_the_global_policy_of_the_moment_does_not_matter():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = zoo.composite()
    finally:
        keras.config.set_dtype_policy("float32")
    train = kr.expand(model)
    policies = [layer.dtype_policy.name for layer in model._flatten_layers()]
    assert [layer.dtype_policy.name for layer in train._flatten_layers()] == policies
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.slow
def test_unregistered_losses_and_metrics_are_carried_over():
    def loss(y, p):
        return ops.mean(ops.square(y - p), axis=-1)

    model = zoo.sequential()
    model.compile(keras.optimizers.SGD(0.1), loss, metrics=[keras.metrics.MeanAbsoluteError()])
    train = kr.expand(model)
    x, y = np.zeros((4, 6, 8), "float32"), np.zeros((4, 3), "float32")
    train.fit(x, y, verbose=0)
    assert set(kr.merge(train).evaluate(x, y, verbose=0, return_dict=True)) == {
        "loss",
        "mean_absolute_error",
    }


class TwoArguments(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.fc1 = layers.Dense(16, activation="relu", name="fc1")
        self.fc2 = layers.Dense(8, name="fc2")

    def call(self, x, scale):
        return self.fc2(self.fc1(x)) * scale


def test_models_whose_call_takes_several_arguments():
    model = TwoArguments()
    x, scale = np.ones((2, 8), "float32"), np.full((2, 1), 3.0, "float32")
    model(x, scale)
    train = kr.expand(model, filters="fc1")
    assert difference(model(x, scale), train(x, scale)) < 1e-5
    with pytest.raises(ValueError, match="`data=`"):
        kr.merge(train)
    light = kr.merge(train, data=(x, scale))
    assert difference(model(x, scale), light(x, scale)) < 1e-5


class WithExtras(zoo.FeedForward):
    def call(self, x):
        return super().call(x), None


@pytest.mark.backend
@pytest.mark.slow
def test_layers_that_return_more_than_tensors_are_looked_into():
    class Model(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.first = zoo.FeedForward(8, 16, name="first")
            self.second = WithExtras(8, 16, name="second")

        def call(self, x):
            x, cache = self.second(self.first(x))
            return x, cache, 3

        def get_config(self):
            return super().get_config()

    model = Model()
    model(np.zeros((2, 6, 8), "float32"))
    train = kr.expand(model)
    assert expanded_paths(train) == ["first/fc1", "second/fc1"]
    kr.merge(train)


@pytest.mark.slow
def test_layers_that_are_never_called_do_not_stand_in_the_way():
    class Model(zoo.Subclassed):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.optional = layers.Dense(5, name="optional")

    model = Model()
    model(np.zeros((2, 6, 8), "float32"))
    rows = {row.path: row.reason for row in kr.summary(kr.expand(model)).rows}
    assert rows["optional"] == "it has no weights yet"


def chain(*made):
    inputs = keras.Input((8,))
    x = inputs
    for layer in made:
        x = layer(x)
    return keras.Model(inputs, x)


@pytest.mark.backend
def test_attention_projections_before_a_linear_layer_are_left():
    inputs = keras.Input((6, 8))
    x = layers.MultiHeadAttention(2, 8, name="attention")(inputs, inputs)
    x = layers.Dense(16, activation="relu", name="fc1")(x)
    model = keras.Model(inputs, layers.Dense(8, name="fc2")(x))
    assert expanded_paths(kr.expand(model)) == ["fc1"]


@pytest.mark.backend
def test_a_classifier_that_feeds_back_is_left():
    inputs = keras.Input((8,))
    scores = layers.Dense(16, activation="softmax", name="classifier")(inputs)
    x = inputs + layers.Dense(8, name="back")(scores)
    x = zoo.feed_forward(x, "ffn")
    assert expanded_paths(kr.expand(keras.Model(inputs, [x, scores]))) == ["ffn_fc1"]


@pytest.mark.backend
def test_a_linear_stem_is_not_the_first_layer_of_an_ffn():
    model = chain(
        layers.Dense(16, name="stem0"),
        layers.Dense(8, name="stem"),
        layers.Dense(16, activation="relu", name="fc1"),
        layers.Dense(8, name="fc2"),
    )
    assert expanded_paths(kr.expand(model)) == ["fc1"]


@pytest.mark.backend
@pytest.mark.parametrize(
    "activation",
    [
        lambda h: 0.5 * h * (1.0 + ops.tanh(0.79 * (h + 0.044 * h * h * h))),
        lambda h: ops.maximum(h, 0.0),
        lambda h: h * ops.sigmoid(1.702 * h),
        lambda h: ops.where(h > 0, h, 0.1 * h),
    ],
)
def test_handwritten_activations(activation):
    class FFN(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.fc1 = layers.Dense(16, name="fc1")
            self.fc2 = layers.Dense(8, name="fc2")

        def call(self, x):
            return x + self.fc2(activation(self.fc1(x)))

    assert expanded_paths(kr.expand(chain(FFN(name="ffn")))) == ["ffn/fc1"]


@pytest.mark.backend
def test_a_constraint_that_does_not_hold_yet_is_said():
    constraint = keras.constraints.NonNeg()
    model = chain(
        layers.Dense(16, activation="relu", kernel_constraint=constraint, name="fc1"),
        layers.Dense(8, name="fc2"),
    )
    with pytest.raises(ValueError, match="'fc1' cannot be expanded: its kernel does not fulfil"):
        kr.expand(model)
    kernel = model.get_layer("fc1").kernel
    kernel.assign(constraint(kernel.value))
    train = kr.expand(model)
    assert max_error(outputs(model), outputs(train)) < 1e-5


@pytest.mark.backend
def test_dead_weights_are_refused_before_anything_is_built():
    model = zoo.composite()
    kernel = numpy(model.get_layer("ffn").fc1.kernel.value)
    kernel[0, 0] = np.nan
    model.get_layer("ffn").fc1.kernel.assign(kernel)
    with pytest.raises(ValueError, match="'ffn/fc1' cannot be expanded: kernel holds values"):
        kr.expand(model)


@pytest.mark.backend
@pytest.mark.slow
def test_outputs_that_cannot_be_compared_are_an_error():
    train = kr.expand(zoo.functional())
    head = train.get_layer("head")
    head.bias.assign(np.full(3, np.nan))
    with pytest.raises(ValueError, match="no finite value"):
        kr.merge(train)
    with pytest.raises(ValueError, match="at least one example"):
        kr.merge(kr.expand(zoo.functional()), data=np.zeros((0, 6, 8), "float32"))


ORDERS = (
    "import keras, keras_reparam",
    "import keras_reparam, keras",
    "import keras_reparam.layers, keras",
    "from keras_reparam.audio import LogMel; import keras",
    "import keras_reparam as kr; kr.layers; import keras",
)
# A fresh process each, but for what TensorFlow and Keras themselves import, which takes seconds.
FORKS = """
import os, sys, keras
for code in sys.argv[1:]:
    if not os.fork():
        del sys.modules["keras"]
        exec(code)
        print(keras.saving.load_model("train.keras").name, flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.slow
def test_any_order_of_imports_finds_the_layers(tmp_path, run_python):
    kr.expand(zoo.functional()).save(tmp_path / "train.keras")
    result = run_python("-c", FORKS, *ORDERS, cwd=tmp_path)
    assert result.stdout.split() == ["model"] * len(ORDERS), result.stderr


def test_a_bias_that_merging_added_loads_back(tmp_path):
    def make():
        inputs = keras.Input((8,))
        return keras.Model(inputs, kr.layers.HRFDense(4, use_bias=False, name="fc")(inputs))

    train = make()
    scramble_factors(train)
    light = kr.merge(train)
    light.save_weights(tmp_path / "light.weights.h5")
    again = make()
    again.load_weights(tmp_path / "light.weights.h5")
    inputs = random_input(train)
    assert max_error(outputs(train, inputs), outputs(again, inputs)) < 1e-5


@pytest.mark.slow
def test_expanded_models_can_be_pickled():
    import keras_hub

    inputs = keras.Input((6, 8))
    block = keras.Model(inputs, keras_hub.layers.TransformerEncoder(16, 2)(inputs))
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=50,
        num_layers=1,
        num_heads=2,
        hidden_dim=16,
        intermediate_dim=32,
        max_sequence_length=20,
    )
    for model in (block, backbone):
        train = kr.expand(model)
        scramble_factors(train)
        again = pickle.loads(pickle.dumps(train))
        inputs = random_input(train)
        assert expanded_paths(again) == expanded_paths(train)
        assert max_error(outputs(train, inputs), outputs(again, inputs)) == 0


@pytest.mark.slow
def test_names_of_the_models_themselves_are_kept():
    model = zoo.Subclassed()
    model(np.zeros((2, 6, 8), "float32"))
    train = kr.expand(model)
    assert train.name == model.name == kr.merge(train).name


@pytest.mark.slow
@pytest.mark.backend
def test_threads_do_not_disturb_each_other():
    model = zoo.composite()
    found, errors = [], []

    def work():
        try:
            found.append(len(expanded_paths(kr.expand(model))))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and found == [3, 3, 3]


@pytest.mark.parametrize("dtype", ["int8_from_float32", "float8_from_float32"])
def test_quantized_policies_ask_to_merge_first(dtype):
    with pytest.raises(ValueError, match="keras_reparam.merge"):
        kr.layers.HRFDense(4, dtype=dtype)


@pytest.mark.parametrize("option", [{"factors": 2.0}, {"expansion": 4.0}])
def test_whole_numbers_must_be_integers(option):
    with pytest.raises(ValueError, match="Received"):
        kr.layers.HRFDense(4, **option)
    layer = kr.layers.HRFDense(4, **{name: np.int64(value) for name, value in option.items()})
    assert all(type(layer.get_config()[name]) is int for name in option)


def test_equations_that_make_no_sense():
    with pytest.raises(ValueError, match="equation"):
        kr.layers.HRFEinsumDense("ab->ab", (None, 3))
