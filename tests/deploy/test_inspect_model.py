"""What `inspect_tflite` says, against LiteRT's interpreter, on files of every kind and origin."""

import dataclasses
import json
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

import keras_reparam as kr
from keras_reparam._utils.quiet import quiet
from keras_reparam.deploy.inspection.inspect_graph import float_islands
from keras_reparam.deploy.inspection.inspect_model import inspect_content
from keras_reparam.deploy.inspection.trial import Trial, TrialResult
from keras_reparam.deploy.tflite.metadata import TFLiteMetadata, add_metadata
from keras_reparam.deploy.tflite.runtime_versions import first_runtime
from keras_reparam.deploy.tflite.tflite_buffers import pack_model, unpack_model
from keras_reparam.deploy.tflite.tflite_file import Operator, Subgraph, Tensor, read_tflite
from tests.deploy import inspected_files as made

PRETRAINED = Path(kr.__file__).parent / "pretrained"
KINDS = ("float32", "float16", "int8_dynamic", "int8", "int8_full", "mixed")
FILES = (*KINDS, "yamnet", "loop", "dynamic", "shipped_int8", "shipped_float32")


@pytest.fixture(scope="module")
def files():
    keras = pytest.importorskip("keras")
    if keras.config.backend() != "tensorflow":
        pytest.skip("TensorFlow's converter makes these files")
    with quiet():
        found = made.cnn_files()
        found["yamnet"] = made.yamnet_file()
        found["loop"] = made.loop_file()
        found["dynamic"] = made.dynamic_file()
    for kind in ("int8", "float32"):
        found[f"shipped_{kind}"] = (PRETRAINED / f"ser_{kind}.tflite").read_bytes()
    return found


def interpreter(content):
    # Delegates would take operators out of the graph.
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    made = Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=resolver)
    made.allocate_tensors()
    return made


@pytest.mark.parametrize("name", FILES)
def test_everything_is_as_the_interpreter_has_it(files, name):
    reference, file = interpreter(files[name]), read_tflite(files[name])
    report = inspect_content(files[name], name)
    assert report.subgraphs == len(file.subgraphs) == reference.num_subgraphs()
    for index, graph in enumerate(file.subgraphs):
        for details in reference.get_tensor_details(index):
            if details["index"] >= len(graph.tensors):
                continue  # The kernels' scratch space.
            tensor = graph.tensors[details["index"]]
            assert tensor.name == details["name"]
            assert tensor.shape == tuple(details["shape"])
            assert tensor.signature == tuple(details["shape_signature"])
            assert tensor.dtype == np.dtype(details["dtype"]).name
            parameters = details["quantization_parameters"]
            assert np.array_equal(np.float32(tensor.scales), parameters["scales"])
            if tensor.scales:
                assert tensor.zero_points == tuple(parameters["zero_points"])
                assert tensor.axis == parameters["quantized_dimension"]
    operators = reference._get_ops_details()
    main = file.subgraphs[0]
    for operator, details in zip(main.operators, operators, strict=True):
        assert operator.name == details["op_name"]
        assert operator.inputs == tuple(details["inputs"])
        # The interpreter takes away what a loop makes and nobody reads.
        kept = [
            t if d >= 0 else d for t, d in zip(operator.outputs, details["outputs"], strict=True)
        ]
        assert kept == list(details["outputs"])
    total = Counter()
    for row in report.operators:
        total[row.name] += row.count
    if report.subgraphs == 1:
        assert total == Counter(details["op_name"] for details in operators)
    for found, expected in (
        (report.inputs, reference.get_input_details()),
        (report.outputs, reference.get_output_details()),
    ):
        assert [(t.name, t.shape, t.dtype) for t in found] == [
            (d["name"], tuple(d["shape_signature"]), np.dtype(d["dtype"]).name) for d in expected
        ]
    signatures = reference.get_signature_list()
    assert len(report.signatures) == len(signatures)
    for signature in report.signatures:
        assert sorted(signature.inputs) == sorted(signatures[signature.name]["inputs"])
        assert sorted(signature.outputs) == sorted(signatures[signature.name]["outputs"])


@pytest.mark.parametrize("name", FILES)
def test_weights_are_the_constants_of_the_interpreter(files, name):
    report = inspect_content(files[name], name)
    file, reference = read_tflite(files[name]), interpreter(files[name])
    expected, seen = Counter(), set()
    for index, graph in enumerate(file.subgraphs):
        for number, tensor in enumerate(graph.tensors):
            if graph.is_constant(number) and tensor.buffer not in seen:
                seen.add(tensor.buffer)
                expected[tensor.dtype] += reference.get_tensor(number, index).nbytes
    assert report.weights == dict(expected)


@pytest.mark.parametrize("name", ["float32", "int8", "int8_full", "yamnet", "shipped_int8"])
def test_activations_are_about_the_arena_of_the_interpreter(files, name):
    reference, file = interpreter(files[name]), read_tflite(files[name])
    main, ends = file.subgraphs[0], []
    # What is unpacked from constants when the file is loaded has memory of its own.
    unpacked = {
        t for o in main.operators if all(map(main.is_constant, o.inputs)) for t in o.outputs
    }
    for index, tensor in enumerate(main.tensors):
        if not main.is_constant(index) and index not in unpacked:
            start = reference.tensor(index)().__array_interface__["data"][0]
            ends += [start, start + tensor.num_bytes]
    arena = max(ends) - min(ends)
    assert 0.6 <= inspect_content(files[name], name).activations / arena <= 1.3


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_tensorflows_converter(files, kind):
    report = inspect_content(files[kind], f"model_{kind}.tflite")
    assert report.kind == kind
    assert not [warning for warning in report.warnings if "name says" in warning]
    # The converter leaves a layer of few weights float when it quantizes on the fly.
    least = {"float32": 0, "float16": 0, "int8_dynamic": 0.9}.get(kind, 1)
    assert least <= report.int8_share <= (least and 1)
    assert report.borders == (2 if kind == "int8" else 0) and report.islands == ()


@pytest.mark.parametrize(("kind", "runtime"), [("int8", "2.16.1"), ("float32", "2.3.0")])
def test_shipped_files(kind, runtime):
    path = PRETRAINED / f"ser_{kind}.tflite"
    report = kr.inspect_tflite(path)
    assert (report.kind, report.runtime, report.runs) == (kind, runtime, True)
    assert report.passed and report.problems == report.warnings == ()
    assert report.metadata.sample_rate == 16000 and len(report.metadata.labels) == 4
    assert (report.int8_share > 0.9) == (kind == "int8")
    assert bool(report.islands) == (kind == "int8") == (report.borders > 0)
    content = json.loads(json.dumps(dataclasses.asdict(report)))
    assert content["size"] == path.stat().st_size and content["path"] == str(path)
    shown = " ".join(str(report).split())
    assert all(word in shown for word in (kind, "anger", "runtime needed", runtime, "yes"))


def test_a_name_that_claims_another_kind(files):
    report = inspect_content(files["int8_dynamic"], "folder_float32/ser-INT8.tflite")
    assert "its name says int8, its tensors are int8_dynamic" in report.warnings
    # TensorFlow 2.21 makes an operator that Android's runtime does not know.
    assert report.runtime == "2.17.0" and "FULLY_CONNECTED v12" in report.problems[0]
    assert not report.passed


def test_files_of_other_models(files):
    yamnet = inspect_content(files["yamnet"], "yamnet.tflite")
    assert [t.dtype for t in yamnet.outputs] == ["float32"] * 3 and yamnet.runtime == "2.5.0"
    assert yamnet.passed and yamnet.warnings == ("no metadata inside: MediaPipe can't load it",)
    metadata = TFLiteMetadata(labels=("a", "b"), description="[red]\x1b[2J")
    described = inspect_content(add_metadata(files["yamnet"], metadata), "yamnet.tflite")
    assert described.metadata == metadata
    labels, rate = described.warnings
    assert labels.startswith("2 labels for the output") and rate.startswith("no sample rate")
    # What a file says of itself moves no cursor, and is no markup.
    assert "[red]\\x1b[2J" in str(described) and "\x1b" not in str(described)
    assert "3 subgraphs" in inspect_content(files["loop"], "").warnings[0]
    assert "dynamic shapes" in inspect_content(files["dynamic"], "").warnings[0]


@pytest.mark.slow
def test_a_file_that_asks_for_certain_inputs_runs(files, tmp_path):
    with quiet():
        asking = made.asking_files()
    path = tmp_path / "file.tflite"
    with Trial() as trial:
        for name, content in asking.items():
            path.write_bytes(content)
            assert trial.run(path) == TrialResult(True), name
        # Nothing it may be given makes this one finite.
        path.write_bytes(made.pack(made.linear_model(WEIGHTS * np.float32("nan"))))
        assert trial.run(path).reason == "NaN or infinity in 'scores'"


@pytest.mark.slow
def test_a_state_and_several_signatures(files, tmp_path):
    with quiet():
        contents = made.state_files()
    path = tmp_path / "file.tflite"
    path.write_bytes(contents["state"])
    report = kr.inspect_tflite(path)
    assert report.runs and report.passed and report.subgraphs == 2
    assert any("keeps a state from call to call" in warning for warning in report.warnings)
    assert not any("loops" in warning for warning in report.warnings)
    path.write_bytes(contents["signatures"])
    report = kr.inspect_tflite(path)
    assert report.runs and {"best", "reset", "step"} == {s.name for s in report.signatures}
    assert any("3 signatures ('best', 'reset', 'step')" in w for w in report.warnings)
    assert not any("loops" in warning for warning in report.warnings)
    # One of its graphs is broken, and no other.
    model = unpack_model(contents["signatures"])
    broken = next(s for s in model.signatureDefs if s.signatureKey == b"best").subgraphIndex
    topk = next(o for o in model.subgraphs[broken].operators if len(o.inputs) == 2)
    topk.inputs = list(topk.inputs)[::-1]
    path.write_bytes(pack_model(model))
    assert "signature 'best': " in kr.inspect_tflite(path).problems[-1]


def test_variable_tensors_are_a_state():
    # As the cells of a recurrent layer have them, and files from before resource variables.
    model = made.linear_model(WEIGHTS)
    assert not any("state" in w for w in inspect_content(made.pack(model), "").warnings)
    model.subgraphs[0].tensors[2].isVariable = True
    assert any("keeps a state" in w for w in inspect_content(made.pack(model), "").warnings)


def test_an_odd_label_drops_nothing_else(tmp_path):
    content = add_metadata(
        made.pack(made.linear_model(WEIGHTS)),
        TFLiteMetadata(labels=("a", "b", "c"), sample_rate=16000, name="foreign"),
    )
    path = tmp_path / "foreign.tflite"
    path.write_bytes(content[: content.index(b"PK\x03\x04")])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.txt", "Ärger\r\n???\r\n???\r\n???\r\n\r\n".encode("latin-1"))
    report = kr.inspect_tflite(path)
    assert (report.metadata.sample_rate, report.metadata.name) == (16000, "foreign")
    assert report.metadata.labels == ("Ärger", "???", "??? (2)", "??? (3)")
    assert [w for w in report.warnings if "label" in w] == [
        "label file: the label '???' stands 3 times; repeats are numbered here",
        "label file: it is not UTF-8; read as Latin-1",
        "label file: its lines end with CR LF",
        "label file: 1 blank line at the end, left out here",
        "4 labels for the output [1, 3]",
    ]


WEIGHTS = np.random.default_rng(0).normal(size=(3, 8)).astype("float32")
SCALES = (np.abs(WEIGHTS).max(axis=1) / 127).tolist()
INT8 = np.round(WEIGHTS / np.float32(SCALES)[:, None]).astype("int8")


def test_runtime_that_is_right_with_hybrid_layers():
    # Older runtimes load such a layer, whatever its version, and give zeros.
    hybrid = inspect_content(made.pack(made.linear_model(INT8, scales=SCALES)), "")
    assert (hybrid.kind, hybrid.runtime) == ("int8_dynamic", "2.16.1")
    # One scale for the whole layer is older.
    single = inspect_content(made.pack(made.linear_model(INT8, scales=SCALES[:1])), "")
    assert (single.kind, single.runtime) == ("int8_dynamic", "2.0.0")
    unknown = inspect_content(made.pack(made.linear_model(WEIGHTS, version=99)), "")
    assert unknown.runtime is None
    assert "known here: FULLY_CONNECTED v99" in unknown.problems[0]


def test_operators_of_tensorflow_itself(tmp_path):
    model = made.linear_model(WEIGHTS)
    code = model.operatorCodes[1]
    code.builtinCode = code.deprecatedBuiltinCode = made.schema.BuiltinOperator.CUSTOM
    code.customCode = "FlexErf"
    model.subgraphs[0].operators[1].builtinOptionsType = 0
    model.subgraphs[0].operators[1].builtinOptions = None
    path = tmp_path / "flex.tflite"
    path.write_bytes(made.pack(model))
    report = kr.inspect_tflite(path)
    assert report.runs is False and report.runtime is None and not report.passed
    assert "CUSTOM FlexErf" in report.problems[0] and "LiteRT can't run it" in report.problems[1]


def test_a_model_in_its_training_form():
    rng = np.random.default_rng(0)
    factors = [rng.normal(size=shape).astype("float32") for shape in ((32, 8), (3, 32))]
    wide = inspect_content(made.pack(made.linear_model(factors[0], stacked=factors[1])), "")
    assert any("training form" in warning for warning in wide.warnings)
    low_rank = [rng.normal(size=shape).astype("float32") for shape in ((2, 16), (16, 2))]
    light = made.linear_model(low_rank[0], stacked=low_rank[1])
    assert not any("training form" in w for w in inspect_content(made.pack(light), "").warnings)
    activated = made.linear_model(factors[0], stacked=factors[1])
    activated.subgraphs[0].operators[0].builtinOptions.fusedActivationFunction = 1
    assert not any("training form" in w for w in inspect_content(made.pack(activated), "").warnings)


def test_scores_without_softmax_and_weights_elsewhere():
    model = made.linear_model(WEIGHTS)
    model.subgraphs[0].operators.pop()
    model.subgraphs[0].outputs = [2]
    assert "softmax" in inspect_content(made.pack(model), "").warnings[0]
    model.externalBuffers = [made.schema.ExternalBufferT()]
    assert "weights in other files" in inspect_content(made.pack(model), "").problems
    model.subgraphs[0].operators = []
    assert "no operator" in inspect_content(made.pack(model), "").problems[-1]


def test_islands_by_hand():
    #  q -> int8 -> dequantize -> a -> b -> quantize -> int8 -> dequantize -> softmax
    #                          \-> c -> (d, which leads nowhere)
    types = ["float32", "int8", "int8", "float32", "float32", "float32", "int8", "int8"]
    types += ["float32", "float32", "float32", "float32"]
    tensors = tuple(Tensor(str(i), (1, 2), dtype, 0, 0) for i, dtype in enumerate(types))
    edges = [
        *(("QUANTIZE", 0, 1), ("FULLY_CONNECTED", 1, 2), ("DEQUANTIZE", 2, 3), ("MUL", 3, 4)),
        *(("RSQRT", 4, 5), ("NEG", 3, 10), ("ABS", 10, 11), ("QUANTIZE", 5, 6)),
        *(("FULLY_CONNECTED", 6, 7), ("DEQUANTIZE", 7, 8), ("SOFTMAX", 8, 9)),
    ]
    operators = tuple(Operator(name, (i,), (o,)) for name, i, o in edges)
    graph = Subgraph(tensors, operators, (0,), (9,))
    assert float_islands(graph) == [{"RSQRT": 1, "MUL": 1}]


def test_runtimes_grow_with_versions():
    from keras_reparam.deploy.tflite import runtime_versions

    for operator, runtimes in runtime_versions._FIRST_RUNTIME.items():
        listed = [runtime for runtime in runtimes.split() if runtime != "-"]
        numbers = [runtime_versions.release(runtime) for runtime in listed]
        assert numbers == sorted(numbers), operator
        assert first_runtime(operator, len(runtimes.split()) + 1) is None
        assert getattr(made.schema.BuiltinOperator, operator, None) is not None, operator
    assert first_runtime("BROADCAST_TO", 1) is None and first_runtime("ADD", 0) is None


@pytest.mark.parametrize(
    ("write", "error", "message"),
    [
        (lambda path: None, FileNotFoundError, "no .tflite file"),
        (lambda path: path.mkdir(), ValueError, "directory"),
        (lambda path: path.write_bytes(b""), ValueError, "TFL3"),
        (lambda path: path.write_bytes(b"\0" * 4 + b"TFL3"), ValueError, "broken"),
    ],
)
def test_bad_files(tmp_path, write, error, message):
    write(tmp_path / "bad.tflite")
    with pytest.raises(error, match=message):
        kr.inspect_tflite(tmp_path / "bad.tflite")


def test_no_path():
    with pytest.raises(TypeError, match="must be a path"):
        kr.inspect_tflite(3)
