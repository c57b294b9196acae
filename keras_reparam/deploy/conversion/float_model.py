"""The float32 model of an export, between the converter and the passes that make the file."""

import copy
import dataclasses
import functools

from ai_edge_litert import schema_py_generated as schema

from keras_reparam.deploy.tflite.tflite_buffers import pack_model, unpack_model
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph


@dataclasses.dataclass(frozen=True)
class FloatModel:
    """A float32 `.tflite` with one signature, in the forms that different steps need.

    Nobody changes it: it is what every kind is made from and compared with.

    Attributes:
        packed: The schema's objects.
    """

    packed: schema.ModelT

    @classmethod
    def of(cls, content: bytes) -> "FloatModel":
        """The model in the bytes of a file."""
        return cls(unpack_model(content))

    @functools.cached_property
    def content(self) -> bytes:
        """Bytes: what LiteRT and litert-quantizer take."""
        return pack_model(self.packed)

    @functools.cached_property
    def graph(self) -> TFLiteGraph:
        """Operators and tensors, checked."""
        return TFLiteGraph(self.content)

    def copy(self) -> schema.ModelT:
        """Objects of its own for whoever changes them."""
        return copy.deepcopy(self.packed)

    def with_ends(self, outputs: list[int], operators: list) -> schema.ModelT:
        """The model with other outputs, and with these operators alone; it shares all else.

        Args:
            outputs: Indices of tensors of the first subgraph.
            operators: Some of its operators.
        """
        changed, graph = copy.copy(self.packed), copy.copy(self.packed.subgraphs[0])
        graph.outputs, graph.operators = outputs, operators
        changed.subgraphs, changed.buffers = [graph], list(self.packed.buffers)
        return changed
