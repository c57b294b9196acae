"""TFLite metadata: what the tensors mean, carried inside the file.

The format is that of TensorFlow Lite Metadata (`metadata_schema.fbs`, identifier M001): a
flatbuffer in a buffer that the model names `TFLITE_METADATA`, and `labels.txt` in an uncompressed
zip archive after the model. MediaPipe's AudioClassifier reads it.
"""

import dataclasses
import io
import reprlib
import struct
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema
from flatbuffers.table import Table

from keras_reparam.deploy.tflite.head import Head
from keras_reparam.deploy.tflite.heads import checked_unsure_below, head_of
from keras_reparam.deploy.tflite.label_file import read_labels, stripped
from keras_reparam.deploy.tflite.tflite_buffers import MODEL_IDENTIFIER, pack_model, unpack_model

_KEY = b"TFLITE_METADATA"
_METADATA_IDENTIFIER = b"M001"
_LABELS_FILE = "labels.txt"
_TEXTS = (
    *("name", "description", "version", "author", "license"),
    *("quantization", "front_end", "runtime", "unit"),
)
# What tells our sentences in the descriptions of graph, input and output from anyone else's.
_QUANTIZATION, _FRONT_END, _HEAD = "quantization kind: ", "front end: ", "head: "
# Behind the head: what its values are in, and how far they go.
_SEPARATOR, _TO = "; ", " to "
_UNIT, _RANGE = f"{_SEPARATOR}unit: ", f"{_SEPARATOR}range: "
# In place of the head: of a softmax alone, which is not mentioned.
_UNSURE = "unsure below: "
# As files of earlier versions have it.
_FORMER_QUANTIZATION = "quantisation kind: "
# After the kind.
_RUNTIME = "; runtime needed: "
# Of the metadata schema: the union's members and the kinds of an associated file.
_FEATURE_PROPERTIES, _AUDIO_PROPERTIES = 1, 4
_TENSOR_AXIS_LABELS, _TENSOR_VALUE_LABELS = 2, 3
_SCHEMA_VERSION = "1.3.0"
_MAX_LABEL_BYTES = 1 << 20
# What the flatbuffers and zipfile modules raise when bytes aren't what they should be.
_BROKEN = (
    struct.error,
    IndexError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    NotImplementedError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TFLiteMetadata:
    """What a `.tflite` file says about itself.

    Args:
        labels: Class names in the order of the scores. Empty if the file holds none.
        sample_rate: Samples per second of a waveform model, `None` if the input is none.
        channels: Audio channels of a waveform model.
        name: Name of the model.
        description: One or two sentences.
        version: Version of the model.
        author: Who made it.
        license: Terms of use.
        quantization: Quantization kind. It stands in the description of the graph.
        runtime: The first TensorFlow Lite runtime that runs the file, said if weights of 4 or 2
            bits ask for it. It stands behind the kind.
        front_end: What the file does to a waveform before the backbone, in words. It stands in
            the description of the input.
        head: What made the scores of the model's outputs: `"softmax"`, of classes of which one
            is true; `"sigmoid"`, of classes of which any number may be; or `"linear"`, of values,
            which `labels` name. It stands in the description of the output; a file that says
            nothing has a softmax.
        unit: What values are in, as in `"years"`. It stands behind the head.
        value_range: Lowest and highest value that there are. It stands behind the head.
        unsure_below: An answer whose highest score is below it is unsure; 0: none is. Of a
            softmax alone. It stands in the description of the output.

    Example:

    >>> TFLiteMetadata(labels=("anger", "neutral"), sample_rate=16000).channels
    1
    """

    labels: tuple[str, ...] = ()
    sample_rate: int | None = None
    channels: int = 1
    name: str = ""
    description: str = ""
    version: str = ""
    author: str = ""
    license: str = ""
    quantization: str = ""
    runtime: str = ""
    front_end: str = ""
    head: str = "softmax"
    unit: str = ""
    value_range: tuple[float, float] | None = None
    unsure_below: float = 0.0

    @property
    def scoring(self) -> Head:
        """The head itself: what it makes of a model's outputs, and what the scores say."""
        return head_of(self.head, self.labels, unit=self.unit, range=self.value_range)

    def __post_init__(self) -> None:
        for field in _TEXTS:
            value = getattr(self, field)
            if not isinstance(value, str):
                raise TypeError(f"`{field}` must be a string. Received: {field}={value!r}")
            _check_text(field, value, multiline=True)
        for field in ("sample_rate", "channels"):
            value = getattr(self, field)
            if value is None and field == "sample_rate":
                continue
            if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 32:
                raise ValueError(
                    f"`{field}` must be a positive integer. Received: {field}={value!r}"
                )
        object.__setattr__(self, "labels", checked_labels(self.labels))
        if _SEPARATOR in self.unit:
            raise ValueError(f"`unit` must not hold '{_SEPARATOR}'. Received: unit={self.unit!r}")
        # Which also says what is wrong with the range.
        head = self.scoring
        if self.value_range is not None:
            object.__setattr__(self, "value_range", getattr(head, "range", None))
        threshold = checked_unsure_below(self.unsure_below, self.head)
        object.__setattr__(self, "unsure_below", threshold)


def checked_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """The labels as a tuple, or an error: they are distinct, one line each, not empty.

    They may come from a file that anybody wrote: errors show the beginning of long ones.
    """
    if isinstance(labels, str | bytes) or not isinstance(labels, Sequence):
        raise TypeError(
            '`labels` must be a list of class names, for instance ["anger", "neutral"]. '
            f"Received: labels={reprlib.repr(labels)}"
        )
    for label in labels:
        if not isinstance(label, str):
            raise TypeError(
                f"Every label must be a string. Received: {reprlib.repr(label)} in "
                f"labels={reprlib.repr(labels)}"
            )
        if not label or label != stripped(label):
            raise ValueError(
                "A label must not be empty or begin or end with white space. "
                f"Received: {reprlib.repr(label)} in labels={reprlib.repr(labels)}"
            )
        _check_text("labels", label, multiline=False)
    if len(set(labels)) != len(labels):
        twice = Counter(labels).most_common(1)[0][0]
        raise ValueError(
            f"Labels must be distinct. Received: {reprlib.repr(twice)} twice in "
            f"labels={reprlib.repr(labels)}"
        )
    return tuple(labels)


def _check_text(field: str, text: str, *, multiline: bool) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"`{field}` must be valid Unicode. Received: {reprlib.repr(text)}"
        ) from None
    # str.splitlines knows more ends of a line than "\n"; a reader may use any of them.
    if "\0" in text or (not multiline and len(text.splitlines()) > 1):
        raise ValueError(
            f"`{field}` must be text without line ends. Received: {reprlib.repr(text)}"
        )


def add_metadata(model: bytes, metadata: TFLiteMetadata) -> bytes:
    """The model with `metadata` in it, in place of any that it had. Same input, same bytes.

    Args:
        model: Bytes of a `.tflite` file with one input and one output.
        metadata: What the file shall say.

    Returns:
        Bytes of the new `.tflite` file.
    """
    return pack_with_metadata(unpack_model(bytes(model)), metadata)


def pack_with_metadata(packed: schema.ModelT, metadata: TFLiteMetadata) -> bytes:
    """`add_metadata` of a model's objects, which it changes: bytes of the `.tflite` file."""
    packed.metadata = packed.metadata or []
    entry = next((m for m in packed.metadata if m.name == _KEY), None)
    if entry is None:
        packed.buffers.append(schema.BufferT())
        entry = schema.MetadataT()
        entry.name, entry.buffer = _KEY, len(packed.buffers) - 1
        packed.metadata.append(entry)
    packed.buffers[entry.buffer].data = _metadata_flatbuffer(metadata)
    # The archive's offsets count from the beginning of the whole file, as the format has it.
    file = io.BytesIO(pack_model(packed))
    if metadata.labels:
        with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive:
            member = zipfile.ZipInfo(_LABELS_FILE, date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(member, "\n".join(metadata.labels) + "\n")
    return file.getvalue()


def _metadata_flatbuffer(metadata: TFLiteMetadata) -> bytes:
    builder = flatbuffers.Builder(1024)
    text = builder.CreateString
    if metadata.sample_rate is None:
        input_content = _content(builder, _FEATURE_PROPERTIES, {0: ("byte", 0)})
        input_name = text("features")
    else:
        audio = {0: ("int", metadata.sample_rate), 1: ("int", metadata.channels)}
        input_content = _content(builder, _AUDIO_PROPERTIES, audio)
        input_name = text("audio")
    slots = {0: ("offset", input_name), 3: ("offset", input_content)}
    if metadata.front_end:
        slots[1] = ("offset", text(_FRONT_END + metadata.front_end))
    inputs = _table(builder, slots)
    output_content = _content(builder, _FEATURE_PROPERTIES, {0: ("byte", 0)})
    slots = {0: ("offset", text("scores")), 3: ("offset", output_content)}
    if metadata.head != TFLiteMetadata.head:
        slots[1] = ("offset", text(_HEAD + metadata.head + _scale_in_words(metadata)))
    elif metadata.unsure_below:
        slots[1] = ("offset", text(f"{_UNSURE}{metadata.unsure_below!r}"))
    if metadata.labels:
        file = {0: ("offset", text(_LABELS_FILE)), 2: ("byte", _TENSOR_AXIS_LABELS)}
        slots[6] = ("offset", _vector(builder, _table(builder, file)))
    outputs = _table(builder, slots)
    slots = {2: ("offset", _vector(builder, inputs)), 3: ("offset", _vector(builder, outputs))}
    if metadata.quantization:
        runtime = _RUNTIME + metadata.runtime if metadata.runtime else ""
        slots[1] = ("offset", text(_QUANTIZATION + metadata.quantization + runtime))
    subgraphs = _vector(builder, _table(builder, slots))
    texts = {
        0: metadata.name,
        1: metadata.description,
        2: metadata.version,
        4: metadata.author,
        5: metadata.license,
        7: _SCHEMA_VERSION,
    }
    slots = {slot: ("offset", text(value)) for slot, value in texts.items() if value}
    slots[3] = ("offset", subgraphs)
    builder.Finish(_table(builder, slots), _METADATA_IDENTIFIER)
    return bytes(builder.Output())


def _scale_in_words(metadata: TFLiteMetadata) -> str:
    """What stands behind a head of values; `""` behind any other."""
    if metadata.value_range is None:
        return ""
    unit = _UNIT + metadata.unit if metadata.unit else ""
    return unit + _RANGE + _TO.join(map(repr, metadata.value_range))


def _table(builder: flatbuffers.Builder, slots: dict[int, tuple[str, int]]) -> int:
    put = {
        "offset": builder.PrependUOffsetTRelativeSlot,
        "byte": builder.PrependUint8Slot,
        "int": builder.PrependUint32Slot,
    }
    builder.StartObject(max(slots) + 1)
    for slot, (kind, value) in slots.items():
        put[kind](slot, value, 0)
    return builder.EndObject()


def _vector(builder: flatbuffers.Builder, offset: int) -> int:
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _content(builder: flatbuffers.Builder, kind: int, properties: dict) -> int:
    offset = _table(builder, properties)
    return _table(builder, {0: ("byte", kind), 1: ("offset", offset)})


def read_metadata(model: bytes) -> TFLiteMetadata:
    """What a `.tflite` file says about itself; the bytes may come from anywhere.

    Labels that someone else wrote are made fit for a table of scores: distinct, of one line each,
    without white space around them. `inspect_tflite` warns of what was odd about them.

    Args:
        model: Bytes of the file.

    Returns:
        The metadata. Its fields are empty where the file says nothing.

    Raises:
        ValueError: If the bytes are no `.tflite` file, or its metadata is broken.
    """
    return read_metadata_and_remarks(model)[0]


def read_metadata_and_remarks(model: bytes) -> tuple[TFLiteMetadata, tuple[str, ...]]:
    """As `read_metadata`, with what is odd about the file's labels, one clause each."""
    if len(model) < 8 or model[4:8] != MODEL_IDENTIFIER:
        raise ValueError("This is no .tflite file: it does not have the identifier 'TFL3'.")
    try:
        content = _find_metadata(model)
        return (TFLiteMetadata(), ()) if content is None else _parse_metadata(content, model)
    except _BROKEN as error:
        raise ValueError(
            f"The metadata of this .tflite file is broken ({type(error).__name__}: {error}). "
            "Export the model again."
        ) from error


def _find_metadata(model: bytes) -> bytes | None:
    root = schema.Model.GetRootAs(model, 0)
    # A length read from a broken file can be anything; no length exceeds the file's.
    for index in range(min(root.MetadataLength(), len(model))):
        entry = root.Metadata(index)
        if entry.Name() == _KEY:
            if not entry.Buffer() < root.BuffersLength():
                raise ValueError(f"there is no buffer {entry.Buffer()}")
            data = root.Buffers(entry.Buffer()).DataAsNumpy()
            return None if isinstance(data, int) else bytes(data)
    return None


def _parse_metadata(content: bytes, model: bytes) -> tuple[TFLiteMetadata, tuple[str, ...]]:
    if content[4:8] != _METADATA_IDENTIFIER:
        raise ValueError("it does not have the identifier 'M001'")
    root = Table(content, struct.unpack_from("<I", content)[0])
    fields: dict[str, Any] = {
        "name": _text(root, 0),
        "description": _text(root, 1),
        "version": _text(root, 2),
        "author": _text(root, 4),
        "license": _text(root, 5),
    }
    subgraph = _first(root, 3)
    inputs = _first(subgraph, 2)
    said = _said(subgraph, _QUANTIZATION) or _said(subgraph, _FORMER_QUANTIZATION)
    fields["quantization"], _, fields["runtime"] = said.partition(_RUNTIME)
    fields["front_end"] = _said(inputs, _FRONT_END)
    outputs = _first(subgraph, 3)
    # Anyone else's description may begin like ours: what is no head of ours says nothing.
    head, unit, value_range = _scale(_said(outputs, _HEAD))
    try:
        head_of(head, unit=unit, range=value_range)
    except ValueError:
        pass
    else:
        fields |= {"head": head, "unit": unit, "value_range": value_range}
    fields["unsure_below"] = _share(_said(outputs, _UNSURE))
    content_table = _child(inputs, 3)
    if content_table is not None and _byte(content_table, 0) == _AUDIO_PROPERTIES:
        audio = _child(content_table, 1)
        if audio is not None:
            fields["sample_rate"] = _uint(audio, 0) or None
            fields["channels"] = _uint(audio, 1) or 1
    remarks: tuple[str, ...] = ()
    for file in _tables(outputs, 6):
        if _byte(file, 2) in (_TENSOR_AXIS_LABELS, _TENSOR_VALUE_LABELS):
            fields["labels"], remarks = _read_labels(model, _text(file, 0))
            break
    return TFLiteMetadata(**fields), remarks


def _said(table: Table | None, what: str) -> str:
    """The rest of a description that begins with `what`."""
    description = "" if table is None else _text(table, 1)
    return description.removeprefix(what) if description.startswith(what) else ""


def _scale(text: str) -> tuple[str, str, tuple[float, float] | None]:
    """Head, unit and range that `_scale_in_words` wrote, as far as they are there."""
    words, _, ends = text.partition(_RANGE)
    head, _, unit = words.partition(_UNIT)
    try:
        low, high = map(float, ends.split(_TO))
    except ValueError:
        return head, unit, None
    return head, unit, (low, high)


def _share(text: str) -> float:
    """The number from 0 to 1 that the text is; 0 if it is none."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0


def _read_labels(model: bytes, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    with zipfile.ZipFile(io.BytesIO(model)) as archive:
        try:
            info = archive.getinfo(name)
        except KeyError:
            return (), (f"the file {reprlib.repr(name)} is missing",)
        # What a file claims to unpack to is bounded before it is unpacked.
        if info.file_size > _MAX_LABEL_BYTES:
            raise ValueError(f"its label file has {info.file_size} bytes")
        # A stream may hold more than is claimed. Only these two methods' are unpacked piece by
        # piece, and only by a read of bounded size.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"its label file is packed by the method {info.compress_type}")
        with archive.open(info) as file:
            return read_labels(file.read(_MAX_LABEL_BYTES))


# Reading flatbuffers without generated code: a table's slot holds a value or an offset.


def _position(table: Table, slot: int) -> int:
    offset = table.Offset(4 + 2 * slot)
    return table.Pos + offset if offset else 0


def _child(table: Table | None, slot: int) -> Table | None:
    if table is None:
        return None
    position = _position(table, slot)
    return Table(table.Bytes, table.Indirect(position)) if position else None


def _tables(table: Table | None, slot: int) -> Iterator[Table]:
    if table is None:
        return
    offset = table.Offset(4 + 2 * slot)
    for index in range(table.VectorLen(offset) if offset else 0):
        yield Table(table.Bytes, table.Indirect(table.Vector(offset) + 4 * index))


def _first(table: Table | None, slot: int) -> Table | None:
    return next(_tables(table, slot), None)


def _text(table: Table, slot: int) -> str:
    position = _position(table, slot)
    return table.String(position).decode() if position else ""


def _byte(table: Table, slot: int) -> int:
    position = _position(table, slot)
    return table.Bytes[position] if position else 0


def _uint(table: Table, slot: int) -> int:
    position = _position(table, slot)
    return struct.unpack_from("<I", table.Bytes, position)[0] if position else 0
