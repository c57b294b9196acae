"""Softmax or sigmoid: from the model's logits to what a classifier, a report and a command say."""

import dataclasses
import json

import numpy as np
import pytest
import soundfile
from sklearn.metrics import balanced_accuracy_score

keras = pytest.importorskip("keras")
if keras.config.backend() != "tensorflow":
    pytest.skip("export is tested where Keras runs on TensorFlow", allow_module_level=True)

import keras_reparam as kr  # noqa: E402
from keras_reparam.cli import main  # noqa: E402
from keras_reparam.deploy import check_golden, write_golden  # noqa: E402
from keras_reparam.deploy.conversion.convert import convert  # noqa: E402
from keras_reparam.deploy.conversion.probability_check import refuse_probabilities  # noqa: E402
from keras_reparam.deploy.runtime.classification import Classification  # noqa: E402
from keras_reparam.deploy.runtime.runtime import Runtime  # noqa: E402
from keras_reparam.deploy.tflite.metadata import TFLiteMetadata, add_metadata, read_metadata  # noqa: E402
from tests.marks import slow_but  # noqa: E402

layers, ops = keras.layers, keras.ops
WINDOW, RATE = 1600, 16000
WAVES = np.random.default_rng(0).normal(0, 0.1, (40, WINDOW)).astype("float32")
WAVES *= np.linspace(0.02, 3, 40)[:, None].astype("float32")


def sigmoid(logits):
    return 1 / (1 + np.exp(-np.asarray(logits, "float64")))


def wave_model(units):
    """Waveform to logits that say yes to some of the clips and no to others."""
    keras.utils.set_random_seed(1)
    inputs = keras.Input((WINDOW,))
    log_mel = kr.audio.LogMel(num_mels=8)
    log_mel.adapt(WAVES)
    x = layers.GlobalAveragePooling1D()(layers.Dense(16, activation="relu")(log_mel(inputs)))
    model = keras.Model(inputs, layers.Dense(units, name="last")(x))
    last, logits = model.get_layer("last"), np.asarray(model(WAVES))
    kernel, bias = last.get_weights()
    scale = 3 / logits.std(axis=0)
    last.set_weights([kernel * scale, (bias - np.median(logits, axis=0)) * scale])
    return model


@pytest.fixture(scope="module")
def models():
    return {1: wave_model(1), 3: wave_model(3)}


LABELS = {1: ["depressed"], 3: ["anger", "joy", "surprise"]}


@pytest.fixture(scope="module")
def files(models, tmp_path_factory):
    """Export reports by number of outputs and kind."""
    folder = tmp_path_factory.mktemp("heads")
    return {
        (units, kind): kr.export_tflite(
            model,
            folder / f"{units}_{kind}.tflite",
            quantization=kind,
            head="sigmoid",
            representative_data=WAVES[::2],
            labels=LABELS[units],
        )
        for units, model in models.items()
        for kind in ("float32", "int8")
    }


@pytest.mark.slow
def test_scores_are_the_sigmoid(models, files):
    for (units, kind), report in files.items():
        runtime = Runtime(report.path.read_bytes())
        found = np.array([runtime(wave) for wave in WAVES])
        expected = sigmoid(models[units](WAVES))
        assert np.abs(found - expected).max() < (1e-5 if kind == "float32" else 0.05)
        assert 0.2 < np.mean(found >= 0.5) < 0.8
        assert read_metadata(report.path.read_bytes()).head == "sigmoid"
        assert ("head", "sigmoid") in report.rows
        assert report.top1_agreement is None or report.top1_agreement >= 0.9


def test_a_softmax_says_nothing_and_anyone_elses_words_are_none():
    content = convert(keras.Sequential([keras.Input((4,)), layers.Dense(2)])).content
    plain = add_metadata(content, TFLiteMetadata(labels=("a", "b")))
    assert b"head: " not in plain and read_metadata(plain).head == "softmax"
    about = TFLiteMetadata(labels=("a", "b"), head="sigmoid")
    other = add_metadata(content, about)
    assert other.count(b"head: sigmoid") == 1 and read_metadata(other) == about
    foreign = other.replace(b"head: sigmoid", b"head: of hair")
    assert read_metadata(foreign) == dataclasses.replace(about, head="softmax")
    with pytest.raises(ValueError, match="'softmax', 'sigmoid'.*head='relu'"):
        TFLiteMetadata(head="relu")


@pytest.mark.slow
def test_unsure(models, tmp_path, capsys):
    """From the export to what classifier, stream and commands say, and of a file that is silent."""
    path, sure = tmp_path / "unsure.tflite", tmp_path / "sure.tflite"
    models[3].save(tmp_path / "light.keras")
    given = [str(tmp_path / "light.keras"), "--quantization", "float32", "--labels", "a,b,c"]
    assert main(["export", *given, "-o", str(sure)]) == 0
    bound = float(
        np.median([kr.load_classifier(sure).classify(w, RATE).probabilities.max() for w in WAVES])
    )
    assert main(["export", *given, "-o", str(path), "--unsure-below", str(bound)]) == 0
    assert "unsure below" not in str(kr.inspect_tflite(sure))
    assert ("unsure below", str(bound)) in kr.inspect_tflite(path).rows
    classifier, former = kr.load_classifier(path), kr.load_classifier(sure)
    results = [classifier.classify(wave, RATE) for wave in WAVES]
    assert 15 < sum(result.unsure for result in results) < 25
    for wave, result in zip(WAVES, results, strict=True):
        assert result.unsure == (result.probabilities.max() < np.float32(bound))
        assert result.label == result.labels[result.probabilities.argmax()]
        assert ("unsure" in str(result)) == result.as_dict()["unsure"] == result.unsure
        before = former.classify(wave, RATE)
        assert not before.unsure and np.array_equal(before.probabilities, result.probabilities)
    (streamed,) = classifier.stream([WAVES[0]], hop=0.05)
    assert streamed.unsure == results[0].unsure
    assert not classifier.classify(np.zeros(WINDOW), RATE).unsure
    (number,) = [i for i, result in enumerate(results) if result.unsure][:1]
    soundfile.write(tmp_path / "clip.wav", WAVES[number], RATE, subtype="FLOAT")
    capsys.readouterr()
    command = ["classify", str(tmp_path / "clip.wav"), "--model", str(path)]
    assert main(command) == 0
    assert f"no class has a probability of {bound:.0%}" in capsys.readouterr().out
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["unsure"] is True


def test_bounds_that_are_none(models, tmp_path):
    content = convert(keras.Sequential([keras.Input((4,)), layers.Dense(2)])).content
    about = TFLiteMetadata(labels=("a", "b"), unsure_below=np.float32(0.5))
    file = add_metadata(content, about)
    assert file.count(b"unsure below: 0.5\0") == 1 and read_metadata(file) == about
    for words in (
        b"unsure below: 1.5",
        b"unsure below: nan",
        b"unsure below: six",
        b"unsure below: -.5",
    ):
        foreign = add_metadata(content, dataclasses.replace(about, unsure_below=0.25))
        foreign = foreign.replace(b"unsure below: 0.25", words.ljust(18, b" ")[:18])
        assert read_metadata(foreign).unsure_below == 0
    for bound, error, message in (
        (1.5, ValueError, "at most 1. Received: unsure_below=1.5"),
        (float("nan"), ValueError, "Received: unsure_below=nan"),
        ("0.5", TypeError, "number from 0 to 1. Received: unsure_below='0.5'"),
        (True, TypeError, "Received: unsure_below=True"),
    ):
        with pytest.raises(error, match=message):
            kr.export_tflite(
                models[3], tmp_path / "m.tflite", quantization="float32", unsure_below=bound
            )
    with pytest.raises(ValueError, match="goes with a softmax.*unsure_below=0.5, head='sigmoid'"):
        TFLiteMetadata(head="sigmoid", unsure_below=0.5)
    assert not list(tmp_path.iterdir())


def test_one_class_needs_a_sigmoid(models, tmp_path):
    target = tmp_path / "m.tflite"
    with pytest.raises(ValueError, match='one class.*head="sigmoid"'):
        kr.export_tflite(models[1], target, quantization="float32")
    for options, message in (
        ({"head": "tanh"}, "head='tanh'"),
        ({"head": "sigmoid", "labels": ["yes", "no"]}, "each of the model's 1 classes"),
    ):
        with pytest.raises(ValueError, match=message):
            kr.export_tflite(models[1], target, quantization="float32", **options)
    assert not target.exists()


def test_int8_full_of_features(tmp_path):
    features = np.random.default_rng(0).normal(size=(20, 10, 8)).astype("float32")
    inputs = keras.Input((10, 8))
    outputs = layers.Dense(2, kernel_initializer="orthogonal")(layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    report = kr.export_tflite(
        model,
        tmp_path / "m.tflite",
        quantization="int8_full",
        head="sigmoid",
        representative_data=features,
    )
    runtime = Runtime(report.path.read_bytes())
    found = np.array([runtime(each) for each in features])
    assert np.abs(found - sigmoid(model(features))).max() < 0.05


@pytest.mark.slow
def test_classify(models, files):
    for units, path in ((n, files[n, "float32"].path) for n in models):
        classifier = kr.load_classifier(path)
        expected = sigmoid(models[units](WAVES))
        for wave, scores in zip(WAVES[::4], expected[::4], strict=True):
            result = classifier.classify(wave, RATE)
            assert np.allclose(result.probabilities, scores, atol=1e-4)
            best = int(result.probabilities.argmax())
            assert result.label == (LABELS[units][best] if scores[best] >= 0.5 else None)
            assert result.as_dict()["label"] == result.label and not result.silence
            assert ("no class has a probability of 50%" in str(result)) == (result.label is None)
        silent = classifier.classify(np.zeros(WINDOW), RATE)
        assert silent.silence and silent.label is None and "silence" in str(silent)
    (streamed,) = classifier.stream([WAVES[0]], hop=0.05)
    assert streamed.head == "sigmoid"


def test_the_bound_is_one_half():
    for probability, label in ((0.5, "yes"), (0.4999, None)):
        result = Classification(
            labels=("yes",),
            probabilities=np.array([probability], "float32"),
            silence=False,
            duration=1.0,
            windows=1,
            head="sigmoid",
        )
        assert result.label == label
    assert dataclasses.replace(result, head="softmax").label == "yes"


@pytest.mark.slow
def test_verify(models, files):
    truth = np.random.default_rng(1).integers(2, size=(40, 3))
    for (units, kind), exported in files.items():
        report = kr.verify_tflite(exported.path, models[units], WAVES, truth=truth[:, :units])
        assert report.head == "sigmoid" and report.kind == kind
        assert np.allclose(report.expected, sigmoid(models[units](WAVES)), atol=1e-5)
        same = (report.scores >= 0.5) == (report.expected >= 0.5)
        assert report.comparison.top1_agreement == same.mean(axis=0).min()
        by_class = [
            balanced_accuracy_score(truth[:, i], report.scores[:, i] >= 0.5) for i in range(units)
        ]
        assert report.comparison.ua == pytest.approx(np.mean(by_class))
        assert "sigmoid" in str(report) and report.as_dict()["head"] == "sigmoid"
    # As a softmax, the same scores would agree whatever they were.
    wrong = keras.models.clone_model(models[1])
    wrong.set_weights(models[1].get_weights())
    wrong.set_weights([-w for w in wrong.get_weights()])
    assert not kr.verify_tflite(files[1, "int8"].path, wrong, WAVES).passed


@pytest.mark.slow
def test_truth_of_a_sigmoid(models, files):
    path, model = files[1, "float32"].path, models[1]
    present = sigmoid(model(WAVES))[:, 0] >= 0.5
    names = ["depressed" if each else "healthy" for each in present]
    for truth in (names, present, present.astype(int).tolist()):
        assert kr.verify_tflite(path, model, WAVES, truth=truth).comparison.ua == 1
    for truth, message in (
        (["x"] * 40, "name a class in at least one clip.*depressed"),
        ([2] * 40, "0 and 1"),
        (names + names, r"\(40, 1\)"),
    ):
        with pytest.raises(ValueError, match=message):
            kr.verify_tflite(path, model, WAVES, truth=truth)


@pytest.mark.slow
def test_golden_vectors(files, tmp_path):
    paths = {kind: files[3, kind].path for kind in ("float32", "int8")}
    write_golden(tmp_path / "golden", {"a": WAVES[5], "b": WAVES[30]}, paths)
    assert check_golden(tmp_path / "golden", paths).passed
    index = tmp_path / "golden" / "golden.json"
    content = json.loads(index.read_text())
    # The best class stays, another one is gone.
    for clip in content["clips"]:
        scores = clip["probabilities"]["int8"]
        scores[int(np.argmin(scores))] = 1 - min(scores)
    content["tolerance"]["int8"] = 1.0
    index.write_text(json.dumps(content))
    assert not check_golden(tmp_path / "golden", paths).passed


@pytest.mark.slow
def test_commands(models, files, tmp_path, capsys):
    models[1].save(tmp_path / "light.keras")
    for i in (0, 20, 39):
        soundfile.write(tmp_path / f"{i}.wav", WAVES[i], RATE)
    given = [str(tmp_path / "light.keras"), "-o", str(tmp_path / "m.tflite")]
    options = ["--quantization", "float32", "--labels", "depressed"]
    assert main(["export", *given, *options]) == 2
    assert 'head="sigmoid"' in capsys.readouterr().err
    assert main(["export", *given, *options, "--head", "sigmoid", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metadata"]["head"] == "sigmoid"
    clips = [str(tmp_path / f"{i}.wav") for i in (0, 20, 39)]
    assert main(["classify", *clips, "--model", str(tmp_path / "m.tflite"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {each["label"] for each in found} == {"depressed", None}
    (tmp_path / "clips.csv").write_text(
        "path,label\n"
        + "".join(f"{c},{f['label'] or 'healthy'}\n" for c, f in zip(clips, found, strict=True))
    )
    against = ["--against", given[0], "--clips", str(tmp_path / "clips.csv"), "--json"]
    assert main(["verify", str(tmp_path / "m.tflite"), *against]) == 0
    assert json.loads(capsys.readouterr().out)["ua"] == 1
    assert main(["benchmark", str(tmp_path / "m.tflite"), "--rounds", "2"]) == 0


# Item 15: probabilities are found by their numbers, one output in any structure is taken.

INPUTS = keras.Input((20, 6))
BODY = layers.Dense(16, activation="relu")(layers.Flatten()(INPUTS))


def logits(units=3, **options):
    return layers.Dense(units, **options)(BODY)


def softmax_inside():
    """A model that ends with a softmax, as a layer of another."""
    inner = keras.Input((16,))
    return keras.Model(inner, layers.Dense(3, activation="softmax")(inner))


def by_hand(x):
    return ops.exp(x) / ops.sum(ops.exp(x), axis=-1, keepdims=True)


PROBABILITIES = {
    "mean of two": lambda: (ops.softmax(logits()) + ops.softmax(logits())) / 2,
    "clipped": lambda: ops.clip(ops.softmax(logits()), 1e-7, 1 - 1e-7),
    "clipped a lot": lambda: ops.clip(ops.softmax(logits()), 0.1, 0.9),
    "by hand": lambda: by_hand(logits()),
    "mean over frames": lambda: ops.mean(layers.Dense(3, activation="softmax")(INPUTS), axis=1),
    "nested": lambda: softmax_inside()(BODY),
    "groups of classes": lambda: ops.matmul(
        ops.softmax(logits(4)), np.repeat(np.eye(2), 2, axis=0).astype("float32")
    ),
    "sigmoid": lambda: logits(activation="sigmoid"),
    "one sigmoid": lambda: logits(1, activation="sigmoid"),
    "hard sigmoid": lambda: logits(activation="hard_sigmoid"),
    "product of sigmoids": lambda: logits(activation="sigmoid") * logits(activation="sigmoid"),
}


@pytest.mark.parametrize("name", slow_but(PROBABILITIES, "clipped", "by hand", "one sigmoid"))
def test_probabilities_are_refused(name):
    outputs = PROBABILITIES[name]()
    head = "sigmoid" if outputs.shape[-1] == 1 else "softmax"
    with pytest.raises(ValueError, match="must give logits"):
        refuse_probabilities(convert(keras.Model(INPUTS, outputs), None, head))


def small():
    """Weights of which logits lie between 0 and 1."""
    return {"kernel_initializer": keras.initializers.RandomUniform(0, 1e-3, seed=0)}


LOGITS = {
    "small and positive": lambda: logits(**small()),
    "relu": lambda: logits(activation="relu", **small()),
    "relu that never fires": lambda: logits(
        activation="relu", kernel_initializer="zeros", bias_initializer="zeros"
    ),
    "softplus": lambda: logits(activation="softplus", bias_initializer=_bias, **small()),
    "normalised before": lambda: layers.Dense(3, activation="relu", **small())(
        layers.LayerNormalization()(BODY)
    ),
    "a softmax inside": lambda: layers.Dense(3)(softmax_inside()(BODY)),
    "attention": lambda: layers.Dense(3, **small())(
        layers.Flatten()(layers.MultiHeadAttention(2, 4)(INPUTS, INPUTS))
    ),
    "logarithms of probabilities": lambda: ops.log_softmax(logits()),
}


def _bias(shape, dtype=None):
    return ops.full(shape, -2.0, dtype)


@pytest.mark.parametrize("name", slow_but(LOGITS, "relu", "a softmax inside"))
def test_logits_are_taken(name):
    refuse_probabilities(convert(keras.Model(INPUTS, LOGITS[name]())))


@pytest.mark.slow
def test_verify_refuses_them_too(tmp_path):
    clips = np.random.default_rng(0).normal(size=(20, 20, 6)).astype("float32")
    path = tmp_path / "m.tflite"
    kr.export_tflite(keras.Model(INPUTS, logits()), path, quantization="float32")
    with pytest.raises(ValueError, match="must give logits"):
        kr.verify_tflite(path, keras.Model(INPUTS, PROBABILITIES["clipped a lot"]()), clips)


@pytest.mark.slow
def test_one_output_in_any_structure(tmp_path):
    outputs, path = logits(), tmp_path / "m.tflite"
    clips = np.random.default_rng(0).normal(size=(20, 20, 6)).astype("float32")
    expected = np.asarray(ops.softmax(keras.Model(INPUTS, outputs)(clips)))
    for model in (
        keras.Model(INPUTS, [outputs]),
        keras.Model([INPUTS], {"emotion": outputs}),
        keras.Model({INPUTS.name: INPUTS}, [[outputs]]),
    ):
        kr.export_tflite(model, path, quantization="float32")
        runtime = Runtime(path.read_bytes())
        assert np.allclose([runtime(clip) for clip in clips], expected, atol=1e-5)
        assert kr.verify_tflite(path, model, clips).comparison.max_absolute_error < 1e-5
    several = keras.Model(INPUTS, {"emotion": outputs, "sex": logits(2)})
    for call in (
        lambda: kr.export_tflite(several, path, quantization="float32"),
        lambda: kr.verify_tflite(path, several, clips),
    ):
        with pytest.raises(ValueError, match=r"one output.*2 outputs.*emotion.*\(1?\w*, 3\)"):
            call()


def test_a_waveform_with_an_axis_for_its_channel(tmp_path):
    inputs = keras.Input((WINDOW, 1))
    x = layers.Conv1D(8, 64, strides=32, activation="relu")(inputs)
    scale = keras.initializers.Orthogonal(gain=20)
    x = layers.Dense(2, kernel_initializer=scale)(layers.GlobalAveragePooling1D()(x))
    model, path = keras.Model(inputs, x), tmp_path / "m.tflite"
    options = {
        "labels": ["no", "yes"],
        "sample_rate": RATE,
        "representative_data": WAVES[..., None],
    }
    report = kr.export_tflite(model, path, clip_seconds=0.1, **options)
    assert report.input_shape == (1, WINDOW) and report.metadata.sample_rate == RATE
    expected = np.asarray(ops.softmax(model(WAVES[..., None])))
    classifier = kr.load_classifier(path)
    for wave, scores in zip(WAVES, expected, strict=True):
        assert np.abs(classifier.classify(wave, RATE).probabilities - scores).max() < 0.03
    for clips in (WAVES, WAVES[..., None]):
        assert kr.verify_tflite(path, model, clips).comparison.max_absolute_error < 0.03
    with pytest.raises(ValueError, match="takes features, and the model takes a waveform"):
        kr.export_tflite(model, path, quantization="int8_full", **options)
