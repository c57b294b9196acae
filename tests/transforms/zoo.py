"""Small models of every kind that the transforms must handle, with the layers HRF expands."""

import keras
import numpy as np
from keras import layers, ops


class FeedForward(layers.Layer):
    """A layer composed of other layers, without a `build` of its own."""

    def __init__(self, width, hidden, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.hidden = hidden
        self.fc1 = layers.Dense(hidden, name="fc1")
        self.dropout = layers.Dropout(0.1, seed=1)
        self.fc2 = layers.Dense(width, name="fc2")
        self.norm = layers.LayerNormalization()

    def call(self, x):
        return self.norm(x + self.fc2(self.dropout(ops.gelu(self.fc1(x)))))

    def get_config(self):
        return {**super().get_config(), "width": self.width, "hidden": self.hidden}


class GatedFeedForward(layers.Layer):
    def __init__(self, width, hidden, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.hidden = hidden
        self.gate = layers.Dense(hidden, use_bias=False, name="gate")
        self.up = layers.EinsumDense("...d,df->...f", hidden, name="up")
        self.down = layers.Dense(width, name="down")

    def call(self, x):
        return x + self.down(ops.silu(self.gate(x)) * self.up(x))

    def get_config(self):
        return {**super().get_config(), "width": self.width, "hidden": self.hidden}


class Subclassed(keras.Model):
    """FFNs in an attribute, a list and a dict; batch statistics; a frozen layer."""

    def __init__(self, width=8, hidden=16, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.hidden = hidden
        self.first = FeedForward(width, hidden)
        self.many = [FeedForward(width, hidden), GatedFeedForward(width, hidden)]
        self.named = {"a": FeedForward(width, hidden), "b": FeedForward(width, hidden)}
        self.named["b"].trainable = False
        self.statistics = layers.BatchNormalization()
        self.head = layers.Dense(3)

    def call(self, x):
        x = self.first(x)
        for layer in [*self.many, *self.named.values()]:
            x = layer(x)
        return self.head(ops.mean(self.statistics(x), axis=1))

    def get_config(self):
        return {**super().get_config(), "width": self.width, "hidden": self.hidden}


@keras.saving.register_keras_serializable("tests")
class Cell(layers.Layer):
    """A recurrent cell that holds an FFN."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units
        self.fc1 = layers.Dense(2 * units, activation="relu", name="fc1")
        self.fc2 = layers.Dense(units, name="fc2")

    def build(self, input_shape):
        self.fc1.build((None, self.units))
        self.fc2.build((None, 2 * self.units))

    def call(self, x, states):
        y = self.fc2(self.fc1(x + states[0]))
        return y, [y]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def feed_forward(x, name):
    y = layers.Dense(16, activation="relu", name=f"{name}_fc1")(x)
    y = layers.Dropout(0.1, seed=2)(y)
    return layers.LayerNormalization()(x + layers.Dense(8, name=f"{name}_fc2")(y))


def sequential():
    return keras.Sequential(
        [
            keras.Input((6, 8)),
            layers.Dense(16, activation="relu", name="fc1"),
            layers.Dropout(0.1),
            layers.Dense(8, name="fc2"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3, name="head"),
        ],
        name="sequential",
    )


def functional():
    inputs = keras.Input((6, 8))
    x = layers.MultiHeadAttention(2, 4, name="attention")(inputs, inputs)
    x = feed_forward(feed_forward(x + inputs, "a"), "b")
    return keras.Model(inputs, layers.Dense(3, name="head")(layers.Flatten()(x)), name="model")


def nested():
    inner_inputs = keras.Input((6, 8))
    inner = keras.Model(inner_inputs, feed_forward(inner_inputs, "inner"), name="inner")
    sequential = keras.Sequential([inner, layers.BatchNormalization()], name="stack")
    inputs = keras.Input((6, 8))
    return keras.Model(inputs, feed_forward(sequential(inputs), "outer"), name="outer")


def shared():
    inputs = keras.Input((6, 8))
    fc1 = layers.Dense(16, activation="relu", name="fc1")
    fc2 = layers.Dense(8, name="fc2")
    x = fc2(fc1(inputs))
    return keras.Model(inputs, fc2(fc1(layers.LayerNormalization()(x))), name="shared")


def two_inputs():
    a, b = keras.Input((8,), name="a"), keras.Input((8,), name="b")
    x = feed_forward(a + b, "ffn")
    return keras.Model(
        {"a": a, "b": b}, {"x": layers.Dense(2)(x), "y": [x, layers.Dense(3)(x)]}, name="dicts"
    )


def convolutional():
    inputs = keras.Input((6, 8))
    x = layers.Conv1D(16, 1, activation="swish", name="pointwise1")(inputs)
    x = layers.Conv1D(8, 1, name="pointwise2")(x)
    return keras.Model(inputs, layers.Conv1D(8, 3, name="conv")(x + inputs), name="convolutional")


def wrapped():
    inputs = keras.Input((6, 8))
    x = layers.TimeDistributed(layers.Dense(16, activation="relu", name="fc1"), name="td1")(inputs)
    x = layers.TimeDistributed(layers.Dense(8, name="fc2"), name="td2")(x)
    x = layers.Bidirectional(layers.LSTM(4, return_sequences=True), name="lstm")(x)
    x = layers.Dense(16, activation="relu", name="fc3")(x)
    x = layers.Dense(8, name="fc4")(x)
    cell = layers.Bidirectional(layers.RNN(Cell(8), name="rnn"), name="cells")
    return keras.Model(inputs, cell(x), name="wrapped")


def composite():
    inputs = keras.Input((6, 8))
    x = GatedFeedForward(8, 16, name="gated")(FeedForward(8, 16, name="ffn")(inputs))
    return keras.Model(inputs, x, name="composite")


def subclassed():
    model = Subclassed(name="subclassed")
    model(np.zeros((2, 6, 8), "float32"))
    return model


MODELS = {
    "sequential": (sequential, ["fc1"]),
    "functional": (functional, ["a_fc1", "b_fc1"]),
    "nested": (nested, ["stack/inner/inner_fc1", "outer_fc1"]),
    "shared": (shared, ["fc1"]),
    "two_inputs": (two_inputs, ["ffn_fc1"]),
    "convolutional": (convolutional, ["pointwise1"]),
    "wrapped": (wrapped, ["td1/fc1", "fc3"]),
    "composite": (composite, ["ffn/fc1", "gated/gate", "gated/up"]),
    "subclassed": (
        subclassed,
        [
            "feed_forward/fc1",
            "feed_forward_1/fc1",
            "gated_feed_forward/gate",
            "gated_feed_forward/up",
            "feed_forward_2/fc1",
            "feed_forward_3/fc1",
        ],
    ),
}
CUSTOM_OBJECTS = {cls.__name__: cls for cls in (FeedForward, GatedFeedForward, Subclassed)}


def randomize(model, seed=3):
    """Weights and statistics that are nowhere special."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        if "float" in str(variable.dtype):
            noise = 0.2 * rng.standard_normal(variable.shape)
            variable.assign(np.abs(np.asarray(variable.numpy() + noise)))
    return model
