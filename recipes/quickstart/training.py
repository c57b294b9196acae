"""Trains the light ConvTransformer with HRF on stored features."""

import dataclasses
import time

import keras
import numpy as np
from rich.console import Console

import keras_reparam as kr
from keras_reparam.audio import LogMel
from recipes.common.features import adapt, features_at_speeds
from recipes.common.scores import in_batches, weights_of, windows_of
from recipes.common.training.batches import TrainingBatches
from recipes.common.training.fit import fit, prepare_to_fit
from recipes.common.training.model import scored_model, training_model
from recipes.common.training.validation_scores import ValidationScores
from recipes.common.training.windows import FeatureWindows
from recipes.quickstart.corpus import Corpus
from recipes.quickstart.settings import Settings


@dataclasses.dataclass(frozen=True)
class Trained:
    """What training gives.

    Attributes:
        backbone: Features to logits, with HRF, of the chosen epoch.
        log_mel: The front end with the training clips' statistics.
        history: One row per epoch: `epoch` (from 1), `loss`, `val_loss`, `val_ua`.
        chosen: The epoch with the highest validation UA, the first one of equals.
        seconds: Of training alone.
        validation: Features and mask of the validation clips' windows.
    """

    backbone: keras.Model
    log_mel: LogMel
    history: list[dict[str, float]]
    chosen: int
    seconds: float
    validation: tuple[np.ndarray, np.ndarray]


def train(corpus: Corpus, settings: Settings, console: Console) -> Trained:
    """Trains on the training speakers; the validation speakers choose the epoch."""
    keras.utils.set_random_seed(settings.seed)
    log_mel = LogMel()
    features = features_at_speeds(corpus.train, log_mel, settings.speeds, console)
    adapt(log_mel, features, settings.speeds)
    backbone = kr.models.create(
        "conv_transformer",
        num_classes=len(corpus.labels),
        num_mels=log_mel.num_mels,
        frames=settings.frames,
        expansion=settings.expansion,
        dropout=settings.dropout,
        norm_first=settings.norm_first,
    )
    heard = corpus.heard()
    batches = TrainingBatches(
        FeatureWindows([features[i] for i in heard], log_mel, settings),
        [corpus.train[i].label for i in heard],
        len(corpus.labels),
        settings,
    )
    windows, owners = windows_of(
        [clip.samples for clip in corpus.validation], settings.frames * log_mel.hop_length
    )
    validation = in_batches(log_mel, windows), in_batches(log_mel.compute_mask, windows)
    right = np.array([clip.label for clip in corpus.validation])
    scores = ValidationScores(
        scored_model(backbone),
        validation,
        owners,
        weights_of(windows),
        lambda found: (right, found.argmax(axis=1), found),
        corpus.labels,
    )
    # Never stops early: it is there to bring the best epoch's weights back.
    best = keras.callbacks.EarlyStopping(
        "val_ua", mode="max", patience=settings.epochs, restore_best_weights=True
    )
    model = training_model(backbone, settings)
    start = time.perf_counter()
    prepare_to_fit(model, batches, settings)
    found = fit(model, batches, settings, console, callbacks=[scores, best])
    seconds = time.perf_counter() - start
    columns = ("loss", "val_loss", "val_ua")
    history = [
        {"epoch": i + 1} | {name: float(found[name][i]) for name in columns}
        for i in range(settings.epochs)
    ]
    chosen = 1 + int(np.argmax(found["val_ua"]))
    return Trained(backbone, log_mel, history, chosen, seconds, validation)
