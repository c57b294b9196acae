"""Degraded copies of training clips: what is done to them, and how they are kept."""

import numpy as np
import pytest
from rich.console import Console

from keras_reparam.audio import LogMel, load
from recipes.common.corpus import Corpus, _degraded
from recipes.common.manifest import read_manifest
from recipes.common.perturbations import level
from recipes.common.perturbations.mixture import CHANGES, degraded
from recipes.common.settings import CHANCES, RecipeSettings
from recipes.common.store import Store
from recipes.common.store.copies import features_of_copies
from recipes.common.store.reading import as_int16
from recipes.common.training.example_features import ExampleFeatures
from recipes.custom.protocol import folds_of
from recipes.custom.settings import CustomSettings

QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def samples(clip):
    return load(clip, sample_rate=16000)


@pytest.fixture(scope="module")
def fold(prepared):
    segments = read_manifest(prepared / "manifest.csv")
    return next(f for f in folds_of(segments, CustomSettings()) if f.name == "1")


def made(samples, chances, seed=5):
    voices = [np.roll(samples, 100 * number) for number in range(1, 9)]
    rng = np.random.default_rng(seed)
    return degraded(samples, 16000, rng, chances, lambda count: voices[:count])


def test_settings_name_all_changes():
    assert list(CHANCES) == list(CHANGES)
    assert RecipeSettings(chances={"room": 1}).chances == {"room": 1}
    for change in ({"echo": 1}, {"room": 1.1}):
        with pytest.raises(ValueError, match="chances"):
            RecipeSettings(chances=change)
    with pytest.raises(ValueError, match="must be 0 with `waveform_augmentation`"):
        RecipeSettings(copies=1, waveform_augmentation=True)


def test_every_change_within_its_bounds(samples):
    """Alone, it changes the clip, always differently, and leaves a sound of the right length."""
    np.testing.assert_array_equal(made(samples, {}), samples)
    for name in CHANGES:
        first, second = (made(samples, {name: 1}, seed) for seed in (1, 3))
        assert first.shape != second.shape or not np.array_equal(first, second)
        added = len(first) - len(samples)
        bounds = {"silence": (0, 4 * 16000), "cut": (-3200, 0)}.get(name, (0, 0))
        assert bounds[0] <= added <= bounds[1]
        assert np.isfinite(first).all() and level.rms(first) > 0
        np.testing.assert_array_equal(first, made(samples, {name: 1}, 1))


def test_what_one_change_draws_does_not_depend_on_the_others(samples):
    """Offset and gain are the last two: what a gain before them does can be told exactly."""
    loud = made(samples, {"gain": 1}, 3)
    both = made(samples, {"gain": 1, "offset": 1}, 3)
    offset = made(samples, {"offset": 1}, 3) - samples
    np.testing.assert_allclose(both, loud + offset, atol=1e-6)


def test_chances(samples):
    """Of many copies as many have a change as the chance says."""
    short = samples[:400]
    changed = [not np.array_equal(made(short, {"offset": 0.2}, s), short) for s in range(400)]
    assert 0.14 < np.mean(changed) < 0.26


def test_babble_is_of_other_training_speakers(prepared, fold):
    store = Store(prepared / "store")
    speakers = {each.segments[0].id: each.speaker for each in fold.train}
    clip = fold.train[0].segments[0].id
    heard = []

    class Listening:
        def audio(self, name):
            heard.append(name)
            return store.audio(name)

    copies = [_degraded(Listening(), speakers, {"babble": 1}, number, clip) for number in (0, 0, 1)]
    np.testing.assert_array_equal(copies[0], copies[1])
    assert not np.array_equal(copies[0], copies[2])
    voices = [name for name in heard if name != clip]
    assert len(voices) >= 12 and {speakers[name] for name in voices} == (
        set(speakers.values()) - {speakers[clip]}
    )


def test_features_of_copies(prepared, fold, monkeypatch):
    """They are those of the changed samples in 16 bits; after a kill they are the same bytes."""
    store, log_mel = Store(prepared / "store"), LogMel()
    clips = [each.segments[0].id for each in fold.train][:3]

    def change(clip):
        return np.pad(store.audio(clip) * 0.1 + 0.01, (0, 1000 * len(clip)))

    def stopped(clip):
        if clip == clips[2]:
            raise KeyboardInterrupt
        return change(clip)

    before = set(store.folder.iterdir())
    with pytest.raises(KeyboardInterrupt):
        features_of_copies(store, log_mel, clips, stopped, {"a": 1}, QUIET)
    assert not any(
        path.name.startswith("features") for path in set(store.folder.iterdir()) - before
    )
    found = features_of_copies(store, log_mel, clips, change, {"a": 1}, QUIET)
    for clip in clips:
        expected = as_int16(change(clip)).astype("float32") / 32768
        expected = np.pad(expected, (0, -len(expected) % 160))[None]
        np.testing.assert_allclose(
            found.values(clip), np.asarray(log_mel(expected))[0], rtol=1e-3, atol=5e-3
        )
        np.testing.assert_array_equal(
            found.mask(clip), np.asarray(log_mel.compute_mask(expected))[0]
        )
    written = {path: path.read_bytes() for path in set(store.folder.iterdir()) - before}
    assert len(written) == 3
    again = features_of_copies(store, log_mel, clips, stopped, {"a": 1}, QUIET)
    np.testing.assert_array_equal(again.values(clips[2]), found.values(clips[2]))
    features_of_copies(store, log_mel, clips, change, {"a": 2}, QUIET)
    assert len(set(store.folder.iterdir()) - before) == 6


def test_training_hears_clips_and_copies(prepared, fold):
    """As often each; whoever does not train has no copies."""
    corpus = Corpus(prepared / "store", LogMel())
    corpus.add_copies(fold.train, 2, {"offset": 1.0}, QUIET)
    versions = ExampleFeatures(corpus, fold.train, [1.0])[0]
    assert len(versions) == 3
    first, *copies = (found.values.astype("float32") for found in versions)
    assert all(first.shape == copy.shape for copy in copies)
    assert not np.array_equal(first, copies[0]) and not np.array_equal(*copies)
    with pytest.raises(KeyError, match="no features of a clip"):
        corpus.copies(fold.tests["test"][0])
    corpus.add_copies(fold.train, 0, {}, QUIET)
    assert len(ExampleFeatures(corpus, fold.train, [1.0])[0]) == 1
