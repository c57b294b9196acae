"""Trains a linear head on the features of a model that stays as it is."""

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from rich.console import Console

from recipes.common.files.folders import staged
from recipes.common.files.json_file import write_json
from recipes.common.frozen.example_moments import ExampleMoments
from recipes.common.frozen.frozen_head import FrozenHead
from recipes.common.frozen.layer_statistics import LayerStatistics
from recipes.common.frozen.moments import layers_of, statistics
from recipes.common.names import CURVES, HEAD, TRAINING
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.task import Task
from recipes.common.results.plots import plot_curves
from recipes.common.settings import RecipeSettings
from recipes.common.training.batches import TrainingBatches
from recipes.common.training.fit import prepare_to_fit
from recipes.common.training.fold_training import (
    FoldTraining,
    check_training,
    heard_in_an_epoch,
)
from recipes.common.training.train import remove_checkpoints
from recipes.common.training.trained import about_training, summary
from recipes.common.training.validation_scores import ValidationScores
from recipes.common.training.windows import Stretch


def train_frozen(
    moments: ExampleMoments,
    fold: Fold,
    task: Task,
    settings: RecipeSettings,
    folder: Path,
    console: Console,
) -> None:
    """Trains the head as `train_fold` trains a backbone.

    The fold's folder gets `head.npz`, `history.csv`, `curves.png` and `training.json`.

    Args:
        moments: Of the features.
        fold: Who trains, who validates. The test split is not read.
        task: What is learnt.
        settings: The recipe.
        folder: Of the fold; made if need be.
        console: Where to report.

    Raises:
        ValueError: If a setting does not go with the task, or wants a validation where nobody
            validates; or as `ExampleMoments.read`.
    """
    check_training(fold, task, settings)
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.clear_session()
    keras.utils.set_random_seed(settings.seed)
    training = _HeadTraining(moments, fold, task, settings, folder, console)
    backbone, checkpoints, calibration = training.run()
    head = _head_of(backbone)
    own = sum(part.size for part in vars(head).values())
    parameters = {"training": own, "merged": moments.features.parameters + own}
    about = {
        **about_training(checkpoints, fold, parameters, calibration, training.batches.clips),
        "layer_shares": head.shares.tolist(),
    }
    with staged(folder) as beside:
        head.write(beside / HEAD)
        plot_curves(
            beside / CURVES,
            checkpoints.history,
            chosen=about["chosen_epoch"],
            title=f"{settings.backbone}, fold {fold.name}",
            subtitle=f"{own:,} parameters; {len(fold.train)} clips",
            select_on=settings.figure,
            figure=task.figures[settings.figure],
        )
        write_json(beside / TRAINING, about)
    console.print(summary(about, task, settings.figure), highlight=False)
    remove_checkpoints(folder)


class _HeadTraining(FoldTraining):
    """Of a head, on the moments of examples."""

    def __init__(
        self,
        moments: ExampleMoments,
        fold: Fold,
        task: Task,
        settings: RecipeSettings,
        folder: Path,
        console: Console,
    ):
        super().__init__(fold, task, settings, folder, console)
        self._moments = moments
        moments.read(fold.train)
        heard = [fold.train[number] for number in heard_in_an_epoch(fold.train)]
        truth = [example.label for example in heard]
        self.batches = TrainingBatches(_Rows(moments, heard), truth, task, settings)

    def models(self):
        settings = self._settings
        outputs = len(self._task.names)
        backbone = _backbone(self._moments, self._fold.train, outputs, settings.precision)
        # Around it there is nothing.
        prepare_to_fit(backbone, self.batches, self._task, settings)
        return backbone, backbone, []

    def validation(self, backbone):
        examples = self._fold.validation
        own = np.arange(len(examples)), np.ones(len(examples))
        return ValidationScores(
            backbone, self._moments.of(examples), *own, self.decided, self._task
        )


class _Rows:
    """Moments, as `TrainingBatches` takes what a clip is heard as: whole, and the same every time.

    Args:
        moments: Of the examples.
        heard: The example of each clip of an epoch.
    """

    any_length = False

    def __init__(self, moments: ExampleMoments, heard: Sequence[Example]):
        self._moments, self._heard = moments, heard
        self.length = moments.of(heard[:1]).shape[1]

    def stretch(self, clip: int, rng: np.random.Generator) -> Stretch:
        """All rows."""
        return Stretch(clip, self.length)

    def draw(self, stretch: Stretch, rng: np.random.Generator) -> tuple[np.ndarray]:
        """The moments."""
        return (self._moments.of([self._heard[stretch.clip]])[0],)


def _backbone(
    moments: ExampleMoments, examples: Sequence[Example], outputs: int, precision: str
) -> keras.Model:
    """Moments to outputs, which are 0 in the beginning.

    What the classifier gets is standardised, as it is in the training split where all layers
    weigh the same: then one learning rate suits features of any scale.
    """
    shape = moments.of(examples[:1]).shape[1:]
    layers = layers_of(shape[0])
    # One by one: all of them take the memory twice.
    found = np.concatenate(
        [statistics(moments.of([each]), np.full(layers, 1 / layers)) for each in examples]
    )
    variance = found.var(axis=0)
    # What is the same of all clips stays so.
    variance[variance < 1e-12 * (1 + found.mean(axis=0) ** 2)] = 1.0
    inputs = keras.Input(shape, name="moments")
    values = LayerStatistics(name="layers")(inputs)
    values = keras.layers.Normalization(
        mean=found.mean(axis=0), variance=variance, dtype="float32", name="standard"
    )(values)
    classifier = keras.layers.Dense(
        outputs, kernel_initializer="zeros", dtype=precision, name="classifier"
    )
    return keras.Model(inputs, classifier(values))


def _head_of(backbone: keras.Model) -> FrozenHead:
    """The same, with the standardisation in its weights."""
    standard = backbone.get_layer("standard")
    mean, variance = (
        keras.ops.convert_to_numpy(value).reshape(-1).astype("float64")
        for value in (standard.mean, standard.variance)
    )
    kernel, bias = backbone.get_layer("classifier").get_weights()
    weights = kernel / np.sqrt(variance)[:, None]
    shares = keras.ops.convert_to_numpy(backbone.get_layer("layers").shares)
    return FrozenHead(shares, weights, bias - mean @ weights)
