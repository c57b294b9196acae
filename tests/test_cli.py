"""The command `keras-reparam`, in its own process and in this one."""

import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from keras_reparam.cli import main
from keras_reparam.deploy.tflite.metadata import TFLiteMetadata, add_metadata
from keras_reparam.deploy.tflite.tflite_buffers import pack_model, unpack_model

LABELS = ["anger", "neutral", "joy"]
WINDOW = 800


@pytest.fixture(scope="module")
def keras():
    keras = pytest.importorskip("keras")
    if keras.config.backend() != "tensorflow":
        pytest.skip("the command is tested where Keras runs on TensorFlow")
    return keras


@pytest.fixture(scope="module")
def saved(keras, tmp_path_factory):
    """A waveform model with an FFN, saved."""
    import keras_reparam as kr

    keras.utils.set_random_seed(0)
    inputs = keras.Input((WINDOW,))
    x = kr.audio.LogMel(num_mels=8)(inputs)
    x = keras.layers.Dense(32, activation="relu", name="fc1")(x)
    x = keras.layers.Dense(8, name="fc2")(x)
    # Explicit, so that the mask of the front end ends here.
    x = keras.layers.GlobalAveragePooling1D()(x)
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    keras.Model(inputs, keras.layers.Dense(3, name="last")(x)).save(path)
    return path


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    for i in range(6):
        tone = np.sin(np.arange(3000) * (0.05 + 0.1 * i)) * 0.5
        soundfile.write(folder / f"clip{i}.wav", tone + rng.normal(0, 0.01, 3000), 16000)
    return folder


@pytest.fixture(scope="module")
def tflite(saved, clips, tmp_path_factory):
    path = tmp_path_factory.mktemp("tflite") / "ser.tflite"
    arguments = ["export", saved, "-o", path, "--calibration", clips, "--labels", ",".join(LABELS)]
    assert main(list(map(str, arguments))) == 0
    return path


def run(capsys, *arguments):
    capsys.readouterr()
    code = main(list(map(str, arguments)))
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.slow
def test_expand_merge_and_summary(keras, capsys, saved, tmp_path):
    train, light = tmp_path / "train.keras", tmp_path / "light.keras"
    code, out, err = run(capsys, "expand", saved, "-o", train, "--expansion", "2", "--json")
    assert (code, err) == (0, "")
    content = json.loads(out)
    assert content["output"] == str(train)
    assert content["training_parameters"] > content["merged_parameters"]
    code, out, err = run(capsys, "summary", train)
    assert (code, err) == (0, "") and "HRFDense" in out and "fc1" in out
    code, out, err = run(capsys, "merge", train, "-o", light)
    assert (code, err) == (0, "")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["light.keras", "train.keras"]
    x = np.random.default_rng(0).normal(0, 0.1, (3, WINDOW)).astype("float32")
    load = keras.saving.load_model
    expected = np.asarray(load(saved)(x))
    for path in (train, light):
        assert np.allclose(np.asarray(load(path)(x)), expected, atol=1e-4)
    assert not any("HRF" in type(layer).__name__ for layer in load(light)._flatten_layers())


def test_expand_filters(capsys, saved, tmp_path):
    train = tmp_path / "train.keras"
    code, out, _ = run(capsys, "expand", saved, "-o", train, "--filters", "last", "--json")
    assert code == 0
    kinds = {row["path"]: row["kind"] for row in json.loads(out)["rows"]}
    assert kinds == {"fc1": "Dense", "fc2": "Dense", "last": "HRFDense"}


def test_export(capsys, saved, clips, tflite, tmp_path):
    from keras_reparam.deploy.tflite.metadata import read_metadata

    metadata = read_metadata(tflite.read_bytes())
    assert (list(metadata.labels), metadata.sample_rate) == (LABELS, 16000)
    table = clips / "clips.csv"
    table.write_text("path\n" + "".join(f"clip{i}.wav\n" for i in range(6)))
    path = tmp_path / "again.tflite"
    labels = " anger, neutral ,  joy"
    arguments = ["export", saved, "-o", path, "--calibration", table, "--labels", labels]
    code, out, err = run(capsys, *arguments, "--json")
    assert (code, err) == (0, "") and json.loads(out)["kind"] == "int8"
    assert path.read_bytes() == tflite.read_bytes()
    code, out, err = run(capsys, "export", saved, "-o", path, "--quantization", "float32")
    assert (code, err) == (0, "") and "float32" in out


def test_labels_of_a_file(capsys, saved, tmp_path):
    path, labels = tmp_path / "ser.tflite", tmp_path / "labels.txt"
    labels.write_bytes("Ärger \r\n???\r\n???\r\n\r\n".encode("latin-1"))
    command = ["export", saved, "-o", path, "--quantization", "float32", "--json"]
    code, out, err = run(capsys, *command, "--labels-file", labels)
    assert code == 0 and json.loads(out)["metadata"]["labels"] == ["Ärger", "???", "??? (2)"]
    assert len(err.splitlines()) == 5
    assert all(line.startswith("keras-reparam: warning: '") for line in err.splitlines())


def test_inspect(capsys, tflite, tmp_path):
    code, out, err = run(capsys, "inspect", tflite)
    assert (code, err) == (0, "") and "FULLY_CONNECTED" in out and "runtime needed" in out
    code, out, err = run(capsys, "inspect", "--json", tflite)
    content = json.loads(out)
    assert (code, err) == (0, "") and content["kind"] == "int8" and content["passed"] is True
    assert content["runs"] is True and content["metadata"]["labels"] == LABELS
    # Sound as a file, and of an operator in a version that no runtime knows.
    model = unpack_model(tflite.read_bytes())
    for operator in model.operatorCodes:
        operator.version = 99
    path = tmp_path / "newer.tflite"
    path.write_bytes(pack_model(model))
    code, out, err = run(capsys, "inspect", "--json", path)
    content = json.loads(out)
    assert (code, err) == (1, "") and content["runs"] is False and content["problems"]


def test_classify(capsys, clips, tflite):
    code, out, err = run(
        capsys, "classify", clips / "clip0.wav", clips / "clip1.wav", "--model", tflite
    )
    assert (code, err) == (0, "")
    for word in ("clip0.wav", "clip1.wav", *LABELS, "%"):
        assert word in out
    code, out, err = run(capsys, "classify", "--json", clips / "clip0.wav", "--model", tflite)
    (content,) = json.loads(out)
    assert content["label"] in LABELS and set(content["probabilities"]) == set(LABELS)


def test_names_are_no_markup(capsys, clips, tflite, tmp_path):
    clip, model = tmp_path / "[" / "x].wav", tmp_path / "[bold].tflite"
    clip.parent.mkdir()
    clip.write_bytes((clips / "clip0.wav").read_bytes())
    labels = ("[/anger]", "[red]", ":joy:")
    model.write_bytes(
        add_metadata(tflite.read_bytes(), TFLiteMetadata(labels=labels, sample_rate=16000))
    )
    code, out, err = run(capsys, "classify", clip, "--model", model)
    assert (code, err) == (0, "") and "[/x].wav" in "".join(out.split())
    assert all(label in out for label in labels)
    code, out, err = run(capsys, "inspect", model)
    assert (code, err) == (0, "") and "[bold].tflite" in out and ", ".join(labels) in out


def test_a_name_that_is_no_utf8(run_python, clips, tflite, tmp_path):
    clip = os.fsdecode(bytes(tmp_path) + b"/gr\xfcn.wav")
    shutil.copy(clips / "clip0.wav", clip)
    command = ("-m", "keras_reparam", "classify", clip, "--model", tflite)
    strict = {"PYTHONIOENCODING": "utf-8"}
    assert "\\udcfcn.wav" in "".join(run_python(*command, env=strict).stdout.split())
    found = run_python(*command, "--json", env=strict)
    assert json.loads(found.stdout)[0]["file"] == clip, found.stderr


def test_classify_silence(capsys, tflite, tmp_path):
    soundfile.write(tmp_path / "s.wav", np.zeros((5000, 2)), 44100)
    code, out, _ = run(capsys, "classify", tmp_path / "s.wav", "--model", tflite)
    assert code == 0 and "silence" in out
    code, out, _ = run(capsys, "classify", "--json", tmp_path / "s.wav", "--model", tflite)
    assert json.loads(out)[0]["silence"] is True


def test_export_features(keras, capsys, tmp_path):
    """A backbone alone, calibrated on features."""
    layers = keras.layers
    stack = [layers.Dense(8), layers.GlobalAveragePooling1D(), layers.Dense(3)]
    keras.Sequential([keras.Input((10, 8)), *stack]).save(tmp_path / "backbone.keras")
    np.save(tmp_path / "features.npy", np.ones((3, 10, 8), "float32"))
    (tmp_path / "text.npy").write_text("no array")
    path = tmp_path / "m.tflite"
    command = ["export", tmp_path / "backbone.keras", "-o", path, "--quantization", "int8_full"]
    code, out, err = run(capsys, *command, "--calibration", tmp_path / "features.npy", "--json")
    assert (code, err) == (0, "")
    assert (json.loads(out)["kind"], json.loads(out)["input_type"]) == ("int8_full", "int8")
    for calibration, word in (
        ([], "--calibration"),
        (["--calibration", tmp_path / "text.npy"], "text.npy"),
        (["--calibration", tmp_path / "gone.npy"], "gone.npy"),
        (["--calibration", tmp_path], "with_front_end"),
        (["--calibration", tmp_path / "features.npy", "--clip-seconds", "1"], "clip_seconds"),
    ):
        code, out, err = run(capsys, *command, *calibration)
        assert (code, out) == (2, "") and word in err and err.count("\n") == 1


def test_export_of_any_length(keras, capsys, clips, tmp_path):
    """A waveform model whose length the command gives."""
    inputs = keras.Input((None,))
    x = keras.layers.Conv1D(8, 64, strides=32)(inputs[:, :, None])
    x = keras.layers.GlobalAveragePooling1D()(x)
    keras.Model(inputs, keras.layers.Dense(3)(x)).save(tmp_path / "any.keras")
    path = tmp_path / "m.tflite"
    command = ["export", tmp_path / "any.keras", "-o", path, "--calibration", clips]
    command += ["--sample-rate", "16000"]
    code, out, err = run(capsys, *command, "--clip-seconds", "0.1", "--json")
    assert (code, err) == (0, "") and json.loads(out)["input_shape"] == [1, 1600]
    for seconds in ([], ["--clip-seconds", "inf"], ["--clip-seconds", "-1"]):
        code, out, err = run(capsys, *command, *seconds)
        assert (code, out, err.count("\n")) == (2, "", 1) and "seconds" in err


def test_one_bad_clip_among_good_ones(capsys, clips, tflite, tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    arguments = (tmp_path / "text.wav", clips / "clip0.wav", "--model", tflite)
    code, out, err = run(capsys, "classify", *arguments)
    assert code == 2 and "clip0.wav" in out
    assert "text.wav" in err and err.count("\n") == 1


def bad_files(folder, saved, tflite):
    """What bad use and bad input there is: arguments, and a word of the error."""
    (folder / "text.keras").write_text("no model")
    (folder / "text.wav").write_text("no audio")
    (folder / "empty.wav").write_bytes(b"")
    (folder / "cut.keras").write_bytes(saved.read_bytes()[:-500])
    (folder / "cut.tflite").write_bytes(tflite.read_bytes()[:3000])
    soundfile.write(folder / "short.wav", np.ones(100) / 2, 16000)
    (folder / "none.tflite").write_bytes(
        add_metadata(tflite.read_bytes(), TFLiteMetadata(sample_rate=16000))
    )
    clip, out = folder / "short.wav", folder / "out.keras"
    empty = folder / "empty.wav"
    model, file = saved, folder / "out.tflite"
    return {
        "no command": ([], "required"),
        "unknown command": (["fly"], "fly"),
        "unknown option": (["summary", model, "--fast"], "--fast"),
        "summary: missing": (["summary", folder / "gone.keras"], "gone.keras"),
        "summary: text": (["summary", folder / "text.keras"], "saved as .keras"),
        "summary: truncated": (["summary", folder / "cut.keras"], "cut.keras"),
        "expand: no output": (["expand", model], "-o/--output"),
        "expand: expansion 0": (["expand", model, "-o", out, "--expansion", "0"], "expansion=0"),
        "expand: fractional": (["expand", model, "-o", out, "--expansion", "1.5"], "1.5"),
        "expand: no match": (["expand", model, "-o", out, "--filters", "nothing"], "nothing"),
        "expand: bad regex": (["expand", model, "-o", out, "--filters", "("], "filters"),
        "expand: wrong ending": (["expand", model, "-o", folder / "out.h5"], ".keras"),
        "expand: no directory": (["expand", model, "-o", folder / "no" / "o.keras"], "directory"),
        "merge: no directory": (["merge", model, "-o", folder / "no" / "o.keras"], "directory"),
        "export: no calibration": (["export", model, "-o", file], "--calibration"),
        "export: no clips": (["export", model, "-o", file, "--calibration", folder / "no"], "no"),
        "export: labels": (
            ["export", model, "-o", file, "--quantization", "float32", "--labels", "a,b"],
            "3 classes",
        ),
        "export: no labels file": (
            ["export", model, "-o", file, "--quantization", "float32", "--labels-file", "gone.txt"],
            "gone.txt",
        ),
        "export: empty labels file": (
            ["export", model, "-o", file, "--calibration", "c", "--labels-file", empty],
            "a class a line",
        ),
        "export: labels twice": (
            ["export", model, "-o", file, "--labels", "a,b,c", "--labels-file", "labels.txt"],
            "not allowed with",
        ),
        "export: kind": (["export", model, "-o", file, "--quantization", "int4"], "int4"),
        "export: rate": (
            ["export", model, "-o", file, "--quantization", "float32", "--sample-rate", "8000"],
            "16000 Hz",
        ),
        "inspect: no file": (["inspect"], "SER.tflite"),
        "inspect: missing": (["inspect", folder / "gone.tflite"], "gone.tflite"),
        "inspect: text": (["inspect", folder / "text.wav"], "TFL3"),
        "inspect: truncated": (["inspect", folder / "cut.tflite"], "cut.tflite"),
        "classify: no clip": (["classify"], "CLIP"),
        "classify: missing": (["classify", folder / "gone.wav", "--model", tflite], "gone.wav"),
        "classify: text": (["classify", folder / "text.wav", "--model", tflite], "text.wav"),
        "classify: empty": (["classify", empty, "--model", tflite], "empty.wav"),
        "classify: short": (["classify", clip, "--model", tflite], "25 ms"),
        "classify: folder": (["classify", folder, "--model", tflite], "directory"),
        "classify: no labels": (["classify", clip, "--model", folder / "none.tflite"], "labels"),
        "classify: no model": (["classify", clip, "--model", clip], "TFL3"),
    }


def test_bad_use_is_one_line_and_exit_code_2(capsys, saved, tflite, tmp_path):
    cases = bad_files(tmp_path, saved, tflite)
    before = sorted(tmp_path.iterdir())
    for name, (arguments, word) in cases.items():
        try:
            code, out, err = run(capsys, *arguments)
        except SystemExit as exit:
            code, (out, err) = exit.code, capsys.readouterr()
        assert (code, out) == (2, ""), name
        assert err.count("\n") == 1 and err.startswith("keras-reparam"), (name, err)
        assert word in err and len(err) < 900, (name, err)
    assert sorted(tmp_path.iterdir()) == before


def test_a_merge_that_differs_is_exit_code_1(capsys, saved, tmp_path, monkeypatch):
    import keras_reparam.transforms as transforms

    def differs(model):
        raise transforms.MergeError("fc1", 0.5, 1e-5)

    monkeypatch.setattr(transforms, "merge", differs)
    code, out, err = run(capsys, "merge", saved, "-o", tmp_path / "light.keras")
    assert (code, out) == (1, "") and "fc1" in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_saved_lambda_is_not_run(keras, capsys, tmp_path):
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Lambda(lambda x: x + 1)(inputs))
    model.save(tmp_path / "lambda.keras")
    code, _, err = run(capsys, "summary", tmp_path / "lambda.keras")
    assert code == 2 and err.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        *("", "summary", "expand", "merge", "export", "inspect", "verify", "benchmark"),
        *("classify", "demo", "listen"),
    ],
)
def test_help_has_an_example(capsys, command):
    with pytest.raises(SystemExit) as exit:
        main([*filter(None, [command]), "--help"])
    assert exit.value.code == 0
    assert "Example: keras-reparam" in " ".join(capsys.readouterr().out.split())


def test_classify_imports_no_keras(run_python, clips, tflite):
    code = (
        "import sys; from keras_reparam.cli import main; main(); "
        "print({'keras', 'tensorflow', 'jax'} & set(sys.modules))"
    )
    child = run_python("-c", code, "classify", "--json", clips / "clip0.wav", "--model", tflite)
    assert child.stdout.splitlines()[-1] == "set()" and child.stderr == ""


@pytest.mark.slow
def test_no_logs_on_the_screen(run_python, saved, tmp_path):
    code = (
        "import os, sys; os.environ.pop('TF_CPP_MIN_LOG_LEVEL', None); "
        "from keras_reparam.cli import main; sys.exit(main())"
    )
    path = tmp_path / "ser.tflite"
    child = run_python("-c", code, "export", saved, "-o", path, "--quantization", "float32")
    assert (child.returncode, child.stderr) == (0, "")


def test_closed_pipe(run_python, clips, tflite):
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "keras_reparam", "classify", "--model", tflite),
            *([clips / "clip0.wav"] * 400),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    process.stdout.read(10)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 128 + signal.SIGPIPE and errors == b""


def test_ctrl_c(capsys, monkeypatch, clips, tflite):
    from keras_reparam.deploy.runtime.classifier import Classifier

    def interrupted(self, path):
        raise KeyboardInterrupt

    monkeypatch.setattr(Classifier, "classify_file", interrupted)
    code, out, err = run(capsys, "classify", clips / "clip0.wav", "--model", tflite)
    assert (code, out, err) == (130, "", "")


MY_LAYERS = """
import keras

def doubled(x):
    return 2.0 * x

class Block(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.fc1 = keras.layers.Dense(16, activation="relu", name="fc1")
        self.fc2 = keras.layers.Dense(8, activation=doubled, name="fc2")

    def call(self, x):
        return self.fc2(self.fc1(x))
"""


@pytest.mark.filterwarnings("ignore:.*`build\\(\\)` was called on layer")
def test_import_of_a_module_with_the_models_own_classes(keras, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_layers.py").write_text(MY_LAYERS)
    import my_layers

    inputs = keras.Input((8,))
    x = my_layers.Block(name="block")(inputs)
    x = keras.layers.Dense(3, activation=my_layers.doubled)(x)
    keras.Model(inputs, x).save("model.keras")
    code, _, err = run(capsys, "summary", "model.keras")
    assert code == 2 and "Could not locate class 'Block'" in err and "config" not in err
    mine = ["--import", "my_layers"]
    for command, source, target in (("expand", "model", "train"), ("merge", "train", "light")):
        files = [f"{source}.keras", "-o", f"{target}.keras"]
        code, _, err = run(capsys, command, *files, *mine, "--json")
        assert (code, err) == (0, "")
    code, _, err = run(capsys, "summary", "model.keras", "--import", "no_such_module")
    assert code == 2 and "--import no_such_module: No module named" in err
