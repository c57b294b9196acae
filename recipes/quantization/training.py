"""Trains one backbone on all speakers but those of one fold."""

import json
import time
from pathlib import Path

import keras
from rich.console import Console

import keras_reparam as kr
from keras_reparam.audio import LogMel
from recipes.common.features import Features, adapt
from recipes.common.files.folders import staged
from recipes.common.training.batches import TrainingBatches
from recipes.common.training.fit import fit, prepare_to_fit
from recipes.common.training.model import training_model
from recipes.common.training.windows import FeatureWindows
from recipes.quantization.corpus import Corpus
from recipes.quantization.settings import Settings

MODEL, HISTORY = "light.keras", "training.json"
# It normalises after each sum: at the rate of the others, and at half of it, it may learn nothing.
_LEARNING_RATES = {"speechformer": 3e-4}


def train(
    corpus: Corpus,
    features: list[list[Features]],
    backbone: str,
    fold: int,
    settings: Settings,
    folder: Path,
    console: Console,
) -> None:
    """Writes the merged model (waveform to logits) of the last epoch into `folder`.

    No speaker validates, and no epoch is chosen: the held-out speakers have no part in anything
    that training decides.
    """
    keras.utils.set_random_seed(settings.seed + fold)
    rate = _LEARNING_RATES.get(backbone, settings.learning_rate)
    settings = settings.model_copy(update={"learning_rate": rate})
    training = corpus.training(fold)
    own = [features[i] for i in training]
    log_mel = LogMel()
    adapt(log_mel, own, settings.speeds)
    options = {"norm_first": True} if backbone == "conv_transformer" else {}
    model = kr.models.create(
        backbone,
        num_classes=len(corpus.labels),
        num_mels=log_mel.num_mels,
        frames=settings.frames,
        expansion=settings.expansion,
        **options,
    )
    truth = [corpus.clips[i].label for i in training]
    windows = FeatureWindows(own, log_mel, settings)
    batches = TrainingBatches(windows, truth, len(corpus.labels), settings)
    around = training_model(model, settings)
    start = time.perf_counter()
    prepare_to_fit(around, batches, settings)
    found = fit(around, batches, settings, console)
    seconds = time.perf_counter() - start
    light = kr.merge(model)
    with staged(folder) as beside:
        kr.models.with_front_end(light, log_mel).save(beside / MODEL)
        history = {
            "seconds": seconds,
            "clips": len(training),
            "learning_rate": rate,
            "loss": found["loss"],
        }
        (beside / HISTORY).write_text(json.dumps(history, indent=1) + "\n", encoding="utf-8")
