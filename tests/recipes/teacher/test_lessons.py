"""What a student learns from a teacher's features, and that nothing leaks."""

import json

import numpy as np
import pytest
from rich.console import Console

from keras_reparam.audio import LogMel
from keras_reparam.deploy.conversion.saved_model import load_model
from keras_reparam.models import create, with_front_end
from recipes.common.manifest import read_manifest
from recipes.common.settings import RecipeSettings
from recipes.common.store import Store
from recipes.common.teacher.kind import is_preset
from recipes.common.teacher.lessons import Lessons, lessons_of
from recipes.common.teacher.linear_head import chosen_strength, fit_head, out_of_fold_logits
from recipes.common.teacher.pooled_features import PooledFeatures, joined
from recipes.common.training.batches import TrainingBatches
from recipes.common.training.model import training_model
from recipes.common.training.progress_bar import ProgressBar
from recipes.common.training.windows import Stretch
from recipes.custom.__main__ import main
from recipes.custom.protocol import folds_of
from recipes.custom.settings import CustomSettings

pytest.importorskip("keras_hub")
from recipes.common.tasks.classes import Classes
from recipes.common.teacher.whisper_encoder import WhisperEncoder

OPTIONS = {
    "channels": 4, "units": 8, "num_layers": 1, "num_heads": 2, "feed_forward_units": 16
}  # fmt: skip


@pytest.fixture(scope="module")
def fold(prepared):
    """One of the prepared corpus's three, two speakers each."""
    settings, segments = CustomSettings(), read_manifest(prepared / "manifest.csv")
    (found,) = (f for f in folds_of(segments, settings) if f.name == "1")
    return found


@pytest.fixture(scope="module")
def encoder(preset):
    return WhisperEncoder(str(preset), [1, 2])


@pytest.fixture(scope="module")
def pooled(prepared, encoder):
    return PooledFeatures(Store(prepared / "store"), encoder, Console(quiet=True))


def features_of(pooled, examples):
    return pooled.of(examples), np.array([example.label for example in examples])


@pytest.mark.slow
def test_pooled_features(prepared, encoder, pooled, fold):
    """Each example's row is its own clip's; what was computed is not computed again."""
    store = Store(prepared / "store")
    for example in fold.train[:2]:
        expected = encoder.pooled(store.audio(example.segments[0].id)).reshape(-1)
        np.testing.assert_array_equal(pooled.of([example])[0], expected)
    again = PooledFeatures(store, _Stopping(encoder, 0), Console(quiet=True))
    np.testing.assert_array_equal(again.of(fold.train), pooled.of(fold.train))


class _Stopping:
    """An encoder, stopped by Ctrl-C after some clips, which it counts."""

    def __init__(self, encoder, clips):
        self.shape, self.digest = encoder.shape, encoder.digest
        self._encoder, self._left, self.done = encoder, clips, 0

    def pooled(self, samples):
        if self.done == self._left:
            raise KeyboardInterrupt
        self.done += 1
        return self._encoder.pooled(samples)


@pytest.mark.slow
def test_interrupted_features_go_on(prepared, encoder, pooled, fold, tmp_path, monkeypatch):
    """They end as unbroken ones do, without what was done being done again."""
    monkeypatch.setattr("recipes.common.store.layout.COMMIT_SECONDS", 0)
    store = Store(prepared / "store")
    (path,) = store.folder.glob("features-teacher-*")
    whole = path.read_bytes()
    path.rename(tmp_path / "aside")
    for clips in (5, 7):
        with pytest.raises(KeyboardInterrupt):
            PooledFeatures(store, _Stopping(encoder, clips), Console(quiet=True))
        assert not path.exists()
    last = _Stopping(encoder, len(store))
    PooledFeatures(store, last, Console(quiet=True))
    assert last.done == len(store) - 12
    assert path.read_bytes() == whole
    assert [found.name for found in store.folder.glob("features-teacher-*")] == [path.name]


def test_several_clips_are_one():
    frames = np.random.default_rng(1).normal(size=(2, 30, 3)) * [1, 10, 100]
    parts = np.split(frames, [4, 11], axis=1)

    def pooled(values):
        return np.stack([values.mean(axis=1), values.std(axis=1)], axis=1)

    found = joined(np.stack([pooled(part) for part in parts]), [4, 7, 19])
    np.testing.assert_allclose(found, pooled(frames), rtol=1e-5, atol=1e-5)


def test_out_of_fold_logits_do_not_know_the_speaker():
    """What tells the label of a training speaker alone is worth nothing for that speaker."""
    rng = np.random.default_rng(1)
    speakers = np.repeat(np.arange(12), 20)
    classes = speakers % 3
    features = np.eye(12)[speakers] + rng.normal(0, 0.01, (240, 12))
    own = fit_head(features, classes, 3, 1.0)(features).argmax(axis=1)
    others = out_of_fold_logits(features, classes, speakers, 3, 1.0).argmax(axis=1)
    assert (own == classes).mean() == 1
    assert (others == classes).mean() < 0.5


@pytest.mark.parametrize("classes", [[0, 1, 2], [0, 2], [1]])
def test_heads_of_few_classes(classes):
    """Two of three, or one: a class without examples is never chosen; the others are told."""
    truth = np.repeat(classes, 10)
    features = np.eye(3)[truth] + np.random.default_rng(1).normal(0, 0.1, (len(truth), 3))
    logits = fit_head(features, truth, 3, 1.0)(features)
    assert logits.shape == (len(truth), 3)
    np.testing.assert_array_equal(logits.argmax(axis=1), truth)


def test_head_against_scikit_learn(pooled, fold):
    """The standardisation is folded into the weights: probabilities are those of a pipeline."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    features, classes = features_of(pooled, fold.train)
    model = LogisticRegression(C=0.01, class_weight="balanced", tol=1e-3)
    expected = make_pipeline(StandardScaler(), model).fit(features, classes)
    logits = fit_head(features, classes, 3, 0.01)(features)
    found = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected.predict_proba(features), atol=1e-5)


def test_one_speaker_alone():
    with pytest.raises(ValueError, match="at least two training speakers. Received: 1"):
        out_of_fold_logits(np.ones((4, 2)), np.array([0, 1, 0, 1]), ["a"] * 4, 2, 1.0)


class _Watched:
    """Keeps account of whose features were asked for."""

    def __init__(self, pooled):
        self._pooled, self.asked = pooled, set()

    def of(self, examples):
        self.asked |= {example.speaker for example in examples}
        return self._pooled.of(examples)

    def labelled(self, examples):
        return self.of(examples), self._pooled.labelled(examples)[1]


def test_lessons(pooled, fold):
    """From training speakers; the validation ones choose a number; nobody reads the test ones."""
    watched = _Watched(pooled)
    options = {"components": 4, "temperature": 2.0, "share": 0.25}
    found = lessons_of(fold, watched, 3, **options)
    speakers = {split: {e.speaker for e in examples} for split, examples in fold.splits.items()}
    assert watched.asked == speakers["train"] | speakers["validation"]

    features, classes = features_of(pooled, fold.train)
    standard = (features - features.mean(0)) / np.maximum(features.std(0), 1e-9)
    values, vectors = np.linalg.eigh(np.cov(standard.T))
    expected = standard @ vectors[:, np.argsort(-values)[:4]]
    np.testing.assert_allclose(np.abs(found.features), np.abs(expected), atol=2e-3)

    strength = chosen_strength((features, classes), features_of(pooled, fold.validation), 3)
    who = [example.speaker for example in fold.train]
    logits = out_of_fold_logits(features, classes, who, 3, strength)
    exponentials = np.exp(logits / 2)
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)
    targets = np.eye(3)[classes]
    np.testing.assert_allclose(
        found.mixed_into(targets), 0.75 * targets + 0.25 * expected, atol=1e-6
    )


class _Numbered:
    """Windows of one frame that tell which clip they are of."""

    length, any_length = 1, False

    def stretch(self, clip, rng):
        return Stretch(clip, 1)

    def draw(self, stretch, rng):
        return np.array([[stretch.clip]], "float32"), np.ones(1, bool)


@pytest.mark.parametrize("mixup", [0.0, 0.4])
def test_batches_with_lessons(mixup):
    """Features, targets and input belong together, mixed or not; rarity is the truth's."""
    truth = np.array([0, 0, 0, 1, 0, 0])
    probabilities = np.stack([np.linspace(0.1, 0.6, 6), np.linspace(0.9, 0.4, 6)], axis=1)
    lessons = Lessons(np.arange(6, dtype="float32")[:, None] * [1, -1], probabilities, 0.5)
    settings = RecipeSettings(batch_size=4, mixup=mixup, seed=3)
    batches = TrainingBatches(_Numbered(), truth, Classes(("a", "b")), settings, lessons=lessons)
    clips = []
    for (values, mask, features), targets, weights in (batches[i] for i in range(len(batches))):
        np.testing.assert_allclose(features, values[:, 0] * [1, -1], atol=1e-6)
        assert mask.all()
        if not mixup:
            own = values[:, 0, 0].astype(int)
            clips += own.tolist()
            expected = (np.eye(2)[truth[own]] + probabilities[own]) / 2
            np.testing.assert_allclose(targets, expected, atol=1e-6)
            np.testing.assert_allclose(weights, np.where(truth[own] == 1, 3, 0.6), atol=1e-6)
        np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
    assert mixup or sorted(clips) == list(range(6))


def test_what_is_added_to_the_loss():
    """The distance of the features, waveforms in or features in; nothing when it is used."""
    settings = RecipeSettings(teacher_weight=0.5, spec_augment=False)
    backbone = create("conv_transformer", num_classes=3, num_mels=64, frames=20, **OPTIONS)
    rng = np.random.default_rng(1)
    other = rng.normal(size=(2, 5)).astype("float32")
    for front_end in (None, LogMel()):
        model = training_model(backbone, settings, waveforms_to=front_end, components=5)
        inputs = [rng.normal(size=(2, 3200)).astype("float32")]
        if front_end is None:
            inputs = [rng.normal(size=(2, 20, 64)).astype("float32"), np.ones((2, 20), bool)]
        model([*inputs, other], training=True)
        (loss,) = map(float, model.losses)
        assert 0 < loss < 1
        model([*inputs, other], training=False)
        assert not model.losses


@pytest.mark.slow
def test_training_with_a_whisper(prepared, preset):
    """What is kept and exported is the backbone alone: as many weights, one input."""
    settings = [f"backbone_options={json.dumps(OPTIONS)}", "frames=100", "batch_size=4"]
    settings += ["teacher_layers=[1, 2]", "teacher_components=5", "expansion=0", "epochs=1"]
    arguments = ["train", "--out", str(prepared), "--run", "taught", "--fold", "1", *settings]
    assert main([*arguments, f"teacher={preset}"]) == 0
    model = load_model(prepared / "taught" / "fold-1" / "light.keras")
    plain = create("conv_transformer", num_classes=3, num_mels=64, frames=100, **OPTIONS)
    whole = with_front_end(plain, LogMel())
    assert model.count_params() == whole.count_params() and len(model.inputs) == 1


def test_what_a_teacher_is(preset, tmp_path):
    (tmp_path / "run").mkdir()
    for name in ("config.json", "run.json"):
        (tmp_path / "run" / name).touch()
    assert is_preset(str(preset)) and is_preset("whisper_tiny_en") and is_preset("hf://a/b")
    assert not is_preset(str(tmp_path / "run")) and not is_preset("runs/emodb/some-run")


def test_settings_of_a_teacher():
    for change in ({"teacher_layers": []}, {"teacher_share": 1.1}, {"teacher_temperature": 0}):
        with pytest.raises(ValueError, match=next(iter(change))):
            RecipeSettings(**change)


@pytest.mark.slow
def test_interrupted_training_goes_on(prepared, preset, monkeypatch):
    """With a teacher and degraded copies it ends as an unbroken one, to the last weight."""
    settings = [f"backbone_options={json.dumps(OPTIONS)}", "frames=100", "batch_size=4"]
    settings += ["teacher_layers=[1, 2]", "copies=1", "mixup=0.3", "epochs=2", f"teacher={preset}"]
    found = []
    for name in ("whole", "broken"):
        arguments = ["train", "--out", str(prepared), "--run", name, "--fold", "1", *settings]
        if name == "broken":
            with monkeypatch.context() as patch:
                patch.setattr(ProgressBar, "on_epoch_end", _interrupt)
                assert main(arguments) == 130
        assert main(arguments) == 0
        found.append(load_model(prepared / name / "fold-1" / "light.keras").get_weights())
    for whole, broken in zip(*found, strict=True):
        np.testing.assert_array_equal(whole, broken)


def _interrupt(*_):
    raise KeyboardInterrupt
