"""What a model card must know of a trained model."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from recipes.common.corpus_facts import CorpusFacts
from recipes.common.results.calibration import Calibration
from recipes.common.results.metrics import FIGURES
from recipes.common.settings import RecipeSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """How a model was made, as far as the model itself does not tell.

    Attributes:
        corpus: What it was trained on.
        size: Of `keras_reparam.models.create`.
        expansion: HRF expansion in training; 0: it was trained plain.
        training_parameters: Parameters of the backbone in training.
        protocol: How the speakers were parted and the model was chosen, in sentences.
        command: The command that makes it.
        calibration: How its probabilities were calibrated on the validation split; `None`: they are
            not.
        notes: What a reader must know of all its results, such as that segments were chosen by
            their label.
    """

    corpus: CorpusFacts
    size: str
    expansion: int
    training_parameters: int
    protocol: str
    command: str
    calibration: Calibration | None = None
    notes: tuple[str, ...] = ()


def calibration_of(trained: Mapping[str, Any]) -> Calibration | None:
    """That of a fold's `training.json`; `None` if nobody validated, or the model is older."""
    found = trained.get("calibration")
    return None if found is None else Calibration(**found)


def protocol_of(trained: Mapping[str, Any], settings: RecipeSettings) -> str:
    """How a fold's model was chosen, from its `training.json`, in sentences."""
    kept = f"the validation split chose epoch {trained['chosen_epoch']}, by "
    kept += FIGURES[settings.figure]
    if settings.select_on == "last":
        kept = "the last one was kept"
    return f"No speaker is in two splits. Of {trained['epochs']} epochs {kept}."
