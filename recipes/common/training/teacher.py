"""What a training learns from: a Whisper, or models of former runs; and what it starts from."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from rich.console import Console

from keras_reparam.audio import LogMel
from keras_reparam.deploy.conversion.saved_model import load_model
from recipes.common.corpus import Corpus
from recipes.common.names import LIGHT
from recipes.common.protocol.fold import Fold
from recipes.common.protocol.task import Task
from recipes.common.run_folder import RunFolder
from recipes.common.scoring.waveform_model import WaveformModel
from recipes.common.settings import RecipeSettings
from recipes.common.teacher.kind import is_preset
from recipes.common.teacher.lessons import Lessons, lessons_of
from recipes.common.teacher.whisper_encoder import WhisperEncoder


def lessons_from(
    settings: RecipeSettings,
    corpus: Corpus,
    fold: Fold,
    task: Task,
    console: Console,
) -> Lessons | None:
    """What the Whisper that `settings.teacher` names has to say of the fold's training clips.

    Its features are computed unless the store has them; `None`: no such teacher.

    Raises:
        FileNotFoundError: If KerasHub is not installed.
        ValueError: If there is no such preset or layer, or one training speaker alone.
    """
    if settings.teacher is None or not is_preset(settings.teacher):
        return None
    encoder = WhisperEncoder(settings.teacher, settings.teacher_layers)
    return lessons_of(
        fold,
        corpus.taught_by(encoder, console),
        len(task.names),
        components=settings.teacher_components,
        temperature=settings.teacher_temperature,
        share=settings.teacher_share,
    )


def load_teacher(
    settings: RecipeSettings, fold: str, labels: Sequence[str], log_mel: LogMel
) -> keras.Model | None:
    """The backbone of the run `settings.teacher` names, trained on the same fold, frozen.

    `None` where it names none.

    Raises:
        FileNotFoundError: If that run has no trained model of this fold.
        ValueError: If it was trained on other clips, for other classes or windows.
    """
    if settings.teacher is not None and is_preset(settings.teacher):
        return None
    return _of_run("teacher", settings, fold, labels, log_mel)


def load_start(
    settings: RecipeSettings, fold: str, labels: Sequence[str], log_mel: LogMel
) -> keras.Model | None:
    """The backbone of the file or of the run `settings.start` names, likewise.

    Of a file nothing is asked but that `WaveformModel` takes it: other speakers, classes and
    statistics are what it is for. Of a run, it raises the same errors.
    """
    if settings.starts_from_file:
        backbone = WaveformModel(load_model(Path(settings.start))).backbone
        backbone.trainable = False
        return backbone
    return _of_run("start", settings, fold, labels, log_mel)


def _of_run(
    setting: str, settings: RecipeSettings, fold: str, labels: Sequence[str], log_mel: LogMel
) -> keras.Model | None:
    folder = getattr(settings, setting)
    if folder is None:
        return None
    received = f"Received: {setting}='{folder}'"
    run = RunFolder(Path(folder))
    path = run.fold(fold) / LIGHT
    if not path.is_file():
        raise FileNotFoundError(
            f"`{setting}` must be the folder of a run that has trained fold {fold}. "
            f"{received}, without '{path}'"
        )
    if run.labels() != tuple(labels):
        raise ValueError(
            f"A {setting} must know the same classes. Received: {', '.join(run.labels())}, for "
            f"{', '.join(labels)}"
        )
    whole = WaveformModel(load_model(path))
    front_end, backbone = whole.log_mel, whole.backbone
    if backbone.input_shape[1] != settings.frames:
        raise ValueError(
            f"A {setting} must have windows of as many frames. Received: "
            f"{backbone.input_shape[1]}, for {settings.frames}"
        )
    for own, other in ((log_mel.mean, front_end.mean), (log_mel.std, front_end.std)):
        own, other = (keras.ops.convert_to_numpy(value) for value in (own, other))
        # The statistics of the training clips: a leak of test clips into it shows here.
        if own.shape != other.shape or not np.allclose(own, other, rtol=1e-4, atol=1e-4):
            raise ValueError(
                f"A {setting} must have been trained on the same clips, with the same front end. "
                f"{received}, whose features have other statistics"
            )
    backbone.trainable = False
    return backbone
