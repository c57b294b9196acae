"""Environments of other runtimes, and the table of what they do with exported files."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_reparam._utils.user_cache import user_cache
from keras_reparam.benchmarks import runtime_environments as runtimes
from keras_reparam.benchmarks.browser import BrowserRuntime
from keras_reparam.benchmarks.compatibility import BEGIN, END, Row, cells, main, markdown, update
from keras_reparam.benchmarks.runtime_environments import (
    RUNTIMES,
    RuntimeEnvironment,
    RuntimeUnavailable,
)
from keras_reparam.deploy.tflite.kinds import CALIBRATED, KINDS

LITERT = RUNTIMES[0]
CLIPS = 20
ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "howto"


@pytest.fixture
def inputs(tmp_path):
    path = tmp_path / "inputs.npz"
    np.savez(path, waveform=np.ones((2, 100), "float32"), sample_rate=16000)
    return path


def test_scores_of_a_process_of_its_own(int8_file, float_file, speech, tmp_path):
    from keras_reparam.deploy.runtime.runtime import Runtime

    path = tmp_path / "inputs.npz"
    np.savez(path, waveform=speech.clips[:3], sample_rate=16000)
    (tmp_path / "text.tflite").write_text("no model at all")
    found = LITERT.scores([float_file, tmp_path / "text.tflite", int8_file], path, tmp_path)
    for file in (int8_file, float_file):
        runtime = Runtime(file.read_bytes())
        expected = [runtime(clip) for clip in speech.clips[:3]]
        assert np.allclose(found[file]["scores"], expected, atol=1e-6)
    assert found[tmp_path / "text.tflite"]["error"]


def stand_in(tmp_path, monkeypatch, code):
    """A script in place of that which runs the files."""
    script = tmp_path / "script.py"
    script.write_text(
        "import json, os, sys, time\nfor path in sys.argv[3:]:\n"
        f"    {code}\n"
        "    print('a log', flush=True)\n"
        "    print(json.dumps({'file': path, 'scores': [[1.0]]}), flush=True)\n"
    )
    monkeypatch.setattr(runtimes, "_SCRIPT", script)


def test_a_file_that_crashes_costs_itself_alone(tmp_path, monkeypatch, inputs):
    stand_in(tmp_path, monkeypatch, "if 'bad' in path: os._exit(7)")
    files = [tmp_path / name for name in ("a", "bad", "c", "bad too")]
    found = LITERT.scores(files, inputs, tmp_path)
    assert [found[file].get("error") for file in files] == [
        *(None, "the process ended with code 7"),
        *(None, "the process ended with code 7"),
    ]


def test_a_file_that_holds_up_the_runtime(tmp_path, monkeypatch, inputs):
    stand_in(tmp_path, monkeypatch, "if 'bad' in path: time.sleep(60)")
    monkeypatch.setattr(runtimes, "_START_SECONDS", 2)
    monkeypatch.setattr(runtimes, "_FILE_SECONDS", 0)
    files = [tmp_path / name for name in ("a", "bad", "c")]
    found = LITERT.scores(files, inputs, tmp_path)
    assert "no answer in 2 s" in found[files[1]]["error"]
    assert found[files[0]] == found[files[2]] == {"scores": [[1.0]]}


def test_unavailable(tmp_path, monkeypatch):
    with pytest.raises(RuntimeUnavailable, match=r"no Python 3\.99 here"):
        RuntimeEnvironment("x", "litert", ("numpy",), ("3.99",)).python(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(RuntimeUnavailable, match="can't be installed.*no-such-package-here"):
        runtimes._run(sys.executable, "-m", "pip", "install", "-q", "no-such-package-here==1")


def test_an_installation_that_stopped_halfway_is_made_anew(tmp_path, monkeypatch):
    current = "{}.{}".format(*sys.version_info[:2])
    runtime = RuntimeEnvironment("x", "litert", ("numpy==2",), (current,))
    folder, ran = runtime.folder(tmp_path), []

    def run(*command):
        ran.append(command)
        folder.mkdir(exist_ok=True)
        if len(ran) == 2:
            raise RuntimeUnavailable("no network")

    monkeypatch.setattr(runtimes, "_run", run)
    with pytest.raises(RuntimeUnavailable, match="no network"):
        runtime.python(tmp_path)
    assert not (folder / "complete").exists()
    python = runtime.python(tmp_path)
    assert python == folder / "bin" / "python" and (folder / "complete").exists()
    before = len(ran)
    assert runtime.python(tmp_path) == python and len(ran) == before


ROWS = [
    Row("a", "float32", "R", 2e-6, 1.0, ""),
    Row("b", "float32", "R", 3e-7, 1.0, ""),
    Row("a", "int8", "R", 0.05, 1.0, ""),
    Row("b", "int8", "R", 0.01, 0.5, ""),
    Row("a", "float32", "S", None, None, "no Python 3.11"),
    Row("b", "float32", "S", None, None, "no wheel"),
    Row("c", "float32", "S", None, None, "no Python 3.12"),
    Row("a", "int8", "S", 0.01, 1.0, ""),
    Row("b", "int8", "S", 0.02, 1.0, ""),
]


def test_table_shows_the_worst():
    header, lines = cells(ROWS)
    assert header == ["kind", "R", "S"]
    assert lines == [
        ["`float32`", "same: 2e-06, 100%", "no: no Python 3.11; no wheel"],
        ["`int8`", "rounds otherwise: 5e-02, 50%", "same: 2e-02, 100%"],
    ]


def test_update(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    for _ in range(2):
        update(path, markdown(ROWS))
        assert path.read_text() == f"before\n{BEGIN}\n{markdown(ROWS)}\n{END}\nafter\n"
    path.write_text("no marks")
    with pytest.raises(ValueError, match="once each"):
        update(path, "x")
    assert path.read_text() == "no marks"


def test_the_documents_say_what_the_kinds_are():
    text = (PAGES / "export.md").read_text(encoding="utf-8")
    for kind, what in KINDS.items():
        data = "yes" if kind in CALIBRATED else "no"
        assert f"| `{kind}` | {what} | {data} |" in text


def test_the_page_can_take_the_table():
    text = (PAGES / "runtimes.md").read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1


def test_bad_use(tmp_path, capsys):
    assert main([str(tmp_path / "gone.keras")]) == 2
    assert "gone.keras" in capsys.readouterr().err
    assert main(["--update", str(tmp_path / "gone.md")]) == 2
    with pytest.raises(SystemExit) as exit:
        main(["--runtimes", "abacus"])
    assert exit.value.code == 2


@pytest.fixture(scope="module")
def twenty(speech, tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "inputs.npz"
    np.savez(path, waveform=speech.clips[:CLIPS], sample_rate=16000)
    return path


def scores(runtime, files, inputs):
    try:
        found = runtime.scores(files, inputs, user_cache() / "runtimes")
    except RuntimeUnavailable as error:
        pytest.skip(f"{runtime.title}: {error}")
    assert not [answer for answer in found.values() if "error" in answer]
    return [np.array(found[file]["scores"]) for file in files]


@pytest.mark.nightly
@pytest.mark.parametrize(
    "runtime", [*RUNTIMES[1:4], BrowserRuntime()], ids=lambda runtime: runtime.title
)
def test_other_runtimes_give_the_same_scores_for_twenty_real_clips(
    runtime, float_file, int8_file, twenty
):
    files = [float_file, int8_file]
    expected = scores(LITERT, files, twenty)
    found = scores(runtime, files, twenty)
    # MediaPipe's own interpreter is as new as LiteRT; the others round int8 in older ways.
    exact = runtime.script_name == "mediapipe"
    assert np.abs(found[0] - expected[0]).max() < 1e-4
    assert np.abs(found[1] - expected[1]).max() < (1e-3 if exact else 0.05)
    assert found[0].shape == (CLIPS, 4) and found[0].std(axis=0).max() > 0.05


@pytest.mark.nightly
def test_values_and_independent_classes_in_mediapipe(tmp_path):
    folder = ROOT / "android_demo" / "library" / "src" / "test" / "resources"
    files = [folder / f"{name}.tflite" for name in ("age", "affect", "sigmoid")]
    noise = np.random.default_rng(0).normal(0.1, 1, (4, 800)) * [[0.05], [0.2], [0.5], [3]]
    np.savez(tmp_path / "inputs.npz", waveform=noise.astype("float32"), sample_rate=8000)
    expected = scores(LITERT, files, tmp_path / "inputs.npz")
    # Values are given as they are: negative ones, and those beyond 1.
    assert expected[0].min() > 1 and expected[1].min() < -1 and expected[1].max() > 1
    for found, known in zip(
        scores(RUNTIMES[3], files, tmp_path / "inputs.npz"), expected, strict=True
    ):
        assert np.allclose(found, known, rtol=1e-5, atol=1e-5)


@pytest.mark.nightly
def test_the_command_fills_the_table(tmp_path, wave_model):
    wave_model.save(tmp_path / "light.keras")
    readme = tmp_path / "README.md"
    readme.write_text(f"{BEGIN}\n{END}\n")
    command = [str(tmp_path / "light.keras"), "--runtimes", "tensorflow", "--update", str(readme)]
    assert main(command) == 0
    text = readme.read_text()
    if "no: " in text:
        pytest.skip(text)
    assert text.count("\n| `") == 5 and "TensorFlow Lite 2.16.1" in text
    assert "| `float32` | same:" in text


@pytest.mark.nightly
def test_task_library_refuses_what_it_would_get_wrong(float_file, int8_file, twenty):
    runtime = RUNTIMES[4]
    try:
        found = runtime.scores([float_file, int8_file], twenty, user_cache() / "runtimes")
    except RuntimeUnavailable as error:
        pytest.skip(f"{runtime.title}: {error}")
    (expected,) = scores(LITERT, [float_file], twenty)
    assert np.abs(np.array(found[float_file]["scores"]) - expected).max() < 1e-4
    assert "FULLY_CONNECTED" in found[int8_file]["error"], json.dumps(found[int8_file])
