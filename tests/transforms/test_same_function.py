"""`expand` and `merge` give the same function, whatever a model is made of."""

import functools

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_reparam as kr
from keras_reparam.layers import HRFLayer
from keras_reparam.transforms.expanded import original_class
from keras_reparam.transforms.keras_errors import innermost_message
from keras_reparam.transforms.live_objects import LiveObjects
from keras_reparam.transforms.model_tree import ModelTree
from tests.layers.helpers import difference, numpy
from tests.transforms import zoo
from tests.transforms.test_transforms import max_error, outputs, scramble_factors

pytestmark = pytest.mark.filterwarnings("ignore:.*`build\\(\\)` was called on layer")

needs_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="what is tested exists on TensorFlow alone"
)
X = np.random.default_rng(0).standard_normal((4, 8)).astype("float32")


def after_both(model, *inputs, data=None):
    """The expanded and the merged model; both give what the model gives."""
    expected = outputs(model, inputs)
    train = kr.expand(model)
    assert max_error(expected, outputs(train, inputs)) < 1e-5
    light = kr.merge(train, data=data)
    assert max_error(expected, outputs(light, inputs)) < 1e-5
    return train, light


def make_block(scale):
    class Block(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.fc1 = layers.Dense(16, activation="relu", name="fc1")
            self.fc2 = layers.Dense(8, name="fc2")

        def call(self, x):
            return x + scale * self.fc2(self.fc1(x))

    return Block


def of_blocks(*classes):
    inputs = keras.Input((8,))
    x = inputs
    for i, cls in enumerate(classes):
        x = cls(name=f"block{i}")(x)
    return keras.Model(inputs, x)


def in_nested_models(first, second):
    inputs = keras.Input((8,))
    inner = keras.Sequential([keras.Input((8,)), second(name="second")], name="inner")
    return keras.Model(inputs, inner(of_blocks(first)(inputs)))


def held_by_one_layer(first, second):
    class Pair(layers.Layer):
        def __init__(self, one, other, **kwargs):
            super().__init__(**kwargs)
            self.one, self.other = one, other

        def call(self, x):
            return self.other(self.one(x))

        def get_config(self):
            serialize = keras.saving.serialize_keras_object
            parts = {"one": serialize(self.one), "other": serialize(self.other)}
            return {**super().get_config(), **parts}

        @classmethod
        def from_config(cls, config):
            for name in ("one", "other"):
                config[name] = keras.saving.deserialize_keras_object(config[name])
            return cls(**config)

    inputs = keras.Input((8,))
    return keras.Model(inputs, Pair(first(), second())(inputs))


def held_by_a_model_that_defines_one(first, second):
    class Model(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.made = make_block(2.0)(name="made")
            self.both = [first(), second()]

        def call(self, x):
            return self.both[1](self.both[0](self.made(x)))

    model = Model()
    model(X)
    return model


@pytest.mark.parametrize(
    "make", [of_blocks, in_nested_models, held_by_one_layer, held_by_a_model_that_defines_one]
)
@pytest.mark.slow
def test_classes_of_one_name_stay_apart(make):
    model = make(make_block(1.0), make_block(-3.0))
    for copy in after_both(model, X):
        for twins in ModelTree(model).twins(ModelTree(copy)):
            if not isinstance(twins.second, HRFLayer) and twins.first.name != "made":
                assert original_class(twins.second) is type(twins.first)


def test_a_class_that_was_registered_again_stays_the_old_one():
    register = keras.saving.register_keras_serializable("tests_again", "Block")
    old = register(make_block(1.0))
    model = of_blocks(old)
    register(make_block(-3.0))
    _, light = after_both(model, X)
    assert type(light.get_layer("block0")) is old


class Changeable(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.fc1 = layers.Dense(16, activation="relu", name="fc1")
        self.drop = layers.Dropout(0.1)
        self.fc2 = layers.Dense(8, name="fc2")
        self.parts = [zoo.FeedForward(8, 16, name="part")]
        self.norm = layers.BatchNormalization()
        self.head = layers.Dense(3, activation="softmax", name="head")
        self.temperature = 1.0

    def call(self, x):
        x = self.norm(x + self.fc2(self.drop(self.fc1(x))))
        return self.head(self.parts[0](x) / self.temperature)


def own_activation(x):
    return ops.sin(x)


CHANGES = [
    (lambda m: m.head, "activation", None),
    (lambda m: m.fc1, "activation", own_activation),
    (lambda m: m.parts[0].norm, "epsilon", 0.3),
    (lambda m: m.norm, "momentum", 0.5),
    (lambda m: m.drop, "rate", 0.0),
    (lambda m: m.parts[0].dropout, "rate", 0.7),
    (lambda m: m.fc2, "activity_regularizer", keras.regularizers.L2(0.3)),
    (lambda m: m.head, "kernel_regularizer", keras.regularizers.L2(0.3)),
]


def test_settings_that_were_changed_on_the_live_model_are_carried_over():
    model = Changeable()
    model(X)
    model.temperature = 0.2
    for where, name, value in CHANGES:
        setattr(where(model), name, value)
    for copy in after_both(model, X):
        for where, name, _ in CHANGES:
            pairs = [(where(copy), type(where(model)))]
            (found,) = LiveObjects([copy]).settings(pairs)
            (config,) = LiveObjects([model]).settings([(where(model), pairs[0][1])])
            assert found[name] == config[name]
        assert sum(map(float, copy.losses)) == pytest.approx(sum(map(float, model.losses)))


def test_settings_in_a_functional_model_of_composite_layers(tmp_path):
    model = zoo.composite()
    model.get_layer("ffn").norm.epsilon = 0.5
    x = np.random.default_rng(0).standard_normal((2, 6, 8)).astype("float32")
    train, _ = after_both(model, x)
    assert train.get_layer("ffn").norm.epsilon == 0.5
    train.get_layer("ffn").dropout.rate = 0.4
    assert kr.merge(train).get_layer("ffn").dropout.rate == 0.4


def test_a_setting_that_cannot_be_carried_over_is_an_error():
    class Scale(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self._state = {"factor": 1.0}

        def call(self, x):
            return x * self._state["factor"]

        def get_config(self):
            return {**super().get_config(), "factor": self._state["factor"]}

    class Model(Changeable):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.last = Scale(name="last")

        def call(self, x):
            return self.last(super().call(x))

    model = Model()
    model(X)
    model.last._state["factor"] = 2.0
    with pytest.raises(ValueError, match=r"Layer 'last' has factor=2\.0.*factor=1\.0"):
        kr.expand(model)


def test_what_no_config_and_no_attribute_shows_is_found_by_the_outputs():
    class Secret(Changeable):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self._hidden = 1.0

        def call(self, x):
            return super().call(x) * self._hidden

    model = Secret()
    model(X)
    model._hidden = 2.0
    with pytest.raises(ValueError, match="another function: its outputs differ by 0.5"):
        kr.expand(model)


@needs_tensorflow
def test_vocabularies_are_kept():
    words = layers.TextVectorization(output_sequence_length=5)
    words.adapt(["the cat sat", "the dog ran far"])
    numbers = layers.IntegerLookup()
    numbers.adapt(np.array([3, 5, 5, 9]))
    letters = layers.StringLookup()
    letters.adapt(["a", "b", "b"])
    text, letter = keras.Input((), dtype="string"), keras.Input((5,), dtype="string")
    number = keras.Input((5,), dtype="int64")
    ids = words(text) + letters(letter) + numbers(number)
    x = zoo.feed_forward(layers.Embedding(40, 8)(ids), "ffn")
    model = keras.Model([text, letter, number], x)
    data = [
        ops.convert_to_tensor(["the cat ran", "a dog sat"]),
        ops.convert_to_tensor([list("abbab")] * 2),
        ops.convert_to_tensor([[3, 5, 9, 5, 1]] * 2, "int64"),
    ]
    train, light = after_both(model, data, data=data)
    for name in (words.name, letters.name, numbers.name):
        expected = model.get_layer(name).get_vocabulary()
        assert train.get_layer(name).get_vocabulary() == expected
        assert light.get_layer(name).get_vocabulary() == expected
    with pytest.raises(ValueError, match="takes strings.*`data=`"):
        kr.merge(train)


class OnlyPowers(layers.Layer):
    """Refuses random input, as a router with a fixed number of tokens does."""

    def call(self, x):
        try:
            powers = numpy(x)
        except Exception:
            # While it is traced.
            powers = np.ones(1)
        if (powers < 0).any():
            raise RuntimeError("powers are positive")
        return ops.log(x)


def test_data_replaces_random_input():
    inputs = keras.Input((8,))
    train = kr.expand(keras.Model(inputs, zoo.feed_forward(OnlyPowers()(inputs), "ffn")))
    with pytest.raises(ValueError, match="`data=`.*OnlyPowers: powers are positive"):
        kr.merge(train)
    kr.merge(train, data=np.square(X))
    with pytest.raises(ValueError, match="could not be called"):
        kr.merge(train, data=X)


def test_lambdas_and_functions_of_the_user_are_used_again():
    shift, table = 0.25, np.arange(8, dtype="float32")

    def named(x, by=2.0):
        return x * by + shift

    inputs = keras.Input((8,))
    x = layers.Lambda(lambda x: ops.tanh(x) * shift)(inputs)
    x = layers.Lambda(lambda x, by=table: x + by, output_shape=lambda shape: shape)(x)
    x = layers.Lambda(named, arguments={"by": 3.0})(x)
    x = layers.Lambda(functools.partial(named, by=0.5))(x)
    x = layers.Dense(16, activation=lambda x: ops.maximum(x, shift), name="fc1")(x)
    x = layers.Dense(8, activation=own_activation, name="fc2")(x)
    train, light = after_both(keras.Model(inputs, x), X)
    assert train.get_layer("fc2").activation is light.get_layer("fc2").activation is own_activation


class Half(keras.initializers.Initializer):
    def __init__(self, value):
        self.value = value

    def __call__(self, shape, dtype=None):
        return ops.full(shape, self.value, dtype)


class Absolute(keras.regularizers.Regularizer):
    def __call__(self, x):
        return 0.1 * ops.sum(ops.abs(x))


class Positive(keras.constraints.Constraint):
    def __call__(self, w):
        return ops.maximum(w, 0.0)


class Warmup(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.01 * ops.minimum(1.0, (ops.cast(step, "float32") + 1.0) / 10.0)


class Doubled(keras.losses.Loss):
    def call(self, y, p):
        return 2.0 * ops.mean(ops.square(y - p), axis=-1)


class Largest(keras.metrics.Mean):
    def update_state(self, y, p, sample_weight=None):
        return super().update_state(ops.max(p))


@pytest.mark.slow
def test_unregistered_settings_are_used_again_and_the_model_stays_compiled():
    def closeness(y, p):
        return -ops.mean(ops.abs(y - p), axis=-1)

    inputs = keras.Input((8,))
    x = layers.Dense(16, "relu", bias_initializer=Half(0.5), name="fc1")(inputs)
    x = layers.Dense(8, kernel_regularizer=Absolute(), bias_constraint=Positive(), name="fc2")(x)
    model = keras.Model(inputs, x)
    wrapped = keras.metrics.MeanMetricWrapper(closeness, name="wrapped")
    model.compile(
        keras.optimizers.Adam(Warmup()), Doubled(), metrics=[closeness, wrapped, Largest()]
    )
    # A model inside that is compiled by itself.
    outer = keras.Sequential([keras.Input((8,)), model])
    outer.compile(keras.optimizers.SGD(Warmup()), lambda y, p: ops.mean(ops.square(y - p), -1))
    for whole in (model, outer):
        for copy in after_both(whole, X):
            assert copy.compiled and copy.optimizer is not whole.optimizer
            expected = whole.evaluate(X, X, verbose=0, return_dict=True)
            found = copy.evaluate(X, X, verbose=0, return_dict=True)
            assert found == pytest.approx(expected, rel=1e-4)
            assert sum(map(float, copy.losses)) == pytest.approx(sum(map(float, whole.losses)))
            copy.fit(X, X, verbose=0)


@pytest.mark.skipif(
    keras.backend.backend() == "jax", reason="JAX compiles 24 blocks for minutes, one by one"
)
@pytest.mark.slow
def test_a_deep_model_in_half_precision():
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        x = inputs = keras.Input((32,))
        for i in range(24):
            y = layers.Dense(128, activation="relu", name=f"a{i}")(x)
            x = layers.LayerNormalization()(x + layers.Dense(32, name=f"b{i}")(y))
        model = keras.Model(inputs, layers.Dense(2)(x))
    finally:
        keras.config.set_dtype_policy("float32")
    train = kr.expand(model, expansion=2)
    rng = np.random.default_rng(0)
    for layer in train._flatten_layers():
        if isinstance(layer, HRFLayer):
            # As after training: the roundings of the two kernels are no longer the same.
            for v in layer.weights:
                v.assign(v + 0.1 * rng.standard_normal(v.shape))
    light = kr.merge(train)
    assert {x.compute_dtype for x in light.layers[1:]} == {"float16"}


def test_scopes_adapters_and_states_are_kept():
    inputs = keras.Input((6, 8), batch_size=2)
    with keras.RematScope("full"):
        fc1 = layers.Dense(16, activation="relu", name="ffn_fc1")
    x = layers.Dense(8, name="ffn_fc2")(fc1(inputs))
    x = layers.Dense(8, name="adapted")(layers.LSTM(8, stateful=True, name="lstm")(x))
    model = keras.Model(inputs, x)
    model.get_layer("adapted").enable_lora(2)
    adapter = model.get_layer("adapted").lora_kernel_b
    adapter.assign(ops.ones(adapter.shape))
    x = np.random.default_rng(0).standard_normal((2, 6, 8)).astype("float32")
    model(x)
    states = [numpy(v.value) for v in model.get_layer("lstm").states]
    train = kr.expand(model)
    for copy in (train, kr.merge(train)):
        assert copy.get_layer("ffn_fc1")._remat_mode.mode == "full"
        np.testing.assert_array_equal(numpy(copy.get_layer("adapted").lora_kernel_b), 1.0)
        assert copy.get_layer("adapted").lora_kernel_a.trainable
        for expected, found in zip(states, copy.get_layer("lstm").states, strict=True):
            np.testing.assert_array_equal(expected, numpy(found.value))


def test_a_layer_in_the_graphs_of_a_model_and_one_inside_is_an_error():
    fc = layers.Dense(8, name="fc")
    inner_inputs, inputs = keras.Input((8,)), keras.Input((8,))
    inner = keras.Model(inner_inputs, zoo.feed_forward(fc(inner_inputs), "ffn"), name="inner")
    model = keras.Model(inputs, fc(inner(inputs)))
    with pytest.raises(ValueError, match="'inner/fc' and 'fc' are one shared layer"):
        kr.expand(model)


def test_a_layer_that_is_tied_through_configs_stays_one():
    @keras.saving.register_keras_serializable("tests_tied")
    class Uses(layers.Layer):
        def __init__(self, table, **kwargs):
            super().__init__(**kwargs)
            self.table = table

        def call(self, x):
            return ops.matmul(x, ops.transpose(self.table.kernel))

        def get_config(self):
            table = keras.saving.serialize_keras_object(self.table)
            return {**super().get_config(), "table": table}

        @classmethod
        def from_config(cls, config):
            config["table"] = keras.saving.deserialize_keras_object(config["table"])
            return cls(**config)

    class Again(Uses):
        pass

    inputs = keras.Input((8,))
    table = layers.Dense(8, name="table")
    table.build((None, 8))
    x = Again(table, name="again")(zoo.feed_forward(Uses(table, name="uses")(inputs), "ffn"))
    for copy in after_both(keras.Model(inputs, x), X):
        assert copy.get_layer("uses").table is copy.get_layer("again").table is not table


@needs_tensorflow
def test_random_numbers_at_inference_are_named():
    import tensorflow as tf

    class Noisy(layers.Layer):
        noise = False

        def call(self, x):
            return x + tf.random.normal(tf.shape(x)) if self.noise else x

    inputs = keras.Input((8,))
    model = keras.Model(inputs, Noisy(name="noisy")(zoo.feed_forward(inputs, "ffn")))
    train = kr.expand(model)
    for noisy, transform in ((model, kr.expand), (train, kr.merge)):
        noisy.get_layer("noisy").noise = True
        with pytest.raises(ValueError, match="draws random numbers at inference"):
            transform(noisy)


@needs_tensorflow
def test_outputs_that_are_no_numbers():
    inputs = keras.Input((6, 8))
    x = zoo.feed_forward(inputs, "ffn")
    words = layers.StringLookup(vocabulary=list("abcdefg"), invert=True)(ops.argmax(x, axis=-1))
    model = keras.Model(inputs, [words, x > 0.0])
    train = kr.expand(model)
    kr.merge(train)
    scramble_factors(train)
    kr.merge(train)


def test_errors_name_what_they_are_about():
    class Block(make_block(1.0)):
        def get_config(self):
            return {**super().get_config(), "no_argument": 1}

    with pytest.raises(ValueError, match=r"\([^(]*Block: \{'no_argument': 1\}\)$"):
        kr.expand(of_blocks(Block))

    class Broken(make_block(1.0)):
        def call(self, x):
            raise RuntimeError("not today")

    try:
        Broken()(X)
    except RuntimeError as error:
        assert innermost_message(error) == "Broken: not today"


def test_expanded_models_of_local_classes_save_and_load(tmp_path):
    block = make_block(2.0)
    train = kr.expand(of_blocks(block, block))
    scramble_factors(train)
    train.save(tmp_path / "train.keras")
    load = keras.saving.load_model
    again = load(tmp_path / "train.keras", custom_objects={"Block": block})
    assert difference(train(X), again(X)) == 0
    assert difference(train(X), kr.merge(again)(X)) < 1e-5
