"""What a user would take instead: the pieces, and the whole command."""

import dataclasses
import json
import math
import shutil
import sys
from pathlib import Path

import keras
import librosa
import numpy as np
import pytest
from rich.console import Console
from sklearn.metrics import recall_score
from sklearn.svm import LinearSVC

import keras_reparam as kr
from keras_reparam.audio import LogMel, load
from recipes.baselines import __main__ as command_module
from recipes.baselines import run as run_module
from recipes.baselines.__main__ import left_out, main
from recipes.baselines.cepstrum import Cepstrum
from recipes.baselines.hearing import HARD, changed, classes_of
from recipes.baselines.level_alone import level_alone
from recipes.baselines.light_sernet import LightSernet
from recipes.baselines.machine import fit_machine
from recipes.baselines.measurement import Cost
from recipes.baselines.preparation import of_file
from recipes.baselines.report import Row, markdown_of, verdicts
from recipes.baselines.settings import NAMES, Settings
from recipes.common.manifest import read_manifest, read_segment, write_manifest
from recipes.common.protocol.examples import examples_of
from recipes.common.protocol.fold import Fold
from recipes.common.tasks.classes import Classes
from recipes.robustness.run import run as robustness
from tests.recipes.teacher.conftest import preset  # noqa: F401

SHIPPED = Path(kr.__file__).parent / "pretrained" / "ser_int8.tflite"
LABELS = ("anger", "happiness", "neutral", "sadness")


@pytest.mark.backend
@pytest.mark.slow
def test_cepstrum_is_librosas(clip):
    samples = load(clip, sample_rate=16000)[:32000]
    log_mel = LogMel(**Settings().front_end)
    features = log_mel(samples)
    found = keras.ops.convert_to_numpy(Cepstrum(40)(features))[0, ..., 0]
    padded = np.pad(samples, (0, 1024))
    power = librosa.feature.melspectrogram(
        y=padded, sr=16000, n_fft=1024, hop_length=256, window="hamming", center=False,
        n_mels=128, fmin=80, fmax=7600,
    )  # fmt: skip
    expected = librosa.feature.mfcc(S=np.log(power + log_mel.log_offset), n_mfcc=40)
    np.testing.assert_allclose(found[:120], expected.T[:120], atol=2e-3)

    mask = np.arange(features.shape[1])[None] < 50
    masked = keras.ops.convert_to_numpy(Cepstrum(40)(features, mask=mask))[0, ..., 0]
    np.testing.assert_array_equal(masked[:50], found[:50])
    assert not masked[50:].any()


def test_light_sernet_has_the_published_layers():
    model = LightSernet(num_classes=4, num_mels=128, frames=188)
    kernels = [
        tuple(layer.kernel.shape)
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]
    # In time by frequency; the paper has frequency first.
    published = [(11, 1, 1, 32), (1, 9, 1, 32), (3, 3, 1, 32)]
    published += [(3, 3, 96, 64), (3, 3, 64, 96), (3, 3, 96, 128), (3, 3, 128, 160)]
    published += [(1, 1, 160, 320)]
    assert sorted(kernels) == sorted(published)
    weights = sum(math.prod(kernel) for kernel in published)
    biases = 3 * 32
    normalization = 4 * (3 * 32 + 64 + 96 + 128 + 160 + 320)
    assert model.count_params() == weights + biases + normalization + 320 * 4 + 4
    assert 0.45e6 < model.count_params() < 0.47e6
    again = LightSernet.from_config(model.get_config())
    assert again.count_params() == model.count_params()


def test_a_training_clip_weighs_as_often_as_it_is_heard():
    rng = np.random.default_rng(0)
    classes = np.arange(120) % 4
    features = rng.normal(0, 1, (120, 6)) * [1, 10, 100, 1, 1, 1] + 1.5 * classes[:, None]
    times = np.where(np.arange(120) < 40, 4, 1)
    validation = features[60:] + rng.normal(0, 1, (60, 6)), classes[60:]
    weighed, strength = fit_machine((features, classes), validation, times, 4)
    repeated = np.repeat(np.arange(120), times)
    heard, same = fit_machine(
        (features[repeated], classes[repeated]), validation, np.ones(len(repeated)), 4
    )
    assert strength == same
    np.testing.assert_array_equal(weighed(features).argmax(axis=1), heard(features).argmax(axis=1))
    # Scaling is in the weights: features come as they are.
    mean, std = (f(features[repeated], axis=0) for f in (np.mean, np.std))
    plain = LinearSVC(C=strength, class_weight="balanced", dual=False, tol=1e-3)
    plain.fit((features[repeated] - mean) / std, classes[repeated])
    np.testing.assert_allclose(
        heard(features), plain.decision_function((features - mean) / std), atol=1e-6
    )


def test_clips_and_classes_are_those_of_robustness(emodb4, tmp_path):
    """The same seed, the same noise, the same answers, kept for the same file alone."""
    segments = read_manifest(emodb4 / "emodb4.csv")
    chosen = [s for s in segments if s.speaker == "03"][::10]
    examples = examples_of(chosen, Classes(LABELS))
    manifest = tmp_path / "manifest.csv"
    write_manifest(manifest, chosen)
    _, expected, clips = robustness(
        SHIPPED, manifest, emodb4, tests=HARD, silence_decibels=-math.inf, workers=1
    )
    assert [segment.id for segment in clips.segments] == [example.id for example in examples]

    def samples(example):
        return read_segment(example.segments[0], emodb4, sample_rate=16000)

    console = Console(quiet=True)
    contestant = of_file("ours", "ours", SHIPPED)
    found = classes_of(contestant, examples, samples, tmp_path / "ours", console)
    assert list(found) == ["clean", *HARD]
    for name, classes in found.items():
        np.testing.assert_array_equal(classes, expected[name])
    noisy = changed(samples(examples[0]), examples[0].id, "white")
    assert not np.array_equal(noisy, changed(samples(examples[0]), examples[1].id, "white"))

    def unread(_):
        raise AssertionError("What was heard is kept")

    again = classes_of(contestant, examples, unread, tmp_path / "ours", console)
    assert all(np.array_equal(again[name], found[name]) for name in found)
    other = tmp_path / "other.tflite"
    shutil.copy(SHIPPED.with_name("ser_float32.tflite"), other)
    with pytest.raises(AssertionError, match="kept"):
        classes_of(of_file("ours", "ours", other), examples, unread, tmp_path / "ours", console)


def row(name, *, ua, milliseconds, size=1000, parameters=1000):
    cost = Cost(median=milliseconds, low=milliseconds / 2, high=2 * milliseconds, memory=10.0)
    scores = {"EmoDB": dict(zip(("clean", *HARD), ua, strict=True))}
    return Row(name=name, title=name, parameters=parameters, size=size, ua=scores, cost=cost)


def test_the_level_alone_is_worth_what_levels_differ():
    """The loud class is told from the others, which are of one level, and these are not."""
    segments = read_manifest(SHIPPED.parents[2] / "recipes" / "data" / "emodb4" / "emodb4.csv")
    found: dict[str, list] = {"train": [], "validation": [], "test": []}
    for example in examples_of(segments, Classes(("anger", "neutral", "sadness"))):
        split = example.segments[0].split
        found[split].append(dataclasses.replace(example, corpus="EmoDB"))
    train, validation, test = (tuple(examples) for examples in found.values())
    fold = Fold(name="official", train=train, validation=validation, tests={"test": test})
    noise = np.random.default_rng(3).normal(size=1000)
    for softer, expected in ((40.0, 2 / 3), (0.0, 1 / 3)):

        def samples(example, softer=softer):
            return noise * 10 ** (-(10 + softer * (example.label > 0)) / 20)

        assert level_alone(fold, samples, 3) == {"EmoDB": pytest.approx(expected)}


def test_verdicts_say_where_it_is_first_and_where_not():
    own = row("own", ua=(0.8, 0.5, 0.7, 0.6), milliseconds=1.0, size=300_000)
    small = row("small", ua=(0.7, 0.6, 0.7, 0.5), milliseconds=20.0, size=200_000)
    large = row("large", ua=(0.9, 0.9, 0.9, 0.9), milliseconds=90.0, size=10**7, parameters=10**7)
    time, size, clean, gain, white, telephone = verdicts([own, small, large])
    assert time == "time: own is first, 1 ms per s; then small, 20 ms per s"
    assert size == "bytes: own is NOT first, 300 kB; before it small, 200 kB"
    # Larger ones do not count.
    assert "is first, 80.0; then small, 70.0" in clean
    assert "is NOT first, 50.0; before it small, 60.0" in gain
    assert "is first, 70.0" in white and "is first, 60.0" in telephone
    assert len(verdicts([own, large])) == 2
    assert verdicts([own]) == []
    text = markdown_of([own, small, large], ["told"])
    lines = text.splitlines()
    assert [line.count("|") for line in lines[:5]] == [11] * 5
    assert lines[2].startswith("| own | 80.0 | 50.0 | 70.0 | 60.0 | 1,000 | 300 | 1 | 0.5 to 2 |")
    assert f"- {gain}" in lines and "told" in lines


def test_who_is_left_out_and_why(monkeypatch, tmp_path, failed):
    assert set(left_out("whisper_tiny_en")) <= {"egemaps"}
    monkeypatch.setitem(sys.modules, "opensmile", None)
    found = left_out(None)
    assert "research alone: pip install" in found["egemaps"]
    assert "--teacher" in found["whisper"]
    assert "no folder of clips" in failed(main, "--data", tmp_path / "nowhere")
    assert "invalid choice" in failed(main, "--data", tmp_path, "--only", "ours")
    assert "EmoDB's clips must be" in failed(main, "--data", tmp_path, "--out", tmp_path / "out")


@pytest.mark.nightly
def test_the_command(shared_data, preset, tmp_path, capsys, failed, monkeypatch):  # noqa: F811
    # Fewer clips still than in a trial.
    monkeypatch.setitem(command_module._SHORT, "limit", 1)
    monkeypatch.setattr(run_module, "_MEASURED", 5)
    out = tmp_path / "out"
    command = ["--data", str(shared_data), "--out", str(out), "--short", "--teacher", str(preset)]
    assert main(command) == 0
    shown = capsys.readouterr().out
    names = [name for name in NAMES if f"{name} is left out" not in shown]
    assert set(NAMES) - set(names) <= {"egemaps"}
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in results["rows"]}
    assert list(rows) == names
    own = rows["ours"]
    assert own["size"] == SHIPPED.stat().st_size
    for found in rows.values():
        assert found["cost"]["low"] <= found["cost"]["median"] <= found["cost"]["high"]
        assert {*found["ua"]} == {"CREMA-D", "EmoDB"} and found["cost"]["memory"] > 0
    assert own["cost"]["median"] < min(r["cost"]["median"] for r in [*rows.values()][1:])
    assert (out / "baselines.png").stat().st_size > 10_000
    assert "like Light-SERNet" in (out / "results.md").read_text(encoding="utf-8")

    # Its file is a classifier as any other, and its UA is that of its answers.
    exported = kr.load_classifier(out / "light_sernet" / "ser_int8.tflite")
    assert exported.labels == LABELS
    kept = json.loads((out / "light_sernet" / "classes.json").read_text())["classes"]["clean"]
    letters = {"W": 0, "F": 1, "N": 2, "T": 3}
    emodb = {clip: letters[clip[5]] for clip in kept if len(clip) == 7}
    ua = recall_score([*emodb.values()], [kept[clip] for clip in emodb], average="macro")
    assert rows["light_sernet"]["ua"]["EmoDB"]["clean"] == pytest.approx(ua)

    # A second call trains nothing, hears nothing anew, and does without what is missing.
    trained = {path: path.stat().st_mtime_ns for path in out.glob("*/*") if path.is_file()}
    monkeypatch.setitem(sys.modules, "opensmile", None)
    assert main(command) == 0
    assert "egemaps is left out: it needs openSMILE" in capsys.readouterr().out
    assert all(path.stat().st_mtime_ns == time for path, time in trained.items())
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in results["rows"]] == ["ours", "light_sernet", "whisper"]

    line = failed(main, *[argument for argument in command if argument != "--short"])
    assert "trained with another epochs, copies, limit, clips_sha256" in line
