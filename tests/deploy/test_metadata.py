"""TFLite metadata: written, read back, and read from files that anything may have happened to."""

import dataclasses
import io
import zipfile

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_reparam.deploy.runtime.runtime import Runtime
from keras_reparam.deploy.tflite.label_file import read_labels, stripped
from keras_reparam.deploy.tflite.metadata import (
    TFLiteMetadata,
    add_metadata,
    read_metadata,
    read_metadata_and_remarks,
)
from keras_reparam.deploy.tflite.tflite_buffers import pack_model, unpack_model


def linear_model(weights):
    """`.tflite` bytes of `x @ weights.T`, made with the schema alone."""
    outputs, inputs = weights.shape
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT(), schema.BufferT()]
    model.buffers[1].data = np.frombuffer(weights.astype("<f4").tobytes(), np.uint8)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.FULLY_CONNECTED
    code.version = 1
    model.operatorCodes = [code]
    graph = schema.SubGraphT()
    graph.tensors = []
    for shape, buffer in (([1, inputs], 0), ([outputs, inputs], 1), ([1, outputs], 0)):
        tensor = schema.TensorT()
        tensor.shape, tensor.buffer, tensor.type = shape, buffer, schema.TensorType.FLOAT32
        tensor.name = f"t{len(graph.tensors)}"
        graph.tensors.append(tensor)
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [0, 1, -1], [2]
    operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    operator.builtinOptions = schema.FullyConnectedOptionsT()
    graph.operators, graph.inputs, graph.outputs = [operator], [0], [2]
    model.subgraphs = [graph]
    return pack_model(model)


WEIGHTS = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
MODEL = linear_model(WEIGHTS)
METADATA = TFLiteMetadata(
    labels=("Ärger", "neutral", "joy"),
    sample_rate=16000,
    name="test",
    description="Two\nlines.",
    version="1.0",
    author="nobody",
    license="Apache-2.0",
    quantization="int8",
    front_end="log-mel, num_mels=64",
)


def test_round_trip_and_the_model_still_runs():
    content = add_metadata(MODEL, METADATA)
    assert read_metadata(content) == METADATA
    example = np.arange(5, dtype="float32")
    assert np.allclose(Runtime(content)(example), WEIGHTS @ example, rtol=1e-6)


def test_same_bytes_and_replacing():
    content = add_metadata(MODEL, METADATA)
    assert add_metadata(MODEL, METADATA) == content
    assert add_metadata(content, METADATA) == content
    other = TFLiteMetadata(labels=("a", "b", "c"))
    assert read_metadata(add_metadata(content, other)) == other


def test_no_metadata():
    assert read_metadata(MODEL) == TFLiteMetadata()


def test_labels_are_an_uncompressed_zip():
    with zipfile.ZipFile(io.BytesIO(add_metadata(MODEL, METADATA))) as archive:
        (info,) = archive.infolist()
        assert (info.filename, info.compress_type) == ("labels.txt", zipfile.ZIP_STORED)
        assert archive.read(info).decode() == "Ärger\nneutral\njoy\n"


def test_constants_are_aligned_and_inside():
    content = add_metadata(MODEL, METADATA)
    model = schema.Model.GetRootAs(content, 0)
    for i in range(model.BuffersLength()):
        data = model.Buffers(i).DataAsNumpy()
        if not isinstance(data, int):
            offset = (
                data.__array_interface__["data"][0]
                - np.frombuffer(content, np.uint8).__array_interface__["data"][0]
            )
            assert offset % 16 == 0
        assert model.Buffers(i).Offset() == 0


def test_constants_after_the_flatbuffer_come_inside():
    # As litert-quantizer writes models over 256 KB.
    model = unpack_model(MODEL)
    data = bytes(model.buffers[1].data)
    model.buffers[1].data = None
    size = len(pack_model(model)) + 64
    model.buffers[1].offset, model.buffers[1].size = size, len(data)
    builder = flatbuffers.Builder(64)
    builder.Finish(schema.ModelT.Pack(_plain(model), builder), b"TFL3")
    outside = bytes(builder.Output())
    outside = outside + bytes(size - len(outside)) + data
    example = np.ones(5, "float32")
    assert np.allclose(Runtime(add_metadata(outside, METADATA))(example), WEIGHTS @ example)


def _plain(model):
    for buffer in model.buffers:
        buffer.__class__ = schema.BufferT
    return model


def with_label_file(data, *, name="labels.txt"):
    """The model with its labels in a file that someone else wrote."""
    plain = add_metadata(MODEL, METADATA)
    file = io.BytesIO(plain[: plain.index(b"PK\x03\x04")])
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "labels", "remark"),
    [
        (b"a\nb\nc", ("a", "b", "c"), None),
        ("\ufeffa\nb\nc\n".encode(), ("a", "b", "c"), "byte order mark"),
        (b"a\r\nb\r\nc\r\n", ("a", "b", "c"), "CR LF"),
        (b"a\rb\rc\r", ("a", "b", "c"), None),
        (b"a\nb\nc\n\n \n", ("a", "b", "c"), "2 blank lines at the end"),
        (b"a \n\tb\nc\n", ("a", "b", "c"), "around or inside 2 labels"),
        (b"a\n\nc\n", ("a", "class 1", "c"), "1 blank line between"),
        (b"???\na\n???\n??? (2)\n", ("???", "a", "??? (3)", "??? (2)"), "'???' stands twice"),
        ("Ärger\nb\nc\n".encode("latin-1"), ("Ärger", "b", "c"), "read as Latin-1"),
        ("Ärger\nb\nc\n".encode("utf-16"), ("Ärger", "b", "c"), "read as UTF-16"),
        ("Ärger\nb\nc\n".encode("utf-16-be"), ("Ärger", "b", "c"), "read as UTF-16-BE"),
        ("a\u2028b\0c\nb\nc\n".encode(), ("a b c", "b", "c"), "inside 1 label"),
        (b"", (), None),
    ],
)
def test_label_files_of_others(data, labels, remark):
    metadata, remarks = read_metadata_and_remarks(with_label_file(data))
    assert metadata == dataclasses.replace(METADATA, labels=labels)
    assert any(remark in each for each in remarks) if remark else remarks == ()
    # What is written is what was read, and nothing is odd about it any more.
    written = add_metadata(MODEL, metadata)
    assert read_metadata_and_remarks(written) == (metadata, ())


def test_a_label_file_that_is_missing_drops_nothing_else():
    metadata, remarks = read_metadata_and_remarks(with_label_file(b"a\n", name="other.txt"))
    assert metadata == dataclasses.replace(METADATA, labels=())
    assert remarks == ("the file 'labels.txt' is missing",)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=30).map(str.encode))
def test_any_label_file_gives_labels_that_can_be_written(content):
    labels, remarks = read_labels(content)
    assert TFLiteMetadata(labels=labels).labels == labels
    assert all(remark.isprintable() for remark in remarks)


text = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=30)
label = text.filter(lambda t: t and t == stripped(t) and len(t.splitlines()) == 1)


@settings(max_examples=60, deadline=None)
@given(
    labels=st.lists(label, unique=True, max_size=6),
    rate=st.none() | st.integers(1, 2**32 - 1),
    texts=st.tuples(text, text, text, text, text),
)
def test_any_text_comes_back(labels, rate, texts):
    keys = ("name", "description", "version", "author", "license")
    metadata = TFLiteMetadata(
        labels=tuple(labels), sample_rate=rate, **dict(zip(keys, texts, strict=True))
    )
    assert read_metadata(add_metadata(MODEL, metadata)) == metadata


WHOLE = add_metadata(MODEL, METADATA)


@settings(max_examples=300, deadline=None)
@given(
    length=st.integers(0, len(WHOLE)),
    changes=st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=8),
)
def test_broken_bytes_are_a_value_error(length, changes):
    broken = bytearray(WHOLE)
    for position, value in changes:
        broken[position] = value
    try:
        assert isinstance(read_metadata(bytes(broken[:length])), TFLiteMetadata)
    except ValueError as error:
        assert ".tflite" in str(error)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"RIFF" + bytes(40), b"\0\0\0\0TFL2" + bytes(9)])
def test_other_files(content):
    with pytest.raises(ValueError, match="no .tflite file"):
        read_metadata(content)


def test_a_label_file_that_unpacks_to_more_than_it_should():
    plain = add_metadata(MODEL, METADATA)
    end = plain.index(b"PK\x03\x04")
    file = io.BytesIO()
    file.write(plain[:end])
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.txt", b"\n" * (1 << 24))
    with pytest.raises(ValueError, match="16777216 bytes"):
        read_metadata(file.getvalue())
    with pytest.raises(ValueError, match="broken"):
        read_metadata(plain[:end])


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"sample_rate": 0}, ValueError, "positive integer"),
        ({"sample_rate": 16000.0}, ValueError, "positive integer"),
        ({"sample_rate": True}, ValueError, "positive integer"),
        ({"channels": 1 << 32}, ValueError, "positive integer"),
        ({"name": b"x"}, TypeError, "string"),
        ({"name": "a\0"}, ValueError, "text"),
        ({"description": "\ud800"}, ValueError, "Unicode"),
        ({"labels": "abc"}, TypeError, "list"),
        ({"labels": ["a", "a"]}, ValueError, "twice"),
        ({"labels": [" a"]}, ValueError, "white space"),
        ({"labels": ["a\u2028b"]}, ValueError, "line"),
        ({"labels": [1]}, TypeError, "string"),
    ],
)
def test_bad_values(options, error, message):
    with pytest.raises(error, match=message):
        TFLiteMetadata(**options)


def test_errors_show_the_beginning_of_long_labels():
    long = "x" * 100_000
    for labels in (
        [long, long],
        [*(f"label {i}" for i in range(10_000)), "label 0"],
        [long + "\n" + long],
        [long + " "],
        [*([long] * 9), 7],
    ):
        with pytest.raises((TypeError, ValueError)) as caught:
            TFLiteMetadata(labels=labels)
        assert len(str(caught.value)) < 500
    content = add_metadata(MODEL, METADATA)
    before = content[: content.index(b"PK\x03\x04")]
    file = io.BytesIO(before)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("labels.txt", f"{long}\n{long}\n")
    _, (remark,) = read_metadata_and_remarks(file.getvalue())
    assert "twice" in remark and len(remark) < 500
