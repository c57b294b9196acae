"""References that the tests of the backbones share."""

import numpy as np
import pytest


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


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
    kernel, bias = np.array(layer.kernel, "float64"), np.array(layer.bias, "float64")
    result = np.zeros((-(-frames // 2), -(-mels // 2), kernel.shape[-1]))
    for t in range(result.shape[0]):
        for m in range(result.shape[1]):
            total = bias.copy()
            for i in range(3):
                for j in range(3):
                    a, b = 2 * t + i - 1, 2 * m + j - 1
                    if 0 <= a < frames and 0 <= b < mels and valid[a]:
                        total = total + x[a, b] @ kernel[i, j]
            result[t, m] = np.maximum(total, 0)
    return result, valid[::2]


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
    return dense(model.get_layer("classifier"), x[valid].mean(axis=0))


class Reference:
    attention = staticmethod(attention)
    encoder_layer = staticmethod(encoder_layer)
    conv_transformer = staticmethod(conv_transformer)


@pytest.fixture(scope="session")
def reference():
    """Independent forms of the layers in NumPy, in loops."""
    return Reference


def randomize(model):
    """Gives every weight, biases and norms too, a random value."""
    rng = np.random.default_rng(5)
    for variable in model.weights:
        if "float" in variable.dtype:
            scale = 0.3 / np.sqrt(variable.shape[0]) if len(variable.shape) > 1 else 0.1
            value = np.array(variable) + scale * rng.standard_normal(variable.shape)
            variable.assign(value.astype("float32"))
    return model


@pytest.fixture(scope="session")
def randomized():
    return randomize
