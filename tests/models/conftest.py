"""References that the tests of the backbones share."""

import math

import keras
import numpy as np
import pytest

from tests.models.helpers import call, softmax


def dense(layer, x):
    return x @ np.array(layer.kernel, "float64") + np.array(layer.bias, "float64")


def norm(layer, x):
    centred = x - x.mean(axis=-1, keepdims=True)
    x = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5)
    return x * np.array(layer.gamma) + np.array(layer.beta)


def attention(layer, x, valid):
    """Heads and frames one by one; invalid frames are not looked at, rather than masked."""
    units, heads = layer.units, layer.num_heads
    width = units // heads
    qkv = dense(layer.qkv, x)
    result = np.zeros_like(x)
    for head in range(heads):
        at = slice(head * width, (head + 1) * width)
        q, k, v = (qkv[:, i * units : (i + 1) * units][:, at] for i in range(3))
        for t in range(len(x)):
            weights = softmax(q[t] @ k[valid].T / np.sqrt(width))
            result[t, at] = weights @ v[valid]
    return dense(layer.output_projection, result)


def encoder_layer(layer, x, valid):
    def feed_forward(x):
        return dense(layer.fc2, np.maximum(dense(layer.fc1, x), 0))

    if layer.norm_first:
        x = x + attention(layer.attention, norm(layer.attention_norm, x), valid)
        return x + feed_forward(norm(layer.feed_forward_norm, x))
    x = norm(layer.attention_norm, x + attention(layer.attention, x, valid))
    return norm(layer.feed_forward_norm, x + feed_forward(x))


def convolution(layer, x, valid):
    """Frame and band one by one; what is invalid or outside counts as zero."""
    frames, mels, _ = x.shape
    stride = layer.strides[0]
    kernel, bias = np.array(layer.kernel, "float64"), np.array(layer.bias, "float64")
    result = np.zeros((-(-frames // stride), -(-mels // 2), kernel.shape[-1]))
    for t in range(result.shape[0]):
        for m in range(result.shape[1]):
            total = bias.copy()
            for i in range(3):
                for j in range(3):
                    a, b = stride * t + i - 1, 2 * m + j - 1
                    if 0 <= a < frames and 0 <= b < mels and valid[a]:
                        total = total + x[a, b] @ kernel[i, j]
            result[t, m] = np.maximum(total, 0)
    return result, valid[::stride]


def conv_transformer(model, features, valid):
    """Logits of one clip, in float64."""
    front = model.get_layer("subsampling")
    x = features[:, :, None].astype("float64")
    for layer in front.convolutions:
        x, valid = convolution(layer, x, valid)
    x = dense(front.projection, x.reshape(len(x), -1)) * np.sqrt(model.units)
    half = model.units // 2
    for t in range(len(x)):
        for i in range(half):
            angle = t * 10000 ** (-i / (half - 1))
            x[t, i] += np.sin(angle)
            x[t, half + i] += np.cos(angle)
    for i in range(model.num_layers):
        x = encoder_layer(model.get_layer(f"encoder_{i}"), x, valid)
    if model.norm_first:
        x = norm(model.get_layer("norm"), x)
    heard = [x[valid].mean(axis=0)]
    if model.pooling == "mean_std":
        heard.append(np.sqrt(x[valid].var(axis=0) + 1e-5))
    return dense(model.get_layer("classifier"), np.concatenate(heard))


def speechformer_attention(layer, x, seen, window):
    """`seen` goes through the projection; windows hold zeros beyond the ends of the clip."""
    units, heads = layer.units, layer.num_heads
    width, around = units // heads, window // 2
    qkv = dense(layer.qkv, seen)
    result = np.zeros_like(x)
    for head in range(heads):
        at = slice(head * width, (head + 1) * width)
        q, k, v = (qkv[:, i * units : (i + 1) * units][:, at] for i in range(3))
        for t in range(len(x)):
            keys, values = np.zeros((window, width)), np.zeros((window, width))
            for j in range(window):
                if 0 <= t + j - around < len(x):
                    keys[j], values[j] = k[t + j - around], v[t + j - around]
            result[t, at] = softmax(q[t] @ keys.T / np.sqrt(width)) @ values
    return dense(layer.output_projection, result)


def speechformer(model, features, windows, merges):
    """Logits of one clip, in float64, with the lengths of windows and merges given in frames."""
    x = features.astype("float64")
    if model.units is not None:
        x = dense(model.get_layer("projection"), x)
    x = x[:, : model.get_layer("stage_1").units]
    for i in range(4):
        stage = model.get_layer(f"stage_{i + 1}")
        positions = 0.0 if stage.table is None else np.array(stage.table, "float64")[: len(x)]
        if stage.positions == "sinusoidal":
            positions = np.zeros_like(x)
            for t in range(len(x)):
                for j in range(x.shape[1]):
                    angle = t / 10000 ** (2 * (j // 2) / x.shape[1])
                    positions[t, j] = np.cos(angle) if j % 2 else np.sin(angle)
        x = norm(stage.norm, x)
        for layer in stage.encoder_layers:
            seen = x + positions
            if i < 3:
                attended = speechformer_attention(layer.attention, x, seen, windows[i])
            else:
                attended = attention(layer.attention, seen, np.ones(len(x), bool))
            x = norm(layer.attention_norm, x + attended)
            hidden = np.maximum(dense(layer.fc1, x), 0)
            x = norm(layer.feed_forward_norm, x + dense(layer.fc2, hidden))
        if i < 3:
            merge, scale = model.get_layer(f"merge_{i + 1}"), merges[i]
            blocks = [x[t : t + scale].sum(axis=0) / scale for t in range(0, len(x), scale)]
            x = norm(merge.norm, dense(merge.projection, np.array(blocks)))
    x = x.mean(axis=0)
    for name in ("head_1", "head_2"):
        x = np.maximum(dense(model.get_layer(name), x), 0)
    return dense(model.get_layer("classifier"), x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def relative_attention(layer, x, valid):
    """Heads, queries and keys one by one, each with the embedding of its distance."""
    units, heads = layer.units, layer.num_heads
    width = units // heads
    qkv = dense(layer.qkv, x)
    u, v = (np.array(b, "float64")[:, 0] for b in (layer.content_bias, layer.position_bias))
    project = np.array(layer.position_projection.kernel, "float64")

    def embedding(distance):
        rates = 10000.0 ** (-2 * np.arange(units // 2) / units)
        pairs = [(np.sin(distance * rate), np.cos(distance * rate)) for rate in rates]
        return np.array(pairs).reshape(-1) @ project

    result = np.zeros(x.shape)
    for head in range(heads):
        at = slice(head * width, (head + 1) * width)
        q, k, values = (qkv[:, i * units : (i + 1) * units][:, at] for i in range(3))
        for t in range(len(x)):
            keys = np.flatnonzero(valid)
            scores = [
                (q[t] + u[head]) @ k[s] + (q[t] + v[head]) @ embedding(t - s)[at] for s in keys
            ]
            result[t, at] = softmax(np.array(scores) / np.sqrt(width)) @ values[keys]
    return dense(layer.output_projection, result)


def depthwise(kernel, x, valid):
    """Frame by frame; what is invalid or outside counts as zero."""
    around = len(kernel) // 2
    result = np.zeros(x.shape)
    for t in range(len(x)):
        for j in range(len(kernel)):
            if 0 <= t + j - around < len(x) and valid[t + j - around]:
                result[t] += kernel[j] * x[t + j - around]
    return result


def conformer_convolution(layer, x, valid):
    x = dense(layer.expansion, x)
    x = x[:, : layer.units] * sigmoid(x[:, layer.units :])
    x = depthwise(np.array(layer.depthwise.kernel, "float64")[:, 0, :, 0], x, valid)
    gamma, beta, mean, variance = (np.array(w, "float64") for w in layer.norm.weights)
    x = (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta
    return dense(layer.projection, x * sigmoid(x))


def conformer(model, features, valid):
    """Logits of one clip, in float64."""
    front = model.get_layer("subsampling")
    x = features[:, :, None].astype("float64")
    for layer in front.convolutions:
        x, valid = convolution(layer, x, valid)
    x = dense(front.projection, x.reshape(len(x), -1))
    for i in range(model.num_layers):
        block = model.get_layer(f"block_{i}")

        def feed_forward(k, x, block=block):
            hidden = dense(block.fc1[k], x)
            return dense(block.fc2[k], hidden * sigmoid(hidden))

        x = x + feed_forward(0, norm(block.norms[0], x)) / 2
        x = x + relative_attention(block.attention, norm(block.norms[1], x), valid)
        x = x + conformer_convolution(block.convolution, norm(block.norms[2], x), valid)
        x = norm(block.norms[4], x + feed_forward(1, norm(block.norms[3], x)) / 2)
    return dense(model.get_layer("classifier"), x[valid].mean(axis=0))


def gelu(x):
    """The tangent's approximation is not meant: the error function itself."""
    return x * (1 + np.array([[math.erf(v / math.sqrt(2)) for v in row] for row in x])) / 2


def haffformer(model, features, valid):
    """Logits of one clip, in float64."""
    x = dense(model.get_layer("projection"), features.astype("float64"))
    for i in range(3):
        for j in range(model.num_layers[i]):
            block = model.get_layer(f"level_{i + 1}_block_{j}")
            y, mixed = norm(block.convolution_norm, x), 0
            for layer in block.convolutions:
                kernel = np.array(layer.kernel, "float64")[:, 0, :, 0]
                mixed = mixed + gelu(depthwise(kernel, y, valid) + np.array(layer.bias))
            x = x + dense(block.projection, mixed)
            y = norm(block.feed_forward_norm, x)
            x = x + dense(block.fc2, gelu(dense(block.gate, y)) * dense(block.value, y))
        merge, scale = model.get_layer(f"merge_{i + 1}"), model.merge_scales[i]
        x = x * valid[:, None]
        blocks = [x[t : t + scale].sum(axis=0) / scale for t in range(0, len(x), scale)]
        valid = np.array([valid[t : t + scale].any() for t in range(0, len(valid), scale)])
        x = norm(merge.norm, dense(merge.projection, np.array(blocks)))
    return dense(model.get_layer("classifier"), x[valid].mean(axis=0))


class Reference:
    attention = staticmethod(attention)
    encoder_layer = staticmethod(encoder_layer)
    conv_transformer = staticmethod(conv_transformer)
    speechformer = staticmethod(speechformer)
    relative_attention = staticmethod(relative_attention)
    conformer = staticmethod(conformer)
    haffformer = staticmethod(haffformer)


@pytest.fixture(scope="session")
def reference():
    """Independent forms of the layers in NumPy, in loops."""
    return Reference


def randomize(model):
    """Gives every weight, biases and norms too, a random value, and a head that tells apart."""
    rng = np.random.default_rng(5)
    for variable in model.weights:
        if "variance" in variable.path:
            variable.assign(rng.uniform(0.5, 2, variable.shape).astype("float32"))
        elif "float" in variable.dtype:
            scale = 0.3 / np.sqrt(variable.shape[0]) if len(variable.shape) > 1 else 0.1
            value = np.array(variable) + scale * rng.standard_normal(variable.shape)
            variable.assign(value.astype("float32"))
    return model


def sharpen(model, features, mask=None, *, spread=1.0):
    """Turns the classifier of three classes to where clips differ most.

    `spread`: standard deviation of the first class's logit.

    Scores that hardly vary, as those of an untrained head, pass any tolerance.
    """
    layer = model.get_layer("classifier")
    pooled = keras.Model(model.inputs[0], layer.input)
    pooled.supports_masking = True
    vectors = call(pooled, features, mask)
    centred = vectors - vectors.mean(axis=0)
    _, values, directions = np.linalg.svd(centred)
    kernel = np.outer(directions[0], spread * np.array([1.0, -0.4, -0.6]))
    kernel *= np.sqrt(len(vectors)) / values[0]
    layer.kernel.assign(kernel)
    layer.bias.assign(-vectors.mean(axis=0) @ kernel)
    return model


@pytest.fixture(scope="session")
def randomized():
    return randomize


@pytest.fixture(scope="session")
def sharpened():
    return sharpen
