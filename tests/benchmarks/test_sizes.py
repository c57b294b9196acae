"""The table of sizes, against counts that know nothing of exported graphs, and in the documents."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.benchmarks import sizes
from keras_reparam.benchmarks.markdown import markdown
from keras_reparam.models.sizes import SIZES
from tests.marks import slow_but

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "backbones.md"


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


@pytest.fixture(scope="module")
def published():
    """The page's rows by (backbone, size)."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("|") and "MACs" in line)
    found = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return found
        found[tuple(cells(line)[:2])] = cells(line)


def shown(**values):
    """A row's cells as the command prints them."""
    row = {"num_mels": 64, "parameters": 0, "macs": 0, "int8_bytes": 0, **values}
    table = sizes.SizeTable(rows=(sizes.SizeRow(**row),), environment={})
    return cells(markdown(table.__rich__()).splitlines()[2])


def trained(model):
    return sum(variable.value.shape.num_elements() for variable in model.trainable_variables)


def tensorflow_macs(model):
    """Half of the floating-point operations that TensorFlow counts in linear operators."""
    import tensorflow as tf
    from tensorflow.python.framework.ops import get_stats_for_node_def

    spec = tf.TensorSpec((1, *model.input_shape[1:]))
    call = tf.function(lambda x: model(x, training=False), autograph=False)
    graph = call.get_concrete_function(spec).graph
    names = ("MatMul", "BatchMatMulV2", "Conv2D", "DepthwiseConv2dNative")
    flops = [
        get_stats_for_node_def(graph, operation.node_def, "flops").value
        for operation in graph.get_operations()
        if operation.type in names
    ]
    macs = sum(flops) // 2
    if isinstance(model, kr.models.Conformer):
        # The projections of all distances depend on no input: the exporter multiplies them out.
        distances = 2 * -(-model.frames // 4) - 1
        macs -= model.num_layers * distances * model.units**2
    return macs


def test_every_size_stands_in_the_readme(published):
    assert list(published) == [(name, size) for name, options in SIZES.items() for size in options]


# The Conformer's follows, with its bytes.
@pytest.mark.parametrize(
    "backbone", slow_but([name for name in SIZES if name != "conformer"], "conv_transformer")
)
def test_light_rows_of_the_readme(published, backbone):
    model = kr.models.create(backbone, num_classes=4)
    row = shown(
        backbone=backbone,
        size="light",
        parameters=trained(model),
        macs=tensorflow_macs(model),
    )
    assert published[backbone, "light"][:-1] == row[:-1]


@pytest.mark.parametrize(("size", "parameters"), [("S", 1_059_428), ("B", 2_095_300)])
def test_published_rows_of_the_readme(published, size, parameters):
    model = kr.models.create("speechformer", size=size, num_classes=4, num_mels=128)
    assert trained(model) == parameters
    assert published["speechformer", size][2:4] == ["128", f"{parameters:,}"]


@pytest.fixture
def in_this_process(monkeypatch):
    """It has imported TensorFlow already."""
    monkeypatch.setattr(sizes, "_in_child", lambda step, *rest: sizes._STEPS[step](*rest))


@pytest.mark.slow
def test_a_whole_row(published, in_this_process):
    """The Conformer has every kind of operator that counts."""
    row = sizes.measure_size("conformer", "light")
    model = kr.models.create("conformer", num_classes=4)
    assert row.parameters == trained(model)
    assert row.macs == tensorflow_macs(model)
    found, expected = published["conformer", "light"], shown(**dataclasses.asdict(row))
    assert found[:-1] == expected[:-1]
    # Another version of the converter may name its tensors otherwise.
    assert float(found[-1]) == pytest.approx(float(expected[-1]), rel=0.01)


@pytest.mark.slow
def test_bytes_are_those_of_any_trained_model(in_this_process, tmp_path):
    row = sizes.measure_size("conv_transformer", "light")
    model = sizes.create_random("conv_transformer", "light")
    for weight in model.weights:
        weight.assign(-2 * weight)
    data = np.random.default_rng(7).normal(0, 3, (2, 400, 64)).astype("float32")
    report = kr.export_tflite(model, tmp_path / "model.tflite", representative_data=data)
    # The names of the models differ.
    assert row.int8_bytes == pytest.approx(report.size, abs=64)


def test_choose():
    everything = [(name, size) for name, options in SIZES.items() for size in options]
    assert sizes.choose() == everything
    assert sizes.choose(["speechformer"], ["B", "light"]) == [
        ("speechformer", "light"),
        ("speechformer", "B"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["transformer"], "conv_transformer"),
        (["haffformer", "--size", "S"], "light, large"),
        (["--size", "huge"], "huge"),
    ],
)
def test_bad_use_is_one_line(capsys, arguments, message):
    assert sizes.main(arguments) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


@pytest.fixture
def without_exports(monkeypatch):
    def measured(backbone, size):
        return sizes.SizeRow(
            backbone=backbone,
            size=size,
            num_mels=64,
            parameters=153076,
            macs=24473856,
            int8_bytes=284992,
        )

    monkeypatch.setattr(sizes, "measure_size", measured)


def test_command(without_exports, capsys):
    arguments = ["conv_transformer", "--size", "light"]
    assert sizes.main([*arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["rows"][0]["macs"] == 24473856
    assert {"cpu", "tensorflow", "litert-quantizer"} <= set(report["environment"])
    assert sizes.main([*arguments, "--markdown"]) == 0
    header, rule, row, _, versions = capsys.readouterr().out.splitlines()
    assert cells(header)[:3] == ["backbone", "size", "mels"]
    assert set(rule) <= set("|-")
    assert cells(row)[3:] == ["153,076", "24.5 M", "285"]
    assert "tensorflow 2." in versions
    assert sizes.main(arguments) == 0
    assert "153,076" in capsys.readouterr().out


def test_help_of_the_module(run_python):
    child = run_python("-m", "keras_reparam.models", "--help")
    assert child.returncode == 0 and "Example: python -m keras_reparam.models" in child.stdout
    assert not child.stderr
