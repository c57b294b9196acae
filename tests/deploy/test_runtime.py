"""What `Runtime` says of files that LiteRT runs and it does not."""

import pytest
from ai_edge_litert import schema_py_generated as schema

from keras_reparam.deploy.runtime.runtime import Runtime
from keras_reparam.deploy.tflite.tflite_buffers import pack_model


def identity(*shapes, inputs, outputs):
    """A `.tflite` without operators, of float32 tensors of the given shapes."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, model.operatorCodes = 3, [schema.BufferT()], []
    model.subgraphs, graph.operators, graph.tensors = [graph], [], []
    graph.inputs, graph.outputs = inputs, outputs
    for shape in shapes:
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer = shape, schema.TensorType.FLOAT32, 0
        tensor.name = f"t{len(graph.tensors)}"
        graph.tensors.append(tensor)
    return pack_model(model)


def test_one_input_and_one_output_of_scores():
    runtime = Runtime(identity([1, 3], inputs=[0], outputs=[0]))
    assert (runtime.input_shape, runtime.num_classes) == ((1, 3), 3)
    for content, message in (
        (identity([1, 3], inputs=[], outputs=[0]), r"one float32 or int8 input.*inputs \[\]"),
        (identity([], [1, 3], inputs=[0], outputs=[1]), r"of batch 1.*\('float32', \[\]\)"),
        (identity([2, 3], inputs=[0], outputs=[0]), r"of batch 1.*\[2, 3\]"),
        (identity([1, 3], inputs=[0], outputs=[]), r"one float32 or int8 output.*outputs \[\]"),
        (identity([1, 3, 2], inputs=[0], outputs=[0]), r"output \[1, classes\].*\[1, 3, 2\]"),
    ):
        with pytest.raises(ValueError, match=message):
            Runtime(content)
