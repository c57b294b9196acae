"""Broken and hostile files: an error or a report, never a crash, a hang, or all memory."""

import dataclasses
import io
import json
import struct
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

import keras_reparam as kr
from keras_reparam.deploy.inspection.inspect_model import inspect_content
from keras_reparam.deploy.inspection.inspect_report import InspectionReport
from keras_reparam.deploy.inspection.trial import Trial, TrialResult
from keras_reparam.deploy.tflite.flat_table import FlatTable
from keras_reparam.deploy.tflite.metadata import TFLiteMetadata, add_metadata
from tests.deploy import inspected_files as made

PRETRAINED = Path(kr.__file__).parent / "pretrained"
WEIGHTS = np.random.default_rng(0).normal(size=(3, 8)).astype("float32")
METADATA = TFLiteMetadata(
    labels=("anger", "neutral", "Ärger"), sample_rate=16000, name="n", license="Apache-2.0"
)


def sound_files():
    """A float model with metadata and labels, and an int8 one without."""
    plain = made.pack(made.linear_model(WEIGHTS))
    int8 = made.linear_model(np.round(WEIGHTS * 50).astype("int8"), scales=[0.02, 0.03, 0.04])
    return [add_metadata(plain, METADATA), made.pack(int8)]


def mutated(content, rng):
    """The content with one or a few of the faults that a file can have."""
    broken = bytearray(content)
    kind = rng.integers(8)
    word = struct.Struct("<I")
    place = int(rng.integers((len(broken) - 4) // 4)) * 4
    if kind == 0:
        for position in rng.integers(len(broken), size=rng.integers(1, 9)):
            broken[position] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        for position in rng.integers(len(broken), size=rng.integers(1, 9)):
            broken[position] = int(rng.integers(256))
    elif kind == 2:
        del broken[int(rng.integers(len(broken))) :]
    elif kind == 3:  # Offsets change places.
        other = int(rng.integers((len(broken) - 4) // 4)) * 4
        broken[place : place + 4], broken[other : other + 4] = (
            broken[other : other + 4],
            broken[place : place + 4],
        )
    elif kind == 4:  # Lengths and offsets of any size.
        value = rng.choice([0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, len(broken), 0, 1 << 20])
        word.pack_into(broken, place, int(value))
    elif kind == 5:  # Offsets that lead to another part, or backwards, or to themselves.
        target = int(rng.integers(len(broken)))
        word.pack_into(broken, place, (target - place) % (1 << 32))
    elif kind == 6:
        part = broken[place : place + int(rng.integers(4, 64))]
        target = int(rng.integers(len(broken)))
        broken[target : target + (0 if rng.integers(2) else len(part))] = part
    else:
        broken[4:8] = [b"TFL2", b"\0\0\0\0", b"TFL3"][rng.integers(3)]
        struct.pack_into("<H", broken, place, int(rng.integers(1 << 16)))
    return bytes(broken)


def check(content):
    """Inspects; returns whether the file passed for a sound one."""
    try:
        report = inspect_content(content, "fuzzed.tflite")
    except ValueError as error:
        text = str(error)
        assert ".tflite file" in text and "\n" not in text and len(text) < 400
        return False
    assert isinstance(report, InspectionReport)
    json.dumps(dataclasses.asdict(report))
    assert all(value.isprintable() or "\n" in value for _, value in report.rows)
    return True


def checked(content):
    """Whether the file passed for a sound one, and the Python calls that it took to say so."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        return check(content), calls
    finally:
        sys.setprofile(None)


def fuzz(files, count, seed):
    rng = np.random.default_rng(seed)
    work = [checked(content)[1] for content in files]
    sound = 0
    for index in range(count):
        passed, calls = checked(mutated(files[index % len(files)], rng))
        # Work in place of time, which other processes take too: a fault makes no file a long one.
        assert calls <= 2 * work[index % len(files)]
        sound += passed
    # Most of a file's bytes carry structure: some faults must be found, and some are none.
    assert 0.1 * count < sound < 0.9 * count


def test_five_hundred_broken_files():
    fuzz(sound_files(), 500, seed=1)


def test_broken_files_take_little_memory():
    files, rng = sound_files(), np.random.default_rng(2)
    tracemalloc.start()
    try:
        for index in range(200):
            check(mutated(files[index % 2], rng))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5 << 20


@pytest.mark.slow
def test_broken_shipped_files():
    fuzz([(PRETRAINED / f"ser_{k}.tflite").read_bytes() for k in ("int8", "float32")], 200, seed=3)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9])
def test_truncated(share, tmp_path):
    whole = (PRETRAINED / "ser_int8.tflite").read_bytes()
    path = tmp_path / "cut.tflite"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"cut.tflite': This .tflite file is broken"):
        kr.inspect_tflite(path)


def test_parts_that_overlap_cost_no_time():
    # Every element of the vector of subgraphs leads to the same large graph.
    model = made.linear_model(WEIGHTS)
    model.subgraphs[0].tensors += [model.subgraphs[0].tensors[0]] * 3000
    model.subgraphs += [made.schema.SubGraphT()] * 3000
    packed = bytearray(made.pack(model))
    start, count = FlatTable.root(bytes(packed)).span(2, 4)
    first = start + struct.unpack_from("<I", packed, start)[0]
    for index in range(count):
        struct.pack_into("<I", packed, start + 4 * index, first - start - 4 * index)
    began = time.process_time()
    with pytest.raises(ValueError, match="overlap many times"):
        inspect_content(bytes(packed), "")
    assert time.process_time() - began < 30  # Unbounded: minutes.


def test_constants_after_the_flatbuffer():
    model = made.linear_model(WEIGHTS)
    data = bytes(model.buffers[1].data)
    model.buffers[1].data = None
    size = len(made.pack(model)) + 64
    model.buffers[1].offset, model.buffers[1].size = size, len(data)
    packed = made.pack(model)
    outside = packed + bytes(size - len(packed)) + data
    assert inspect_content(outside, "").weights == {"float32": len(data)}
    with pytest.raises(ValueError, match="of a constant at"):
        inspect_content(outside[:-1], "")
    model.buffers[1].size = (1 << 64) - 1
    with pytest.raises(ValueError, match="of a constant at"):
        inspect_content(made.pack(model), "")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: setattr(m.subgraphs[0].tensors[0], "buffer", 7), "no buffer 7"),
        (lambda m: setattr(m.subgraphs[0].operators[0], "opcodeIndex", 9), "no operator code 9"),
        (lambda m: setattr(m.subgraphs[0].operators[0], "inputs", [0, 1, -2]), "no tensor -2"),
        (lambda m: setattr(m.subgraphs[0], "outputs", [-1]), "no tensor -1"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "shape", [1, -7]), "length -7"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "shape", [1] * 40), "40 axes"),
        (lambda m: setattr(m.subgraphs[0].tensors[0], "type", 99), "type 99"),
        (lambda m: setattr(m.signatureDefs[0], "subgraphIndex", 2), "no subgraph 2"),
        (lambda m: setattr(m, "subgraphs", []), "no graph"),
        (lambda m: setattr(m, "version", 2), "version 2"),
    ],
)
def test_indices_that_lead_nowhere(change, message):
    model = made.linear_model(WEIGHTS)
    change(model)
    with pytest.raises(ValueError, match=message):
        inspect_content(made.pack(model), "")


def test_names_that_are_no_text():
    model = made.linear_model(WEIGHTS)
    model.subgraphs[0].tensors[0].name = b"\xff\x1b[2J[/]"
    report = inspect_content(made.pack(model), "")
    assert report.inputs[0].name == "\\xff\x1b[2J[/]"
    assert "\\xff\\x1b[2J[/]" in str(report) and "\x1b" not in str(report)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_labels_that_unpack_to_more_than_they_should(method):
    plain = sound_files()[0]
    end = plain.index(b"PK\x03\x04")
    bomb = zipfile.ZipInfo("labels.txt")
    bomb.compress_type = method
    file = io.BytesIO()
    file.write(plain[:end])
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr(bomb, b"\n" * (1 << 24))
    # It claims to be small.
    packed = file.getvalue()
    packed = packed[:end] + packed[end:].replace(struct.pack("<I", 1 << 24), struct.pack("<I", 999))
    tracemalloc.start()
    try:
        report = inspect_content(packed, "")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "metadata of this .tflite file is broken" in report.warnings[0]
    assert report.metadata == TFLiteMetadata() and peak < 4 << 20


def test_many_labels_one_of_them_twice():
    names = [f"{index:x}" for index in range(100_000)]
    plain = sound_files()[0]
    file = io.BytesIO()
    file.write(plain[: plain.index(b"PK\x03\x04")])
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("labels.txt", "\n".join([*names, names[-1]]))
    start = time.process_time()
    assert "twice" in inspect_content(file.getvalue(), "").warnings[0]
    assert time.process_time() - start < 30  # Compared one by one: minutes.


def run_fuzzed(count, seed, folder):
    rng, results = np.random.default_rng(seed), []
    path = folder / "fuzzed.tflite"
    with Trial(seconds=10) as trial:
        for index in range(count):
            files = sound_files()
            path.write_bytes(mutated(files[index % len(files)], rng))
            results.append(trial.run(path))
            assert results[-1].runs == (results[-1].reason == "")
        path.write_bytes(files[0])
        assert trial.run(path) == TrialResult(True)
    assert 0 < sum(result.runs for result in results) < count


def test_broken_files_in_the_interpreter(tmp_path):
    run_fuzzed(40, 4, tmp_path)


@pytest.mark.slow
def test_five_hundred_broken_files_in_the_interpreter(tmp_path):
    run_fuzzed(500, 5, tmp_path)
