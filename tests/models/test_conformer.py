"""The Conformer against loops in NumPy and against another implementation's outputs."""

from pathlib import Path

import keras
import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.models import Conformer
from keras_reparam.models.conformer_block import ConformerBlock
from keras_reparam.models.conformer_convolution import ConformerConvolution
from keras_reparam.models.relative_self_attention import RelativeSelfAttention
from tests.models.helpers import call, check_scores_vary, softmax

SMALL = {
    "num_classes": 3,
    "num_mels": 10,
    "channels": 3,
    "units": 8,
    "num_layers": 2,
    "num_heads": 2,
    "feed_forward_units": 12,
    "kernel_size": 5,
}
RNG = np.random.default_rng(6)


def small(**options):
    return Conformer(**{**SMALL, **options})


@pytest.fixture(scope="module")
def other():
    """Inputs, weights and outputs of Wav2Vec2Conformer (see make_conformer_reference.py)."""
    with np.load(Path(__file__).with_name("conformer_reference.npz")) as file:
        return {name: file[name] for name in file.files}


def block_of(other, i):
    state = {
        name.removeprefix(f"block_{i}/"): value
        for name, value in other.items()
        if name.startswith(f"block_{i}/")
    }
    block = ConformerBlock(16, num_heads=4, feed_forward_units=24, kernel_size=7)
    block.build((None, 13, 16))

    def linear(layer, *names):
        layer.kernel.assign(np.concatenate([state[f"{n}.weight"] for n in names]).T)
        if layer.use_bias:
            layer.bias.assign(np.concatenate([state[f"{n}.bias"] for n in names]))

    for layer, k in zip(block.fc1, (1, 2), strict=True):
        linear(layer, f"ffn{k}.intermediate_dense")
    for layer, k in zip(block.fc2, (1, 2), strict=True):
        linear(layer, f"ffn{k}.output_dense")
    attention = block.attention
    linear(attention.qkv, *(f"self_attn.linear_{x}" for x in "qkv"))
    linear(attention.output_projection, "self_attn.linear_out")
    linear(attention.position_projection, "self_attn.linear_pos")
    attention.content_bias.assign(state["self_attn.pos_bias_u"][:, None])
    attention.position_bias.assign(state["self_attn.pos_bias_v"][:, None])
    convolution = block.convolution
    # Theirs has no biases here.
    convolution.expansion.kernel.assign(state["conv_module.pointwise_conv1.weight"][:, :, 0].T)
    convolution.projection.kernel.assign(state["conv_module.pointwise_conv2.weight"][:, :, 0].T)
    depthwise = state["conv_module.depthwise_conv.weight"][:, 0].T
    convolution.depthwise.kernel.assign(depthwise[:, None, :, None])
    names = ("weight", "bias", "running_mean", "running_var")
    convolution.norm.set_weights([state[f"conv_module.batch_norm.{name}"] for name in names])
    names = ("ffn1_layer", "self_attn_layer", "conv_module.layer", "ffn2_layer", "final_layer")
    for norm, name in zip(block.norms, names, strict=True):
        norm.set_weights([state[f"{name}_norm.weight"], state[f"{name}_norm.bias"]])
    return block


@pytest.mark.backend
def test_attention_is_that_of_another_implementation(other):
    attention = block_of(other, 0).attention
    check_scores_vary(other["attended"])
    attended = call(attention, other["x"], other["mask"])
    np.testing.assert_allclose(attended, other["attended"], atol=1e-5)


@pytest.mark.backend
def test_blocks_are_those_of_another_implementation(other):
    check_scores_vary(other["y"])
    x = other["x"]
    for i in range(2):
        x = call(block_of(other, i), x)
    np.testing.assert_allclose(x, other["y"], atol=1e-5)


@pytest.mark.backend
@pytest.mark.parametrize("frames", [1, 2, 7])
def test_attention_is_the_reference(reference, randomized, frames):
    layer = RelativeSelfAttention(12, num_heads=3)
    layer.build((None, frames, 12))
    randomized(layer)
    x = RNG.standard_normal((2, frames, 12)).astype("float32")
    mask = np.arange(frames)[None] < np.array([[frames], [max(1, frames - 3)]])
    outputs = call(layer, x, mask)
    for clip, valid, y in zip(x, mask, outputs, strict=True):
        np.testing.assert_allclose(y, reference.relative_attention(layer, clip, valid), atol=1e-5)


@pytest.mark.backend
def test_its_function_is_the_reference(reference, randomized, sharpened):
    x = RNG.standard_normal((3, 23, 10)) + 2 * RNG.standard_normal((3, 1, 10))
    x = x.astype("float32")
    model = sharpened(randomized(small(frames=23)), x)
    mask = np.arange(23)[None] < np.array([[23], [14], [1]])
    expected = [
        reference.conformer(model, clip, valid) for clip, valid in zip(x, mask, strict=True)
    ]
    check_scores_vary(expected)
    np.testing.assert_allclose(call(model, x, mask), expected, atol=2e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="counts are the same")
@pytest.mark.parametrize(
    ("size", "layers", "published"), [("S", 16, 8.7e6), ("M", 16, 27.3e6), ("L", 17, 115.1e6)]
)
def test_published_parameter_counts(size, layers, published):
    """Of the encoder on 80 mels, within 2 %; counted on one layer, to be frugal."""
    one, two = (
        kr.models.create("conformer", size=size, num_classes=4, num_mels=80, num_layers=n)
        for n in (1, 2)
    )
    block = two.count_params() - one.count_params()
    head = one.get_layer("classifier").count_params()
    encoder = one.count_params() - head + (layers - 1) * block
    assert abs(encoder / published - 1) <= 0.02
    assert kr.models.sizes.SIZES["conformer"][size]["num_layers"] == layers


@pytest.mark.backend
def test_statistics_are_those_of_valid_frames():
    layer = ConformerConvolution(4, kernel_size=3)
    x = RNG.standard_normal((2, 9, 4)).astype("float32")
    mask = np.arange(9)[None] < np.array([[9], [4]])
    changed = np.where(mask[:, :, None], x, 50).astype("float32")
    layer(x, mask=mask, training=True)
    first = [np.array(weight) for weight in layer.norm.weights]
    # The moving averages have seen the valid frames once: mean of their convolution.
    gated = np.array(layer.expansion(x))
    gated = gated[:, :, :4] / (1 + np.exp(-gated[:, :, 4:])) * mask[:, :, None]
    padded = np.pad(gated, ((0, 0), (1, 1), (0, 0)))
    kernel = np.array(layer.depthwise.kernel)[:, 0, :, 0]
    convolved = sum(padded[:, i : i + 9] * kernel[i] for i in range(3))[mask]
    np.testing.assert_allclose(first[2], 0.1 * convolved.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(first[3], 0.9 + 0.1 * convolved.var(axis=0), atol=1e-4)
    layer.norm.set_weights([np.ones(4), np.zeros(4), np.zeros(4), np.ones(4)])
    layer(changed, mask=mask, training=True)
    for weight, value in zip(layer.norm.weights, first, strict=True):
        np.testing.assert_allclose(np.array(weight), value, atol=1e-6)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the same rule")
@pytest.mark.slow
def test_expanded_in_multiples_of_the_input_also_from_a_file_or_within_a_model(tmp_path):
    light = small(frames=20, num_layers=1)
    light.save(tmp_path / "light.keras")
    wave = kr.models.with_front_end(light, kr.audio.LogMel(num_mels=10))
    for model in (light, keras.saving.load_model(tmp_path / "light.keras"), wave):
        ranks = [row.rank for row in kr.summary(kr.expand(model, expansion=2)).rows if row.rank]
        assert ranks == 2 * [2 * 8]
    again = kr.expand(kr.merge(kr.expand(light, expansion=3)), expansion=2, expansion_base="units")
    assert [row.rank for row in kr.summary(again).rows if row.rank] == 2 * [2 * 12]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="converts in TensorFlow")
@pytest.mark.slow
def test_batch_normalization_folds_into_the_depthwise_kernel(randomized, sharpened):
    from keras_reparam.deploy.conversion.convert import convert
    from keras_reparam.deploy.runtime.runtime import Runtime
    from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph

    x = RNG.standard_normal((3, 40, 10)) + 2 * RNG.standard_normal((3, 1, 10))
    x = x.astype("float32")
    # With statistics that are not those of a new model.
    model = sharpened(randomized(small(frames=40, num_layers=1)), x)
    content = convert(model, (40, 10)).content
    graph = TFLiteGraph(content)
    (depthwise,) = [x for x in graph.operators if x.name == "DEPTHWISE_CONV_2D"]
    kernel, bias = (graph.tensors[i] for i in depthwise.inputs[1:])
    assert sorted(kernel.shape) == [1, 1, 5, 8]
    assert bias.shape == (8,)
    # What follows is Swish, x * sigmoid(x): no constant of BatchNorm is left.
    following = [x for x in graph.operators if depthwise.outputs[0] in x.inputs]
    assert sorted(x.name for x in following) == ["LOGISTIC", "MUL"]
    assert not any(graph.is_constant(i) for x in following for i in x.inputs)
    expected = softmax(call(model, x))
    check_scores_vary(expected)
    run = Runtime(content)
    np.testing.assert_allclose([run(clip) for clip in x], expected, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"num_classes": 0},
        {"num_mels": -1},
        {"frames": 0},
        {"channels": 0},
        {"units": 10, "num_heads": 4},
        {"units": 9, "num_heads": 3},
        {"num_layers": 0},
        {"num_heads": 3},
        {"feed_forward_units": 1.5},
        {"kernel_size": 32},
        {"kernel_size": 0},
        {"dropout": 1.0},
    ],
    ids=str,
)
def test_bad_options(options):
    with pytest.raises(ValueError, match="Received: "):
        small(**options)
