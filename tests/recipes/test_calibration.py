"""Calibrated probabilities, against scikit-learn, hand calculations and the saved models."""

import io
import json

import keras
import numpy as np
import pytest
from rich.console import Console
from sklearn.calibration import calibration_curve

from keras_reparam.audio import LogMel
from keras_reparam.deploy.conversion.saved_model import load_model
from recipes.common.corpus import Corpus
from recipes.common.deployment.model_facts import calibration_of
from recipes.common.manifest import read_manifest
from recipes.common.results.calibration import (
    expected_calibration_error,
    fit_calibration,
    negative_log_likelihood,
    sure_answers,
    unsure_threshold,
)
from recipes.common.results.evaluation import predictions_of, scores_by
from recipes.common.settings import RecipeSettings
from recipes.common.training.backbone import create_backbone, scale_outputs
from recipes.common.training.train import train_fold
from recipes.custom.protocol import folds_of, task_of
from recipes.custom.settings import CustomSettings
from tests.marks import slow_but

SMALL = {
    "conv_transformer": {
        **{"channels": 4, "units": 8, "num_layers": 1, "num_heads": 2},
        "feed_forward_units": 16,
    },
    "conformer": {"channels": 4, "units": 8, "num_layers": 1, "num_heads": 2, "kernel_size": 3},
    "speechformer": {"units": 8, "num_layers": [1, 1, 1, 1]},
    "haffformer": {"units": [8, 8, 8], "num_layers": [1, 1, 1]},
}
QUIET = Console(file=io.StringIO())


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def drawn(count, temperature, classes=4):
    """Logits, and classes that are as likely as the logits at the temperature say."""
    rng = np.random.default_rng(5)
    logits = rng.normal(scale=3.0, size=(count, classes))
    ends = softmax(logits / temperature).cumsum(axis=1)
    return logits, (rng.random((count, 1)) > ends).sum(axis=1).clip(max=classes - 1)


def test_expected_calibration_error():
    logits, truth = drawn(1000, 2.0)
    scores = softmax(logits)
    predicted, confidence = scores.argmax(axis=1), scores.max(axis=1)
    right, said = calibration_curve(predicted == truth, confidence, n_bins=15)
    counts = np.histogram(confidence, np.linspace(0, 1, 16))[0]
    expected = np.average(np.abs(right - said), weights=counts[counts > 0])
    found = expected_calibration_error(truth, predicted, scores)
    assert found == pytest.approx(expected) and found > 0.1
    # In one bin they cancel out; certain and right there is no error, certain and wrong only that.
    half = np.array([[0.5, 0.5], [0.5, 0.5]])
    sure = np.array([[1.0, 0.0], [0.0, 1.0]])
    for truth, predicted, scores, expected in (
        ([0, 1], [0, 0], half, 0.0),
        ([0, 1], [0, 1], sure, 0.0),
        ([1, 0], [0, 1], sure, 1.0),
        ([0, 1], [0, 0], np.array([[0.9, 0.1], [0.6, 0.4]]), (0.1 + 0.6) / 2),
    ):
        found = expected_calibration_error(np.array(truth), np.array(predicted), scores)
        assert found == pytest.approx(expected)


@pytest.mark.parametrize("temperature", [0.5, 1.5])
def test_the_temperature_is_found_again(temperature):
    logits, truth = drawn(4000, temperature)

    def decide(logits):
        scores = softmax(logits)
        return truth, scores.argmax(axis=1), scores

    found = fit_calibration(logits, decide)
    assert found.temperature == pytest.approx(temperature, rel=0.08)
    assert found.nll["after"] < found.nll["before"] and found.ece["after"] < 0.03
    for factor in (0.98, 1.02):
        other = softmax(logits / (factor * found.temperature))
        assert found.nll["after"] < negative_log_likelihood(truth, other)
    # 85 % of the sure answers are right, or half of all are sure; and no more need be unsure.
    _, predicted, scores = decide(logits / found.temperature)
    right, confidence = predicted == truth, scores.max(axis=1)

    def sure(steps):
        return confidence >= found.unsure_below + 0.01 * steps

    assert right[sure(0)].mean() >= 0.85 or sure(1).mean() < 0.5 <= sure(0).mean()
    assert found.unsure_below == 0 or right[sure(-1)].mean() < 0.85
    assert found == fit_calibration(logits, decide)


def test_unsure_answers():
    """By hand: right and wrong ones from the lowest confidence on."""

    def found(*answers):
        confidence, right = np.array(answers).T
        scores = np.stack([confidence, 1 - confidence], axis=1)
        decided = 1 - right.astype(int), np.zeros(len(right), int), scores
        threshold = unsure_threshold(*decided)
        return threshold, sure_answers(*decided, unsure_below=threshold)

    # Without the wrong one all are right.
    assert found((0.51, 0), (0.6, 1), (0.7, 1), (0.8, 1)) == (
        0.52,
        {"coverage": 3 / 4, "accuracy": 1.0},
    )
    # At no threshold that leaves half: as many as may be unsure.
    four = [(0.51, 1), (0.6, 0), (0.705, 1), (0.8, 1), (0.9, 0), (0.95, 1)]
    assert found(*four) == (0.8, {"coverage": 3 / 6, "accuracy": 2 / 3})
    assert found((0.6, 0), (0.7, 0), (0.8, 0)) == (0.7, {"coverage": 2 / 3, "accuracy": 0.0})
    # All right: none is unsure.
    assert found((0.6, 1), (0.7, 1)) == (0.0, {"coverage": 1.0, "accuracy": 1.0})
    # What belongs to no bound: none may be unsure, as that would be all of them.
    assert found((0.6, 0), (0.6, 0))[1]["coverage"] == 1.0


@pytest.mark.parametrize("backbone", slow_but(SMALL, "conv_transformer"))
def test_every_backbone_ends_in_a_plain_classifier(backbone):
    """With HRF and a quantizer, too."""
    settings = RecipeSettings(
        backbone=backbone,
        backbone_options=SMALL[backbone],
        frames=32,
        expansion=2,
        quantizer="ternary",
    )
    model = create_backbone(settings, num_classes=3, num_mels=16, dtype="mixed_float16")
    classifier = model.get_layer("classifier")
    assert type(classifier) is keras.layers.Dense
    assert classifier.activation is keras.activations.linear
    assert model.outputs[0] is classifier.output


@pytest.mark.slow
def test_trained_models_are_calibrated(prepared, tmp_path):
    """The saved models give the likelihood that was found, and without the temperature another."""
    segments = read_manifest(prepared / "manifest.csv")
    settings = CustomSettings(
        backbone_options=SMALL["conv_transformer"],
        frames=100,
        batch_size=8,
        epochs=1,
        expansion=2,
        precision="mixed_bfloat16",
        ema=0.5,
        front_end={},
    )
    corpus, task = Corpus(prepared / "store", LogMel()), task_of(settings, segments)
    fold = folds_of(segments, settings)[0]
    train_fold(corpus, fold, task, settings, tmp_path, QUIET)
    found = calibration_of(json.loads((tmp_path / "training.json").read_text()))
    assert found.nll["before"] - found.nll["after"] > 1e-2
    light, train = (load_model(tmp_path / name) for name in ("light.keras", "train.keras"))
    kernels = [model.layers[-1].get_layer("classifier").kernel.numpy() for model in (light, train)]
    np.testing.assert_array_equal(*kernels)
    likelihoods = []
    for _ in range(2):
        about = {"fold": fold, "task": task, "settings": settings}
        scores = scores_by(light, corpus.samples, task, QUIET)
        given = predictions_of(scores, {"validation": fold.validation}, **about)
        likelihoods.append(negative_log_likelihood(given.truth, given.scores))
        scale_outputs(light.layers[-1], found.temperature)
    assert likelihoods == pytest.approx([found.nll["after"], found.nll["before"]], abs=5e-3)
