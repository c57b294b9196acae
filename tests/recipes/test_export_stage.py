"""The export stage: every figure against Keras and scikit-learn, on a small untrained model."""

import csv
import dataclasses
import importlib
import io
import itertools
import json
import re
import tracemalloc

import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from recipes.common.deployment.golden import clearest
from recipes.common.manifest import read_manifest, read_segment
from recipes.common.protocol.fold import Example, Fold
from recipes.common.tasks.classes import Classes

LABELS = ("anger", "happiness", "neutral", "sadness")
TASK = Classes(LABELS)
CORPORA = ("crema_d", "custom", "daic_woz", "emodb", "iemocap", "m3ed")
RATE = 16000
QUIET = Console(quiet=True)
SMALL = {"channels": 4, "units": 16, "num_layers": 1, "num_heads": 2, "feed_forward_units": 32}


def example(segment, decision=None):
    return Example(
        id=segment.id,
        segments=(segment,),
        label=LABELS.index(segment.label),
        speaker=segment.speaker,
        sex=segment.sex,
        decision=decision or segment.id,
    )


@pytest.fixture(scope="module")
def fold(emodb4):
    """Each emotion by two speakers, two clips each; the first two test clips are one decision."""
    segments = read_manifest(emodb4 / "emodb4.csv")
    splits = {}
    for split in ("train", "validation", "test"):
        found = [s for s in segments if s.split == split]
        speakers = sorted({s.speaker for s in found})[:2]
        groups = [
            [s for s in found if (s.label, s.speaker) == who]
            for who in itertools.product(LABELS, speakers)
        ]
        splits[split] = [s for group in groups for s in group[:2]]
        assert len(splits[split]) == 16
    tests = [example(s, "pair" if i < 2 else None) for i, s in enumerate(splits["test"])]
    return Fold(
        name="1",
        train=tuple(map(example, splits["train"])),
        validation=tuple(map(example, splits["validation"])),
        tests={"test": tuple(tests)},
    )


@pytest.fixture(scope="module")
def read(emodb4, fold):
    """Clips as they are, and three as other corpora have them."""
    silent, short, paused = (e.id for e in fold.tests["test"][-3:])

    def found(example):
        (segment,) = example.segments
        samples = read_segment(segment, emodb4, sample_rate=RATE)
        if example.id == silent:
            return np.zeros_like(samples)
        if example.id == short:
            return samples[8000:8112]
        if example.id == paused:
            return np.concatenate([samples[:RATE], np.zeros(5 * RATE, "float32"), samples])
        return samples

    return found


def waveform_model(**options):
    import keras

    import keras_reparam as kr

    keras.utils.set_random_seed(3)
    backbone = kr.models.create("conv_transformer", num_classes=4, **options, **SMALL)
    # Untrained, but of an opinion: the best class must differ from clip to clip.
    classifier = backbone.get_layer("classifier")
    classifier.kernel.assign(5 * classifier.kernel)
    log_mel = kr.audio.LogMel()
    log_mel.build(None)
    return kr.models.with_front_end(backbone, log_mel)


@pytest.fixture(scope="module")
def model(fold, read):
    found = waveform_model(frames=200)
    found.layers[1].adapt(np.concatenate([read(e) for e in fold.train])[None])
    return found


@pytest.fixture(scope="module")
def facts():
    from recipes.common.deployment.model_facts import ModelFacts
    from recipes.common.results.calibration import Calibration
    from recipes.emodb.about import FACTS

    return ModelFacts(
        corpus=FACTS,
        size="light",
        expansion=4,
        training_parameters=12345,
        protocol="The epoch was chosen on the validation speakers.",
        command="python -m recipes.emodb export",
        calibration=Calibration(
            temperature=1.27,
            nll={"before": 1.0, "after": 0.9},
            ece={"before": 0.081, "after": 0.032},
            unsure_below=0.27,
            sure={"coverage": 0.9, "accuracy": 0.7},
        ),
        notes=("A note on these figures.",),
    )


@pytest.fixture(scope="module")
def export(model, fold, read, facts):
    from recipes.common.deployment.fold import export_fold

    given = {"model": model, "fold": fold, "split": "test", "read": read, "task": TASK}

    def run(folder, *, console=QUIET, **options):
        export_fold(folder, **{**given, "facts": facts, "console": console, **options})
        return json.loads((folder / "export.json").read_text())

    return run


@pytest.fixture(scope="module")
def exported(export, tmp_path_factory):
    """The folder of an export over another's files, and what was on the screen."""
    folder = tmp_path_factory.mktemp("run") / "fold-1"
    folder.mkdir()
    for name in ("light.keras", "ser_float16.tflite", "predictions-float16.csv"):
        (folder / name).touch()
    console = Console(width=80, file=io.StringIO())
    export(folder, console=console)
    return folder, console.file.getvalue()


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def probabilities_of(rows):
    return np.array([[float(row[f"probability_{label}"]) for label in LABELS] for row in rows])


def classified(path, samples):
    from keras_reparam.deploy import load_classifier

    return load_classifier(path).classify(samples, RATE)


def by_decision(tests, scores):
    names = list(dict.fromkeys(e.decision for e in tests))
    return np.stack([np.mean([scores[e.id] for e in tests if e.decision == n], 0) for n in names])


def expected_of(model, samples):
    """Mean probabilities of half-overlapping windows that hold sound, by plain Keras.

    Weighed by the samples in them that are not in 25 ms of zeros.
    """
    import keras

    size = model.input_shape[1]
    sound = np.trim_zeros(samples)
    count = max(1, -(-(len(sound) - size) // (size // 2)) + 1)
    windows = [np.trim_zeros(sound[i * size // 2 :][:size]) for i in range(count)]
    windows = [w for w in windows if len(w)] or [samples[:size]]
    frames = [[w[i : i + 400] for i in range(0, len(w), 400)] for w in windows]
    weights = [max(1, sum(len(f) for f in parts if f.any())) for parts in frames]
    batch = np.stack([np.pad(w, (0, size - len(w))) for w in windows])
    scores = keras.ops.softmax(model.predict_on_batch(batch))
    return np.average(np.array(scores), axis=0, weights=weights)


@pytest.mark.slow
def test_folder_holds_what_it_should(exported):
    folder, _ = exported
    kinds = ("float32", "int8")
    assert {path.name for path in folder.iterdir()} == {
        *("MODEL_CARD.md", "export.json", "golden", "light.keras"),
        *(f"ser_{kind}.tflite" for kind in kinds),
        *(f"predictions-{kind}.csv" for kind in kinds),
    }


@pytest.mark.slow
def test_figures_are_those_of_keras_and_scikit_learn(exported, model, fold, read):
    folder, _ = exported
    content = json.loads((folder / "export.json").read_text())
    tests = fold.tests["test"]
    keras_scores = {e.id: expected_of(model, read(e)) for e in tests}
    reference = by_decision(tests, keras_scores)
    truth = list({e.decision: e.label for e in tests}.values())
    assert len(set(reference.argmax(axis=1))) > 1
    assert (content["clips"], content["silent_clips"]) == (16, 1)
    assert content["calibration_clips"] == 16
    assert content["keras"]["ua"] == balanced_accuracy_score(truth, reference.argmax(axis=1))
    for kind, found in content["files"].items():
        rows = rows_of(folder / f"predictions-{kind}.csv")
        assert [row["id"] for row in rows] == list(dict.fromkeys(e.decision for e in tests))
        scores = probabilities_of(rows)
        predicted = scores.argmax(axis=1)
        assert [LABELS.index(row["prediction"]) for row in rows] == predicted.tolist()
        results = found["results"]
        assert results["clips"] == len(truth) == 15
        assert results["ua"] == pytest.approx(balanced_accuracy_score(truth, predicted))
        assert results["wa"] == pytest.approx(accuracy_score(truth, predicted))
        for name, average in (("wf1", "weighted"), ("macro_f1", "macro")):
            expected = f1_score(truth, predicted, average=average, zero_division=0)
            assert results[name] == pytest.approx(expected)
        assert found["top1_agreement"] == np.mean(predicted == reference.argmax(axis=1))
        assert found["bytes"] == (folder / found["file"]).stat().st_size
        assert 0 < found["milliseconds"]["median"] < 1000
        assert np.abs(scores - reference).max() <= found["max_absolute_error"] + 1e-5
        assert found["max_absolute_error"] < {"float32": 1e-4, "int8": 0.3}[kind]
    assert content["files"]["int8"]["max_absolute_error"] > 1e-4
    assert content["files"]["float32"]["top1_agreement"] == 1


@pytest.mark.parametrize("kind", ["float32", "int8"])
@pytest.mark.slow
def test_scores_are_the_classifiers(exported, fold, read, kind):
    folder, _ = exported
    path = folder / f"ser_{kind}.tflite"
    found = probabilities_of(rows_of(folder / f"predictions-{kind}.csv"))
    tests = fold.tests["test"]
    *usual, silent, short, paused = tests
    scores = {e.id: classified(path, read(e)).probabilities for e in (*usual, paused)}
    # What the classifier refuses: shorter than 25 ms. Zeros after it change nothing.
    scores[short.id] = classified(path, np.pad(read(short), (0, 1000))).probabilities
    assert classified(path, read(silent)).silence
    scores[silent.id] = found[-3]
    assert found[-3].sum() == pytest.approx(1)
    assert np.abs(by_decision(tests, scores) - found).max() < 1e-6
    pauses = classified(path, read(paused))
    assert pauses.windows < pauses.duration - 2


@pytest.mark.slow
def test_golden_vectors_and_card(exported, fold):
    from keras_reparam.deploy import check_golden, read_metadata

    folder, screen = exported
    models = {kind: folder / f"ser_{kind}.tflite" for kind in ("float32", "int8")}
    assert check_golden(folder / "golden", models).passed
    golden = sorted(path.stem for path in (folder / "golden").glob("*.wav"))
    told = json.loads((folder / "export.json").read_text())["golden"]
    assert told == {"clips": told["clips"], "why_none": None}
    assert golden == sorted(told["clips"])
    assert len(golden) == 6
    assert set(golden) <= {e.id for e in fold.tests["test"][:-3]}
    card = (folder / "MODEL_CARD.md").read_text()
    for text in (
        "# Emotions in German acted speech: light ConvTransformer",
        "| variant | UA | WA | WF1 | macro-F1 | ECE | sure: coverage | sure: accuracy | recall ",
        "by one temperature, 1.27, on the validation split alone, speakers ",
        "ECE 8.1% before, 3.2% after",
        "below 0.27 is unsure",
        "fold '1'. The epoch was chosen on the validation speakers. Training: speakers ",
        "Integer ranges were measured on 16 training clips",
        "A decision's scores are the mean over its clips",
        "expansion 4, 12,345 parameters",
        "Regulation 2024/1689",
        "CC0 1.0",
        "A note on these figures.",
        "python -m recipes.emodb export",
    ):
        assert text in card
    assert "do not pass it on" not in card
    about = read_metadata(models["int8"].read_bytes())
    assert about.labels == LABELS and about.sample_rate == RATE and about.unsure_below == 0.27
    assert "EmoDB (German), with HRF (expansion 4)" in about.description
    lines = screen.splitlines()
    assert max(map(len, lines)) <= 80
    for text in ("test: 15 decisions of 2 speakers", "Keras", "float32", "int8", "A note on"):
        assert text in screen


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": ("int4",)}, "`kinds` must be a list of some of float32"),
        ({"kinds": ()}, "`kinds` must be"),
        ({"kinds": "int8"}, "`kinds` must be"),
        ({"split": "dev"}, "`split` must be one of test"),
        ({"task": Classes(LABELS[:3])}, "each of the model's 4 classes"),
    ],
)
def test_bad_input_leaves_nothing(export, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        export(tmp_path / "run", **options)
    assert not list(tmp_path.iterdir())


def test_a_fold_without_test_clips_is_none(fold):
    with pytest.raises(ValueError, match="at least one clip"):
        dataclasses.replace(fold, tests={"test": ()})


def test_folder_that_is_a_file(export, tmp_path):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(FileExistsError, match="run"):
        export(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.slow
def test_interrupted_export_leaves_the_former_one(exported, export, fold, read):
    folder, _ = exported

    def contents():
        return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    def interrupted(example):
        if example is fold.tests["test"][5]:
            raise KeyboardInterrupt
        return read(example)

    before = contents()
    with pytest.raises(KeyboardInterrupt):
        export(folder, kinds=("float32",), read=interrupted)
    assert contents() == before


@pytest.mark.slow
def test_backbone_without_frames_gets_a_window():
    import keras_reparam as kr
    from recipes.common.deployment.static_model import with_frames

    options = {"units": (8, 8, 8), "num_layers": (1, 1, 1), "dtype": "mixed_bfloat16"}
    trained = kr.models.create("haffformer", num_classes=4, frames=None, expansion=2, **options)
    with pytest.raises(ValueError, match="merged if it was expanded"):
        with_frames(trained, 150)
    light = kr.merge(trained)
    static = with_frames(light, 150)
    assert static.input_shape == (None, 150, 64)
    assert (type(static), static.dtype_policy) == (type(light), light.dtype_policy)
    features = np.random.default_rng(0).normal(size=(2, 150, 64)).astype("float32")
    mask = np.arange(150) < np.array([[150], [60]])
    first, second = (np.array(m(features, mask=mask, training=False)) for m in (light, static))
    assert np.abs(first).max() > 0.01
    assert np.array_equal(first, second)


def test_model_without_a_front_end_is_refused(export, tmp_path):
    import keras_reparam as kr

    with pytest.raises(ValueError, match="with_front_end"):
        export(tmp_path, model=kr.models.create("conv_transformer", num_classes=4, **SMALL))
    assert not list(tmp_path.iterdir())


def test_calibration_clips_are_even_and_bounded(fold, read):
    from recipes.common.deployment.calibration import calibration_clips, evenly_over_classes

    counts = {0: 500, 1: 5, 2: 50}
    first = fold.train[0]
    many = [
        dataclasses.replace(first, id=f"{label}-{i}", label=label)
        for label, count in counts.items()
        for i in range(count)
    ]
    chosen = evenly_over_classes(many, TASK, 60)
    found = [sum(e.label == label for e in chosen) for label in counts]
    assert found == [28, 5, 27]
    assert len({e.id for e in chosen}) == 60
    assert {"0-0", "0-499"} < {e.id for e in chosen}
    assert evenly_over_classes(many, TASK, 60) == chosen
    assert len(evenly_over_classes(many, TASK, 1000)) == len(many)
    clips = calibration_clips(fold.train, TASK, read, 1000, QUIET)
    assert clips.shape == (16, 1000)
    samples = {e.id: read(e)[:1000] for e in fold.train}
    assert {c.tobytes() for c in clips} == {s.tobytes() for s in samples.values()}


@pytest.mark.parametrize("corpus", CORPORA)
def test_card_of_every_corpus(corpus, model, fold, facts):
    from huggingface_hub import ModelCard as HubCard

    from recipes.common.deployment.card import model_card
    from recipes.common.deployment.measured import Measured
    from recipes.common.results.decisions import decide
    from recipes.common.results.predictions import Predictions
    from recipes.common.results.results import results_of
    from recipes.common.scoring.waveform_model import WaveformModel

    about = importlib.import_module(f"recipes.{corpus}.about").FACTS
    facts = dataclasses.replace(facts, corpus=about, expansion=0, notes=())
    # Two speakers have no intervals.
    tests = fold.tests["test"]
    tests = (*tests[:-4], *(dataclasses.replace(e, speaker="77") for e in tests[-4:]))
    fold = dataclasses.replace(fold, tests={"test": tests})
    scores = np.eye(4)[[e.label for e in tests]]
    predictions = Predictions.of(
        *decide(tests, scores, TASK), task=TASK, fold="1", split="test", majority=0
    )
    measured = Measured(
        name="Keras",
        probabilities=scores,
        predictions=predictions,
        results=results_of(predictions),
    )
    card = model_card(
        *(WaveformModel(model), fold, "test", TASK, [measured], facts),
        kinds=["float32", "int8_full"],
        rule="mean",
        calibrated=0,
        golden=True,
        machine="cpu",
    ).markdown()
    assert about.title in card and about.language in card and about.license in card
    assert "over speakers, is 100.0% to 100.0%." in card
    assert ("do not pass it on" in card) == (corpus not in ("emodb", "crema_d"))
    assert ("not a medical device, and no diagnosis" in card.lower()) == (corpus == "daic_woz")
    assert ("non-commercial" in card) == (corpus in ("daic_woz", "iemocap", "m3ed"))
    assert ("Speech that is not acted" in card) == (corpus not in ("daic_woz", "custom"))
    assert "without HRF" in card and "Calibrated" not in card
    assert "`ser_int8_full.tflite` takes log-mel features int8 `[1, 200, 64]`" in card
    text = card.partition("\n---\n")[2]
    assert not re.search(r"\.\.|  |None|;\.", text.replace("    python", ""))
    header = HubCard(card).data
    assert (header.license == "apache-2.0") == about.shareable
    assert {result.metric_value for result in header.eval_results} == {100.0}


def scored(model, examples, read):
    from recipes.common.scoring.examples import score_examples
    from recipes.common.scoring.form import Form
    from recipes.common.scoring.waveform_model import WaveformModel

    form = Form(False, lambda batch: np.full((len(batch), 4), 0.25))
    return score_examples(examples, read, {"any": form}, WaveformModel(model), QUIET)


def test_memory_is_that_of_one_recording(model, fold):
    """A test split of many minutes never lies in memory as a whole."""
    minute = np.random.default_rng(0).normal(0, 0.1, 60 * RATE).astype("float32")
    tracemalloc.start()
    found = scored(model, [fold.train[0]] * 20, lambda _: minute.copy())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * minute.nbytes
    assert found.lengths.tolist() == [len(minute)] * 20
    assert np.allclose(found.probabilities["any"], 0.25)


@pytest.mark.parametrize("samples", [np.array([0.1, np.nan]), np.zeros((2, 100))])
def test_what_is_no_waveform_is_named(model, fold, samples):
    example = fold.train[0]
    with pytest.raises(ValueError, match=f"Received: '{example.id}' of the shape"):
        scored(model, [example], lambda _: samples)


@pytest.mark.slow
def test_every_kind(export, model, fold, read, tmp_path):
    """Of long windows, so without golden vectors; `int8_full` against Keras on features."""
    from keras_reparam.deploy.tflite.kinds import KINDS

    content = export(tmp_path, model=waveform_model(frames=500), kinds=list(reversed(KINDS)))
    assert list(content["files"]) == list(KINDS)
    assert content["golden"] == {"clips": [], "why_none": "the window is longer than 4 s"}
    assert not (tmp_path / "golden").exists()
    assert content["files"]["int8_full"]["input"] == "features"
    bounds = {"float32": 1e-4, "float16": 0.01, "int8_dynamic": 0.3, "int8": 0.3, "int8_full": 0.4}
    bounds["int4_dynamic"] = 0.4
    for kind, found in content["files"].items():
        assert found["max_absolute_error"] < bounds[kind], kind
        assert found["top1_agreement"] >= 0.8, kind
    assert "int8_full" in (tmp_path / "MODEL_CARD.md").read_text()
    # An export of one kind over it.
    again = export(tmp_path, kinds=("float32",))
    assert {path.name for path in tmp_path.iterdir()} == {
        *("MODEL_CARD.md", "export.json", "golden", "predictions-float32.csv"),
        "ser_float32.tflite",
    }
    assert again["calibration_clips"] == 0


@pytest.mark.slow
def test_backbone_without_frames_is_exported_with_a_window(export, tmp_path):
    """As trained: with HRF, then merged; majority vote."""
    import keras_reparam as kr
    from recipes.common.deployment.static_model import with_frames

    trained = kr.models.create("haffformer", num_classes=4, frames=None, expansion=2)
    log_mel = kr.audio.LogMel()
    light = kr.models.with_front_end(with_frames(kr.merge(trained), 300), log_mel)
    content = export(tmp_path, model=light, rule="vote")
    assert content["window"] == 48000
    assert "the class of most of its clips" in (tmp_path / "MODEL_CARD.md").read_text()
    assert content["files"]["float32"]["max_absolute_error"] < 1e-4
    assert content["files"]["float32"]["top1_agreement"] == 1
    assert len(content["golden"]["clips"]) == 6


def test_golden_clips_are_right_where_any_is():
    """Of every class and speaker the clearest right one; what is only wrong comes last."""
    labels, speakers = [0, 0, 1, 1, 1], ["a", "b", "a", "b", "b"]
    sure = [0.9, 0.8, 0.1, 0.7, 0.95]  # of class 0
    probabilities = np.array([[p, 1 - p] for p in sure])
    # Of class 1 only "a" is right; of "b" the clearer mistake stands for it, and comes last.
    assert clearest(TASK, labels, speakers, probabilities, [True] * 5) == [0, 1, 2, 4]
    assert clearest(TASK, labels, speakers, probabilities, [True, True, False, True, True]) == [
        0,
        1,
        4,
    ]
