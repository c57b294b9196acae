"""`verify_tflite` against scikit-learn and NumPy, and on files that were damaged on purpose."""

import csv
import json

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

keras = pytest.importorskip("keras")
if keras.config.backend() != "tensorflow":
    pytest.skip("export is tested where Keras runs on TensorFlow", allow_module_level=True)

import keras_reparam as kr  # noqa: E402
from keras_reparam.cli import main  # noqa: E402
from keras_reparam.deploy.runtime.runtime import Runtime  # noqa: E402
from keras_reparam.deploy.tflite.metadata import add_metadata, read_metadata  # noqa: E402
from keras_reparam.deploy.tflite.tflite_buffers import pack_model, unpack_model  # noqa: E402
from keras_reparam.deploy.tflite.tflite_graph import TFLiteGraph  # noqa: E402

SHAPE = (20, 8)
LABELS = ("anger", "joy", "sadness")
CLIPS = np.random.default_rng(0).normal(size=(60, *SHAPE)).astype("float32")


@pytest.fixture(scope="module")
def model():
    """Features to logits that vary: a random layer would give nearly the same for all clips."""
    keras.utils.set_random_seed(1)
    layers = keras.layers
    inputs = keras.Input(SHAPE)
    x = layers.Dense(16, activation="relu", name="fc1")(inputs)
    x = layers.LayerNormalization()(x)
    x = layers.Dense(16, activation="gelu", name="fc2")(x)
    x = layers.GlobalAveragePooling1D()(x)
    model = keras.Model(inputs, layers.Dense(3, name="last")(x))
    kernel, bias = model.get_layer("last").get_weights()
    logits = np.asarray(model(CLIPS))
    scale = 2 / logits.std()
    model.get_layer("last").set_weights([kernel * scale, bias - scale * logits.mean(axis=0)])
    return model


@pytest.fixture(scope="module")
def files(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for kind in ("float32", "int8"):
        kr.export_tflite(
            model,
            folder / f"{kind}.tflite",
            quantization=kind,
            representative_data=CLIPS[:30],
            labels=LABELS,
        )
    return folder


def keras_scores(model, clips):
    return keras.ops.convert_to_numpy(keras.ops.softmax(model.predict(clips, verbose=0)))


def damaged(path, change):
    """A copy with other weights: `change` gets those of linear layers by their shapes."""
    content = path.read_bytes()
    packed = unpack_model(content)
    tensors = packed.subgraphs[0].tensors
    constants = {}
    for operator in TFLiteGraph(content).operators:
        if operator.name == "FULLY_CONNECTED":
            for tensor in (tensors[i] for i in operator.inputs[1:] if i >= 0):
                values = np.frombuffer(bytes(packed.buffers[tensor.buffer].data), "float32")
                constants.setdefault(tuple(tensor.shape), []).append((tensor.buffer, values))
    for buffer, values in change(constants):
        packed.buffers[buffer].data = values.astype("float32").tobytes()
    target = path.with_name("damaged.tflite")
    target.write_bytes(add_metadata(pack_model(packed), read_metadata(content)))
    return target


def failed_checks(report):
    return {check.name: check for check in report.checks if not check.passed}


@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_figures_are_those_of_scikit_learn_and_numpy(kind, model, files):
    path = files / f"{kind}.tflite"
    truth = np.random.default_rng(1).integers(3, size=len(CLIPS))
    report = kr.verify_tflite(path, model, CLIPS, truth=truth)
    runtime = Runtime(path.read_bytes())
    found = np.array([runtime(clip) for clip in CLIPS])
    expected = keras_scores(model, CLIPS)
    compared = report.comparison
    assert report.kind == kind and report.labels == LABELS
    assert np.allclose(report.scores, found) and np.allclose(report.expected, expected, atol=1e-5)
    assert compared.clips == len(CLIPS)
    assert compared.max_absolute_error == pytest.approx(np.abs(found - expected).max(), abs=1e-5)
    assert compared.mean_absolute_error == pytest.approx(np.abs(found - expected).mean(), abs=1e-5)
    assert compared.top1_agreement == np.mean(found.argmax(1) == expected.argmax(1))
    assert compared.ua == pytest.approx(balanced_accuracy_score(truth, found.argmax(1)))
    assert compared.model_ua == pytest.approx(balanced_accuracy_score(truth, expected.argmax(1)))
    assert compared.spread == pytest.approx(found.std(axis=0).max(), abs=1e-5)
    assert np.allclose(compared.shifts, (found - expected).mean(axis=0), atol=1e-5)
    assert bool(report.operators) != report.passed
    json.dumps(report.as_dict())
    text = str(report)
    for word in ("mean shift", "anger", "UA", "top-1 agreement"):
        assert word in text


def test_every_operator_of_an_int8_file_is_compared(model, files):
    report = kr.verify_tflite(files / "int8.tflite", model, CLIPS[30:], operators=True)
    assert report.passed
    graph = TFLiteGraph((files / "int8.tflite").read_bytes())
    computing = [o.name for o in graph.operators if o.name not in ("QUANTIZE", "DEQUANTIZE")]
    assert [operator.operator for operator in report.operators] == computing
    assert sum(operator.int8 for operator in report.operators) == 3
    assert all(0 <= operator.error < 0.1 for operator in report.operators)
    assert report.first_operator is None
    # The last operator's are the scores: those of the four clips that differ most.
    worst = np.argsort(-np.abs(report.scores - report.expected).max(axis=1))[:4]
    scores, expected = report.scores[worst], report.expected[worst]
    error = np.linalg.norm(scores - expected) / np.linalg.norm(expected)
    assert report.operators[-1].error == pytest.approx(error, rel=0.1)
    # Behind a quantized layer, the difference is that layer's.
    by_layer = {o.tensor.split("/")[-2]: o for o in report.operators if o.int8}
    assert by_layer["fc1"].growth == by_layer["fc1"].error > 1e-4
    assert "number" in str(report) and "FULLY_CONNECTED (int8)" in str(report)


def test_float_operators_are_the_models(model, files):
    report = kr.verify_tflite(files / "float32.tflite", model, CLIPS, operators=True)
    assert report.passed and report.first_operator is None
    assert max(operator.error for operator in report.operators) < 1e-5


def test_wrong_weights_name_the_layer(model, files):
    def change(constants):
        ((buffer, values),) = constants[16, 16]
        return [(buffer, values[::-1])]

    path = damaged(files / "float32.tflite", change)
    report = kr.verify_tflite(path, model, CLIPS)
    assert not report.passed
    assert set(failed_checks(report)) == {"maximum absolute error of a score"}
    assert "fc2" in report.first_operator.tensor
    before = [o for o in report.operators if o.index < report.first_operator.index]
    assert before and all(operator.error < 1e-5 for operator in before)
    assert "FAILED" in str(report) and "fc2" in str(report)
    # A tolerance that wide is the user's to give.
    assert kr.verify_tflite(path, model, CLIPS, tolerance=1.0).passed


def test_a_file_that_always_says_the_same(model, files):
    path = damaged(
        files / "float32.tflite", lambda constants: [(b, 0 * v) for b, v in constants[3, 16]]
    )
    check = failed_checks(kr.verify_tflite(path, model, CLIPS))["scores vary with the clips"]
    assert "whatever it hears" in check.hint


@pytest.mark.slow
def test_an_untrained_model_proves_nothing(model, files):
    still = keras.models.clone_model(model)
    still.set_weights([0 * weight for weight in model.get_weights()])
    path = files / "still.tflite"
    kr.export_tflite(still, path, quantization="float32")
    failed = failed_checks(kr.verify_tflite(path, still, CLIPS))
    assert list(failed) == ["scores vary with the clips"]
    assert "untrained" in failed["scores vary with the clips"].hint


def test_classes_in_another_order(model, files):
    def change(constants):
        ((kernel, values),) = constants[3, 16]
        ((bias, biases),) = constants[3,]
        order = [1, 2, 0]
        return [(kernel, values.reshape(3, 16)[order]), (bias, biases[order])]

    path = damaged(files / "float32.tflite", change)
    check = failed_checks(kr.verify_tflite(path, model, CLIPS))["maximum absolute error of a score"]
    assert "another order: 2, 0, 1" in check.hint


def test_other_labels_inside(model, files):
    path = files / "float32.tflite"
    assert kr.verify_tflite(path, model, CLIPS, labels=LABELS).passed
    report = kr.verify_tflite(path, model, CLIPS, labels=["joy", "anger", "sadness"])
    (check,) = failed_checks(report).values()
    assert (check.found, check.asked) == ("anger, joy, sadness", "joy, anger, sadness")


def test_weights_that_are_not_a_number(model, files):
    path = damaged(
        files / "float32.tflite", lambda constants: [(b, v * np.nan) for b, v in constants[3, 16]]
    )
    assert len(failed_checks(kr.verify_tflite(path, model, CLIPS))) == 2


def test_truth_as_names(model, files):
    expected = keras_scores(model, CLIPS).argmax(axis=1)
    names = [LABELS[i] for i in expected]
    report = kr.verify_tflite(files / "float32.tflite", model, iter(CLIPS), truth=names)
    assert report.comparison.ua == report.comparison.model_ua == 1


def bad_input(model):
    nan = CLIPS.copy()
    nan[3, 0, 0] = np.nan
    probabilities = keras.Sequential([model, keras.layers.Softmax()])
    probabilities.build((None, *SHAPE))
    other = keras.Sequential([keras.Input((20, 9)), keras.layers.Flatten(), keras.layers.Dense(3)])
    more = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(4)])
    ok = (model, CLIPS)
    return {
        "no model": ((CLIPS, CLIPS), {}, TypeError, "must be a `keras.Model`"),
        "a path": ((model, "clips"), {}, TypeError, "`clips` must be an array"),
        "one clip": ((model, CLIPS[:1]), {}, ValueError, "two clips"),
        "shape": ((model, CLIPS[:, :10]), {}, ValueError, r"clip 0 of shape \(10, 8\)"),
        "integers": ((model, CLIPS.astype(int)), {}, TypeError, "floating point"),
        "nan": ((model, nan), {}, ValueError, "NaN or infinity in clip 3"),
        "input": ((other, CLIPS), {}, ValueError, "same input"),
        "classes": ((more, CLIPS), {}, ValueError, "same classes"),
        "softmax": ((probabilities, CLIPS), {}, ValueError, "must give logits"),
        "truth": (ok, {"truth": [0, 1]}, ValueError, "one class per clip"),
        "class": (ok, {"truth": [3] * 60}, ValueError, "indices from 0 to 2"),
        "name": (ok, {"truth": ["fear"] * 60}, ValueError, "anger, joy, sadness"),
        "labels": (ok, {"labels": ["a", "b"]}, ValueError, "each of the model's 3 classes"),
    }


def test_bad_input(model, files, tmp_path):
    path = files / "float32.tflite"
    for name, (arguments, options, error, message) in bad_input(model).items():
        with pytest.raises(error, match=message):
            kr.verify_tflite(path, *arguments, **options)
            pytest.fail(name)
    with pytest.raises(FileNotFoundError):
        kr.verify_tflite(tmp_path / "gone.tflite", model, CLIPS)
    (tmp_path / "cut.tflite").write_bytes(path.read_bytes()[:500])
    with pytest.raises(ValueError, match=r"cut\.tflite"):
        kr.verify_tflite(tmp_path / "cut.tflite", model, CLIPS)


@pytest.fixture(scope="module")
def commanded(emodb4, tmp_path_factory):
    """A small waveform model, its file, and a CSV of clips with their labels."""
    folder = tmp_path_factory.mktemp("commanded")
    with (emodb4 / "emodb4.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))[4::32]
    clips = [kr.audio.load(emodb4 / row["path"])[:8000] for row in rows]
    inputs = keras.Input((8000,))
    log_mel = kr.audio.LogMel(num_mels=8)
    log_mel.adapt(np.stack(clips))
    x = keras.layers.GlobalAveragePooling1D()(log_mel(inputs))
    model = keras.Model(inputs, keras.layers.Dense(4, name="last")(x))
    kernel, bias = model.get_layer("last").get_weights()
    model.get_layer("last").set_weights([4 * kernel, bias])
    model.save(folder / "light.keras")
    labels = sorted({row["label"] for row in rows})
    kr.export_tflite(model, folder / "ser.tflite", quantization="float32", labels=labels)
    lines = [f"{emodb4 / row['path']},{row['label']}\n" for row in rows]
    (folder / "clips.csv").write_text("path,label\n" + "".join(lines))
    (folder / "unknown.csv").write_text("path,label\n" + lines[0].replace(",", ",x", 1) * 2)
    return folder


def verify(capsys, *arguments):
    code = main(["verify", *map(str, arguments)])
    return code, *capsys.readouterr()


@pytest.mark.slow
def test_command(capsys, commanded):
    given = ("--against", commanded / "light.keras", "--clips", commanded / "clips.csv")
    code, out, err = verify(capsys, commanded / "ser.tflite", *given)
    assert (code, err) == (0, "") and "passed" in out and "UA" in out
    path = damaged(
        commanded / "ser.tflite", lambda constants: [(b, v / 2) for b, v in constants[4, 8]]
    )
    code, out, err = verify(capsys, path, *given, "--json")
    content = json.loads(out)
    assert (code, err, content["passed"]) == (1, "", False)
    assert "last" in content["first_operator"]["tensor"]


def test_bad_use_of_the_command(capsys, commanded, files):
    path, model, clips = (commanded / name for name in ("ser.tflite", "light.keras", "clips.csv"))
    for arguments, word in (
        ((path, "--against", model, "--clips", commanded / "unknown.csv"), "class names"),
        ((path, "--against", commanded / "gone.keras", "--clips", clips), "gone.keras"),
        ((path, "--against", model, "--clips", commanded / "gone"), "gone"),
        (
            (commanded / "no.tflite", "--against", model, "--clips", clips),
            "There is no .tflite file",
        ),
        ((model, "--against", model, "--clips", clips), "TFL3"),
        ((files / "float32.tflite", "--against", model, "--clips", clips), "takes a waveform"),
    ):
        code, out, err = verify(capsys, *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1), arguments
        assert word in err
