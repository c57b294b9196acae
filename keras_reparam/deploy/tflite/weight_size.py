"""How small the weights are: bits each, and what the file takes on its way to a phone."""

import zlib

from keras_reparam.deploy.tflite.tflite_file import INTEGERS
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph

# Shapes, axes and the int32 biases of int8 kernels are no weights to compress.
WEIGHT_DTYPES = ("float32", "float16", *INTEGERS)


def bits_per_weight(graph: TFLiteGraph) -> float:
    """Mean number of bits of the backbone's weights, biases in float among them; 0 without any."""
    weights = [t for t in graph.constants(graph.backbone) if t.dtype in WEIGHT_DTYPES]
    return 8 * sum(t.data_bytes for t in weights) / max(sum(t.values for t in weights), 1)


def deflated(content: bytes) -> int:
    """Bytes of the file as an app store sends it, compressed by DEFLATE."""
    return len(zlib.compress(content, 9))
