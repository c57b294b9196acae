"""A Whisper of a few weights, as a file of CTranslate2, and its encoder in NumPy alone."""

import struct

import numpy as np
from scipy.special import erf

WIDTH, HEADS, LAYERS, MELS, HIDDEN, POSITIONS = 8, 2, 3, 80, 12, 200
TYPES = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}


def variables(seed=7):
    """What such a file holds, in float16."""
    rng = np.random.default_rng(seed)

    def random(*shape):
        return rng.normal(0, 0.3, shape).astype("float16")

    def linear(name, units, inputs):
        return {f"{name}/weight": random(units, inputs), f"{name}/bias": random(units)}

    def norm(name):
        return {f"{name}/gamma": 1 + random(WIDTH), f"{name}/beta": random(WIDTH)}

    found = {
        "encoder/num_heads": np.array(HEADS, "int16"),
        "encoder/conv1/weight": random(WIDTH, MELS, 3) / 8,
        "encoder/conv1/bias": random(WIDTH),
        "encoder/conv2/weight": random(WIDTH, WIDTH, 3),
        "encoder/conv2/bias": random(WIDTH),
        "encoder/position_encodings/encodings": random(POSITIONS, WIDTH),
        "decoder/position_encodings/encodings": random(5, WIDTH),
        "decoder/embeddings/weight": random(11, WIDTH),
    }
    for part in ("encoder", "decoder"):
        found |= norm(f"{part}/layer_norm")
        for number in range(LAYERS):
            layer = f"{part}/layer_{number}"
            found |= linear(f"{layer}/self_attention/linear_0", 3 * WIDTH, WIDTH)
            found[f"{layer}/self_attention/linear_0/bias"][WIDTH : 2 * WIDTH] = 0
            found |= linear(f"{layer}/self_attention/linear_1", WIDTH, WIDTH)
            found |= norm(f"{layer}/self_attention/layer_norm")
            found |= linear(f"{layer}/ffn/linear_0", HIDDEN, WIDTH)
            found |= linear(f"{layer}/ffn/linear_1", WIDTH, HIDDEN)
            found |= norm(f"{layer}/ffn/layer_norm")
            if part == "decoder":
                found |= linear(f"{layer}/attention/linear_0", WIDTH, WIDTH)
                found |= linear(f"{layer}/attention/linear_1", 2 * WIDTH, WIDTH)
                found[f"{layer}/attention/linear_1/bias"][:WIDTH] = 0
                found |= linear(f"{layer}/attention/linear_2", WIDTH, WIDTH)
                found |= norm(f"{layer}/attention/layer_norm")
    return found


def written(variables, spec="WhisperSpec", version=6, aliases=()):
    """The bytes of the file."""

    def text(name):
        return struct.pack("<H", len(name) + 1) + name.encode() + b"\0"

    parts = [struct.pack("<I", version), text(spec), struct.pack("<II", 3, len(variables))]
    for name, value in variables.items():
        parts += [text(name), struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape)]
        parts += [struct.pack("<BI", TYPES[value.dtype.name], value.nbytes), value.tobytes()]
    parts.append(struct.pack("<I", len(aliases)))
    return b"".join([*parts, *(text(name) for alias in aliases for name in alias)])


def encoded(variables, features):
    """Outputs of the layers, and of the final normalisation: `(LAYERS + 1, frames, WIDTH)`."""
    found = {name: np.asarray(value, "float64") for name, value in variables.items()}

    def linear(name, x):
        return x @ found[f"{name}/weight"].T + found[f"{name}/bias"]

    def norm(name, x):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)
        return x * found[f"{name}/gamma"] + found[f"{name}/beta"]

    def gelu(x):
        return x * (1 + erf(x / np.sqrt(2))) / 2

    def convolved(name, x, stride):
        x = np.pad(x, ((1, 1), (0, 0)))
        steps = range(0, len(x) - 2, stride)
        weight = found[f"{name}/weight"]
        return (
            np.stack([np.einsum("ti,oit->o", x[i : i + 3], weight) for i in steps])
            + (found[f"{name}/bias"])
        )

    def heads(x):
        return x.reshape(len(x), HEADS, -1).swapaxes(0, 1)

    def attention(name, x):
        query, key, value = map(heads, np.split(linear(f"{name}/linear_0", x), 3, axis=1))
        scores = query @ key.swapaxes(1, 2) / np.sqrt(WIDTH / HEADS)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        return linear(f"{name}/linear_1", (shares @ value).swapaxes(0, 1).reshape(len(x), -1))

    x = gelu(convolved("encoder/conv1", features, 1))
    x = gelu(convolved("encoder/conv2", x, 2))
    x = x + found["encoder/position_encodings/encodings"][: len(x)]
    outputs = []
    for number in range(LAYERS):
        layer = f"encoder/layer_{number}"
        x = x + attention(f"{layer}/self_attention", norm(f"{layer}/self_attention/layer_norm", x))
        hidden = gelu(linear(f"{layer}/ffn/linear_0", norm(f"{layer}/ffn/layer_norm", x)))
        x = x + linear(f"{layer}/ffn/linear_1", hidden)
        outputs.append(x)
    return np.stack([*outputs, norm("encoder/layer_norm", x)])
