"""`benchmark_tflite` and its command on real files. How fast they are is not asserted."""

import json
from importlib import resources

import flatbuffers
import pytest

import keras_reparam as kr
from keras_reparam._utils.quiet import quiet
from keras_reparam.cli import main
from keras_reparam.deploy.tflite.tflite_buffers import pack_model, unpack_model
from tests.deploy import inspected_files as made

SHIPPED = resources.files("keras_reparam") / "pretrained"
FILES = [SHIPPED / "ser_float32.tflite", SHIPPED / "ser_int8.tflite"]


@pytest.fixture(scope="module")
def report():
    return kr.benchmark_tflite(FILES, rounds=3)


def test_rows(report):
    pairs = [(row.file, row.threads) for row in report.rows]
    assert pairs == [(str(file), threads) for threads in (1, 2) for file in FILES]
    for row, file in zip(report.rows, FILES * 2, strict=True):
        assert row.size == file.stat().st_size
        assert 0 < row.low <= row.median <= row.high <= row.p95
        # The file's bytes at least; Python and LiteRT take more than the file.
        assert row.size / 1e6 < row.added_memory < row.peak_memory
    assert [row.ratio for row in report.rows[::2]] == [1, 1]
    assert report.rows[1].ratio == report.rows[1].median / report.rows[0].median
    assert report.rounds == 3 and report.profiles == ()
    assert {"cpu", "cores", "load", "python", "ai-edge-litert"} <= set(report.environment)


def test_table(report):
    shown = str(report)
    assert shown.count("ser_float32.tflite") == shown.count("ser_int8.tflite") == 3
    for text in (f"{FILES[0].stat().st_size:,}", "ai-edge-litert", "95 %", "added MB"):
        assert text in shown


def test_one_path_and_chosen_threads():
    (row,) = kr.benchmark_tflite(str(FILES[1]), rounds=1, threads=(2,)).rows
    assert (row.file, row.threads, row.ratio) == (str(FILES[1]), 2, 1)


def test_files_of_the_same_name_are_shown_by_their_paths(tmp_path):
    (tmp_path / "a").mkdir()
    path = tmp_path / "a" / FILES[1].name
    path.write_bytes(FILES[1].read_bytes())
    report = kr.benchmark_tflite([FILES[1], path], rounds=1, threads=[1])
    shown = "".join(str(report).split())
    assert "pretrained" in shown and "/a" in shown.replace("│", "")


@pytest.mark.slow
def test_command(capsys):
    assert main(["benchmark", *map(str, FILES), "--rounds", "2", "--profile", "--json"]) == 0
    out, err = capsys.readouterr()
    content = json.loads(out)
    assert err == "" and len(content["rows"]) == 4 and content["rounds"] == 2
    assert [each["file"] for each in content["profiles"]] == list(map(str, FILES))
    assert main(["benchmark", str(FILES[1]), "--rounds", "1"]) == 0
    out, err = capsys.readouterr()
    assert err == "" and "ser_int8.tflite" in out


@pytest.mark.slow
def test_any_inputs_and_outputs(tmp_path):
    if pytest.importorskip("keras").config.backend() != "tensorflow":
        pytest.skip("TensorFlow's converter makes these files")
    with quiet():
        contents = {
            "yamnet": made.yamnet_file(),
            "k": made.asking_files()["k"],
            "state": made.state_files()["state"],
        }
    paths = []
    for name, content in contents.items():
        paths.append(tmp_path / f"{name}.tflite")
        paths[-1].write_bytes(content)
    report = kr.benchmark_tflite(paths, rounds=2, threads=(1,))
    assert all(row.median > 0 and row.peak_memory > 0 for row in report.rows)
    (profile,) = kr.benchmark_tflite(paths[0], rounds=2, threads=(1,), profile=True).profiles
    assert {"RFFT2D", "LOGISTIC"} <= {row.operator for row in profile.rows}
    for path, reason in ((paths[1], "fixed shapes"), (paths[2], "without a state")):
        with pytest.raises(ValueError, match=f"{reason} can be profiled"):
            kr.benchmark_tflite(path, rounds=2, threads=(1,), profile=True)


def test_bad_files_get_one_line_and_code_2(tmp_path, capsys):
    (tmp_path / "text.tflite").write_text("no model, but longer than eight bytes")
    (tmp_path / "short.tflite").write_bytes(FILES[1].read_bytes()[:1000])
    model = unpack_model(FILES[1].read_bytes())
    for operator in model.operatorCodes:
        operator.version = 99
    (tmp_path / "newer.tflite").write_bytes(pack_model(model))
    for name, message in (
        ("none.tflite", "There is no .tflite file"),
        ("text.tflite", "TFL3"),
        ("short.tflite", "short.tflite"),
        ("newer.tflite", "LiteRT can't run"),
    ):
        assert main(["benchmark", str(tmp_path / name)]) == 2
        out, err = capsys.readouterr()
        assert out == "" and message in err and err.count("\n") == 1


def test_a_file_that_crashes_litert_does_no_harm(tmp_path):
    builder = flatbuffers.Builder()
    builder.StartObject(5)
    builder.PrependInt32Slot(0, 3, 0)
    builder.Finish(builder.EndObject(), b"TFL3")
    path = tmp_path / "hostile.tflite"
    path.write_bytes(bytes(builder.Output()))
    with pytest.raises(ValueError, match="hostile"):
        kr.benchmark_tflite(path)


@pytest.mark.parametrize(
    "options",
    [{"rounds": 0}, {"rounds": 2.0}, {"rounds": True}, {"threads": ()}, {"threads": (1, 0)}],
)
def test_bad_options(options):
    (name,) = options
    with pytest.raises(ValueError, match=f"`{name}` must be .* Received: {name}="):
        kr.benchmark_tflite(FILES[0], **options)


def test_bad_paths(capsys):
    with pytest.raises(ValueError, match="at least one file"):
        kr.benchmark_tflite([])
    for path in (3, [3], None):
        with pytest.raises(TypeError, match="a path, or a list of paths"):
            kr.benchmark_tflite(path)
    assert main(["benchmark", str(FILES[0]), "--rounds", "0"]) == 2
    assert "rounds=0" in capsys.readouterr().err
