"""What a training leaves: models, curves, and how it went."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
from rich.console import Console

import keras_reparam as kr
from keras_reparam._utils.environment import environment
from keras_reparam.audio import LogMel
from recipes.common.files.disk import explaining_a_full_disk
from recipes.common.files.folders import staged
from recipes.common.files.json_file import write_json
from recipes.common.names import CURVES, DIAGNOSTICS_PLOT, LIGHT, TRAIN, TRAINING
from recipes.common.protocol.fold import Fold
from recipes.common.protocol.task import Task
from recipes.common.results.calibration import Calibration
from recipes.common.results.diagnostics import read_diagnostics
from recipes.common.results.diagnostics_plot import plot_diagnostics
from recipes.common.results.plots import plot_curves
from recipes.common.settings import RecipeSettings
from recipes.common.training.backbone import create_backbone
from recipes.common.training.checkpoints import Checkpoints


def write_trained(
    folder: Path,
    backbone: keras.Model,
    log_mel: LogMel,
    task: Task,
    settings: RecipeSettings,
    checkpoints: Checkpoints,
    fold: Fold,
    console: Console,
    *,
    calibration: Calibration | None,
    devices: int,
    clips: int,
) -> None:
    """Writes the models, merged and with HRF, the curves, and `training.json`, all at the end.

    The models are those of one device, and of a training without ablations.

    Args:
        folder: The fold's folder.
        backbone: Features to logits, of the chosen epoch.
        log_mel: The front end, adapted.
        task: What was learnt.
        settings: The recipe.
        checkpoints: What they were kept by: the history.
        fold: Who trained.
        console: Where to report.
        calibration: How it was calibrated; `None`: nobody validates.
        devices: On how many it trained.
        clips: Clips of an epoch.
    """
    if (
        settings.precision != "float32"
        or settings.distribute
        or settings.frozen_factors
        or not settings.folded
    ):
        weights = backbone.get_weights()
        backbone = create_backbone(settings, num_classes=len(task.names), num_mels=log_mel.num_mels)
        backbone.set_weights(weights)
    unmerged = (settings.quantizer, settings.prune_latency)
    plain = not settings.expansion and unmerged == (None, None)
    light = backbone if plain else kr.merge(backbone)
    parameters = {
        "training": int(backbone.count_params()),
        "merged": int(light.count_params()),
    }
    about = {
        **about_training(checkpoints, fold, parameters, calibration, clips),
        "frames": settings.frames,
        "front_end": log_mel.get_config(),
        "devices": devices,
    }
    subtitle = (
        f"{parameters['training']:,} parameters in training, {parameters['merged']:,} merged; "
        f"{len(fold.train)} clips"
    )
    with explaining_a_full_disk(f"the models in '{folder}'"), staged(folder) as beside:
        kr.models.with_front_end(backbone, log_mel).save(beside / TRAIN)
        kr.models.with_front_end(light, log_mel).save(beside / LIGHT)
        plot_curves(
            beside / CURVES,
            checkpoints.history,
            chosen=about["chosen_epoch"],
            title=f"{settings.backbone}, fold {fold.name}",
            subtitle=subtitle,
            select_on=settings.figure,
            figure=task.figures[settings.figure],
        )
        if settings.diagnostics:
            found = read_diagnostics(folder)
            plot_diagnostics(
                beside / DIAGNOSTICS_PLOT,
                {"": dataclasses.replace(found, chosen=about["chosen_epoch"])},
                title=f"{settings.backbone}, expansion {settings.expansion}, fold {fold.name}",
            )
        write_json(beside / TRAINING, about)
    console.print(summary(about, task, settings.figure), highlight=False)


def about_training(
    checkpoints: Checkpoints,
    fold: Fold,
    parameters: Mapping[str, int],
    calibration: Calibration | None,
    clips: int,
) -> dict[str, Any]:
    """How any training went, for `training.json`.

    Args:
        checkpoints: What it was kept by: the history.
        fold: Who trained.
        parameters: Of the model in training, and merged.
        calibration: How it was calibrated; `None`: nobody validates.
        clips: Clips of an epoch.
    """
    history, best = checkpoints.history, checkpoints.best
    seconds = sum(row["seconds"] for row in history)
    return {
        "fold": fold.name,
        "epochs": len(history),
        "chosen_epoch": int(best["epoch"]),
        "validation": {
            name.removeprefix("val_"): value
            for name, value in best.items()
            if name.startswith("val_")
        },
        "parameters": parameters,
        "examples": {name: len(examples) for name, examples in fold.splits.items()},
        "speakers": {
            name: sorted({example.speaker for example in examples})
            for name, examples in fold.splits.items()
        },
        "seconds": seconds,
        "share_of_time_on_batches": sum(row["data_seconds"] for row in history) / seconds,
        "clips_per_second": clips * len(history) / seconds,
        "backend": keras.config.backend(),
        "environment": environment("keras", "tensorflow", "numpy"),
        "calibration": calibration,
    }


def summary(about: dict, task: Task, name: str) -> str:
    """The same in a sentence, with the validation's figure of this name."""
    scores, figure = "", task.figures[name]
    if about["validation"]:
        score = figure.text(about["validation"][name])
        scores = f": {figure.name} {score} on validation"
    calibration = about["calibration"]
    if calibration is not None:
        scores += f"; logits divided by {calibration.temperature:.2f} to be calibrated there"
    return (
        f"Fold {about['fold']}: {about['epochs']} epochs in {about['seconds']:.0f} s "
        f"({about['clips_per_second']:,.0f} clips/s; making batches, beside the steps, took "
        f"{about['share_of_time_on_batches']:.1%} of the time). Kept is epoch "
        f"{about['chosen_epoch']}{scores}."
    )
