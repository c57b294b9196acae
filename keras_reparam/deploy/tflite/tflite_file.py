"""What a `.tflite` file holds, read so that no file can do harm."""

import dataclasses
import math
from collections.abc import Iterable

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from keras_reparam.deploy.tflite.flat_table import FlatTable
from keras_reparam.deploy.tflite.tflite_buffers import MODEL_IDENTIFIER

_SCHEMA_VERSION = 3
# No kernel knows more than 8. The number of values of thousands of axes would have thousands of
# digits.
_MOST_AXES = 32
_OPERATOR_NAMES = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)
}
_TYPE_NAMES = {
    code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)
}
# Types of weights that kernels multiply as integers.
INTEGERS = ("int8", "int4", "int2")
_BITS = {
    **dict.fromkeys(("bool", "int8", "uint8", "float8_e4m3fn", "float8_e5m2"), 8),
    **dict.fromkeys(("float16", "bfloat16", "int16", "uint16"), 16),
    **dict.fromkeys(("float32", "int32", "uint32"), 32),
    **dict.fromkeys(("float64", "int64", "uint64", "complex64"), 64),
    **{"complex128": 128, "int4": 4, "uint4": 4, "int2": 2},
}


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor.

    Attributes:
        name: As the file has it; names need not be distinct.
        shape: Its shape; an axis that may change has some length here, mostly 1.
        dtype: Type of its values, e.g. `"int8"`.
        start: Where its constant begins in the file.
        data_bytes: What its constant takes in the file, 0 for an activation.
        buffer: Index of the buffer that holds the constant.
        signature: Its shape; an axis that may change is -1 here.
        variable: Whether it keeps its values from one call to the next.
        scales: `real = scale * (value - zero_point)`: one scale, or one per slice along `axis`.
            Empty if the tensor is not quantized.
        zero_points: As many as scales.
        axis: The axis that the scales belong to.
        blockwise: Whether there is a scale per block of values.
        sparse: Whether its zeros are left out of the file.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    data_bytes: int
    buffer: int
    start: int = 0
    signature: tuple[int, ...] = ()
    variable: bool = False
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    axis: int = 0
    blockwise: bool = False
    sparse: bool = False

    @property
    def dynamic(self) -> bool:
        """Whether an axis has no fixed length."""
        return -1 in self.signature

    @property
    def values(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def num_bytes(self) -> int:
        """Bytes that the values take in memory; 0 for strings and resources."""
        return -(-self.values * _BITS.get(self.dtype, 0) // 8)


@dataclasses.dataclass(frozen=True)
class Operator:
    """An operator: `name` is the builtin one, or `"CUSTOM <name>"`; -1 is a tensor left out.

    `activation` says whether a FULLY_CONNECTED has one fused; nobody asks it of the others.
    `calls` are the graphs that a CALL_ONCE runs at first, which need not exist.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    version: int = 1
    activation: bool = False
    calls: tuple[int, ...] = ()


@dataclasses.dataclass(frozen=True)
class Subgraph:
    """Tensors, and the operators in order of execution."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def is_constant(self, tensor: int) -> bool:
        """Whether the tensor is stored in the file."""
        return tensor >= 0 and self.tensors[tensor].data_bytes > 0

    def is_int8(self, operator: Operator) -> bool:
        """Whether the operator has weights of at most 8 bits, or gives an int8 result."""
        made = [self.tensors[t].dtype for t in operator.outputs if t >= 0]
        weights = [self.tensors[t].dtype for t in operator.inputs if self.is_constant(t)]
        return "int8" in made or any(dtype in INTEGERS for dtype in weights)


@dataclasses.dataclass(frozen=True)
class Signature:
    """A named way to call the model: names of inputs and outputs to indices of tensors."""

    name: str
    inputs: dict[str, int]
    outputs: dict[str, int]
    subgraph: int


@dataclasses.dataclass(frozen=True)
class TFLiteFile:
    """The checked content of a `.tflite` file.

    Attributes:
        subgraphs: At least one; the first is the model.
        signatures: Named ways to call it.
        metadata: Names of the metadata entries.
        external_weights: Whether weights lie in other files.
    """

    subgraphs: tuple[Subgraph, ...]
    signatures: tuple[Signature, ...]
    metadata: tuple[str, ...]
    external_weights: bool


def read_tflite(content: bytes) -> TFLiteFile:
    """The content of a `.tflite` file; the bytes may come from anywhere.

    Every offset, length and index is checked before it is followed. Time and memory are bounded
    by a multiple of the file's size, whatever it claims to hold.

    Args:
        content: Bytes of the file.

    Returns:
        A `TFLiteFile`.

    Raises:
        ValueError: If the bytes are no sound `.tflite` file.
    """
    if content[4:8] != MODEL_IDENTIFIER:
        raise ValueError("This is no .tflite file: it does not have the identifier 'TFL3'.")
    try:
        return _read(content)
    except ValueError as error:
        raise ValueError(
            f"This .tflite file is broken: {error}. Copy or export it again."
        ) from error


def _read(content: bytes) -> TFLiteFile:
    root = FlatTable.root(content)
    if root.uint32(0) != _SCHEMA_VERSION:
        raise ValueError(f"its schema has the version {root.uint32(0)} and not 3")
    codes = [_operator_code(code) for code in root.tables(1)]
    spans = tuple(_span(buffer, len(content)) for buffer in root.tables(4))
    if sum(size for _, size in set(spans)) > len(content):
        raise ValueError("its constants overlap")
    subgraphs = tuple(_subgraph(subgraph, codes, spans) for subgraph in root.tables(2))
    if not subgraphs:
        raise ValueError("it holds no graph")
    metadata = []
    for entry in root.tables(6):
        _checked("buffer", entry.uint32(1), len(spans))
        metadata.append(entry.text(0))
    return TFLiteFile(
        subgraphs=subgraphs,
        signatures=tuple(_signature(table, subgraphs) for table in root.tables(7)),
        metadata=tuple(metadata),
        external_weights=bool(root.span(9, 4)[1]),
    )


def _operator_code(code: FlatTable) -> tuple[str, int]:
    # Files from before 2021 hold the code in the deprecated field alone.
    builtin = max(code.int8(0), code.int32(3))
    if builtin == schema.BuiltinOperator.CUSTOM:
        return f"CUSTOM {code.text(1)}", code.int32(2, 1)
    return _OPERATOR_NAMES.get(builtin, f"BUILTIN {builtin}"), code.int32(2, 1)


def _span(buffer: FlatTable, length: int) -> tuple[int, int]:
    """Where a constant lies: inside the flatbuffer, or after it in files over 2 GB."""
    start, size = buffer.uint64(1), buffer.uint64(2)
    # 0 and 1 are placeholders of the schema.
    if start <= 1:
        return buffer.span(0, 1)
    if start + size > length:
        raise ValueError(f"{size} bytes of a constant at {start} lie outside its {length} bytes")
    return start, size


def _subgraph(table: FlatTable, codes: list, spans: tuple) -> Subgraph:
    tensors = tuple(_tensor(tensor, spans) for tensor in table.tables(0))
    operators = []
    for operator in table.tables(3):
        name, version = codes[_checked("operator code", operator.uint32(0), len(codes))]
        # An optional tensor that is left out is -1.
        inputs = _indices("tensor", operator.numbers(1, "<i4"), len(tensors), least=-1)
        outputs = _indices("tensor", operator.numbers(2, "<i4"), len(tensors), least=-1)
        options = operator.table(4) if name in ("FULLY_CONNECTED", "CALL_ONCE") else None
        activation, calls = False, ()
        if name == "FULLY_CONNECTED" and options is not None:
            activation = options.int8(0) != schema.ActivationFunctionType.NONE
        elif name == "CALL_ONCE":
            # The first graph is left out, as every number that is 0.
            calls = (0 if options is None else options.int32(0),)
        operators.append(Operator(name, inputs, outputs, version, activation, calls))
    return Subgraph(
        tensors=tensors,
        operators=tuple(operators),
        inputs=_indices("tensor", table.numbers(1, "<i4"), len(tensors)),
        outputs=_indices("tensor", table.numbers(2, "<i4"), len(tensors)),
    )


def _tensor(table: FlatTable, spans: tuple) -> Tensor:
    buffer = _checked("buffer", table.uint32(2), len(spans))
    shape, signature = table.numbers(0, "<i4"), table.numbers(7, "<i4")
    for lengths in (shape, signature):
        if lengths.size > _MOST_AXES:
            raise ValueError(f"a tensor has {lengths.size} axes")
        if lengths.size and lengths.min() < -1:
            raise ValueError(f"a tensor has an axis of length {lengths.min()}")
    if table.int8(1) not in _TYPE_NAMES:
        raise ValueError(f"a tensor has the type {table.int8(1)}, which is none")
    quantization = table.table(4)
    scales, zero_points, axis, blockwise = (), (), 0, False
    if quantization is not None:
        found = quantization.numbers(2, "<f4")
        if not np.isfinite(found).all():
            raise ValueError("the scale of a tensor is NaN or infinite")
        scales = tuple(found.tolist())
        zero_points = tuple(quantization.numbers(3, "<i8").tolist())
        axis = quantization.int32(6)
        blockwise = quantization.uint8(4) == schema.QuantizationDetails.BlockwiseQuantization
    return Tensor(
        name=table.text(3),
        shape=tuple(abs(n) for n in shape.tolist()),
        dtype=_TYPE_NAMES[table.int8(1)],
        data_bytes=spans[buffer][1],
        buffer=buffer,
        start=spans[buffer][0],
        # A file with fixed shapes, or of before 2020, has no signatures.
        signature=tuple((signature if signature.size else shape).tolist()),
        variable=bool(table.uint8(5)),
        scales=scales,
        zero_points=zero_points,
        axis=axis,
        blockwise=blockwise,
        sparse=table.table(6) is not None,
    )


def _signature(table: FlatTable, subgraphs: tuple[Subgraph, ...]) -> Signature:
    index = _checked("subgraph", table.uint32(4), len(subgraphs))
    count = len(subgraphs[index].tensors)
    inputs, outputs = (
        {entry.text(0): _checked("tensor", entry.uint32(1), count) for entry in table.tables(slot)}
        for slot in (0, 1)
    )
    return Signature(table.text(2), inputs, outputs, index)


def _indices(kind: str, numbers: np.ndarray, count: int, least: int = 0) -> tuple[int, ...]:
    found: Iterable[int] = numbers.tolist()
    return tuple(_checked(kind, index, count, least) for index in found)


def _checked(kind: str, index: int, count: int, least: int = 0) -> int:
    if not least <= index < count:
        raise ValueError(f"there is no {kind} {index}")
    return index
