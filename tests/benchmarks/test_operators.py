"""Operators cut out of a file compute what they compute in it."""

from importlib import resources

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from rich.console import Console

from keras_reparam.benchmarks import operators
from keras_reparam.benchmarks.operators import profile_tflite
from keras_reparam.deploy.tflite.tflite_buffers import pack_model, unpack_model
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph

SHIPPED = resources.files("keras_reparam") / "pretrained"


def half_precision() -> bytes:
    """y = W x with float16 weights, which a DEQUANTIZE of a constant unpacks."""

    def tensor(name, shape, dtype, buffer=0):
        made = schema.TensorT()
        made.name, made.shape, made.type, made.buffer = name, shape, dtype, buffer
        return made

    def operator(code, inputs, outputs):
        made = schema.OperatorT()
        made.opcodeIndex, made.inputs, made.outputs = code, inputs, outputs
        return made

    codes = []
    for builtin in (schema.BuiltinOperator.DEQUANTIZE, schema.BuiltinOperator.FULLY_CONNECTED):
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.version = 3 if builtin == schema.BuiltinOperator.DEQUANTIZE else 1
        codes.append(code)
    weights = schema.BufferT()
    weights.data = np.arange(12, dtype="float16").view("uint8")
    half, single = schema.TensorType.FLOAT16, schema.TensorType.FLOAT32
    graph = schema.SubGraphT()
    graph.tensors = [
        tensor("x", [1, 4], single),
        tensor("half", [3, 4], half, 1),
        tensor("weights", [3, 4], single),
        tensor("y", [1, 3], single),
    ]
    linear = operator(1, [0, 2, -1], [3])
    linear.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    linear.builtinOptions = schema.FullyConnectedOptionsT()
    graph.operators = [operator(0, [1], [2]), linear]
    graph.inputs, graph.outputs = [0], [3]
    model = schema.ModelT()
    model.version, model.operatorCodes = 3, codes
    model.subgraphs, model.buffers = [graph], [schema.BufferT(), weights]
    return pack_model(model)


def test_profile_has_the_operators_of_the_file():
    content = (SHIPPED / "ser_int8.tflite").read_bytes()
    profile = profile_tflite(content, file="ser.tflite", rounds=2)
    graph = TFLiteGraph(content)
    # Both convolutions pad: one operator on the CPU each. Constants are unpacked when it is loaded.
    names = [operator.name for operator in graph.operators]
    joined = [i for i in range(len(names)) if names[i : i + 2] == ["PAD", "CONV_2D"]]
    assert len(joined) == 2 and set(joined) <= graph.backbone
    joined += [
        i
        for i, operator in enumerate(graph.operators)
        if operator.name == "DEQUANTIZE" and graph.is_constant(operator.inputs[0])
    ]
    assert len(joined) == 6
    assert [(row.index, row.operator) for row in profile.rows] == [
        (i, operator.name) for i, operator in enumerate(graph.operators) if i not in joined
    ]
    assert {row.part for row in profile.rows} == {"front end", "backbone"}
    assert sum(row.int8 for row in profile.rows) == sum(
        graph.is_int8(operator) for i, operator in enumerate(graph.operators) if i not in joined
    )
    assert all(row.milliseconds >= 0 for row in profile.rows)
    assert min(profile.milliseconds, profile.total) > 0
    console = Console(record=True, width=100)
    with console.capture() as shown:
        console.print(profile)
    for text in ("ser.tflite", "FULLY_CONNECTED int8", "front end", "BATCH_MATMUL", "whole file"):
        assert text in shown.get()


# The delegate and the builtin kernels round float activations to int8 each in their way.
@pytest.mark.parametrize(("kind", "tolerance"), [("float32", 1e-5), ("int8", 1e-2)])
def test_operators_alone_compute_what_they_compute_in_the_file(kind, tolerance):
    content = (SHIPPED / f"ser_{kind}.tflite").read_bytes()
    graph, unpacked = TFLiteGraph(content), unpack_model(content)
    values = operators._values(content)
    constant = operators._constant_operators(graph)
    for index, operator in enumerate(graph.operators):
        if index in constant:
            continue
        alone = operators._alone(unpacked, graph, [index], values)
        alone.invoke()
        for about, tensor in zip(alone.get_output_details(), operator.outputs, strict=True):
            ours, theirs = alone.get_tensor(about["index"]), values.get_tensor(tensor)
            assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
            if ours.dtype == np.float32:
                scale = np.abs(theirs).max(initial=1.0)
                np.testing.assert_allclose(ours / scale, theirs / scale, rtol=0, atol=tolerance)
            else:
                assert np.abs(ours.astype("int64") - theirs).max(initial=0) <= 1, operator.name


def test_operators_on_constants_belong_to_those_that_read_them():
    profile = profile_tflite(half_precision(), file="half.tflite", rounds=2)
    (row,) = profile.rows
    assert (row.index, row.operator, row.tensor) == (1, "FULLY_CONNECTED", "y")


def test_several_graphs_are_refused():
    model = unpack_model(half_precision())
    model.subgraphs = [model.subgraphs[0], model.subgraphs[0]]
    with pytest.raises(ValueError, match="Only a file of one graph"):
        profile_tflite(pack_model(model), file="loop.tflite", rounds=1)
