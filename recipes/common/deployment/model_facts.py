"""What a model card must know of a trained model."""

import dataclasses
import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recipes.common.corpus_facts import CorpusFacts
from recipes.common.protocol.task import Task
from recipes.common.results.calibration import Calibration
from recipes.common.settings import RecipeSettings
from recipes.common.teacher.kind import is_preset

# Where they lie is another place for everyone.
_PATHS = ("teacher", "start", "prune_table")


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


def protocol_of(trained: Mapping[str, Any], settings: RecipeSettings, task: Task) -> str:
    """How a fold's model was chosen, from its `training.json`, in sentences."""
    kept = f"the validation split chose epoch {trained['chosen_epoch']}, by "
    kept += task.figures[settings.figure].name
    if settings.select_on == "last":
        kept = "the last one was kept"
    told = ["No speaker is in two splits."]
    if settings.start is not None:
        told.append(f"It began with the weights of the run or model `{Path(settings.start).name}`.")
    told.append(f"Of {trained['epochs']} epochs {kept}.")
    if settings.copies:
        told.append(
            f"Each training clip was also heard in {settings.copies} degraded copies: rooms, "
            "noise, babble, filters, levels."
        )
    if settings.teacher is not None:
        told.append(_taught(settings.teacher))
    return " ".join(told)


def _taught(teacher: str) -> str:
    name = f"`{Path(teacher).name}`"
    if not is_preset(teacher):
        return f"It learnt from the features of the model of run {name}, too."
    return (
        f"Its teacher was the encoder of {name}, a Whisper of OpenAI (MIT License), with a linear "
        "head that was fitted without the speaker it taught about."
    )


def command_of(recipe: str, settings: RecipeSettings) -> str:
    """The command that makes a run's models, with all settings that are no defaults."""
    plain = type(settings)()
    # What others follow from.
    leading = {name: getattr(settings, name) for name in ("backbone", "front_end", "teacher")}
    following = type(settings)(**leading)
    given = [
        f"{name}={_as_text(name, value)}"
        for name, value in settings.model_dump(mode="json").items()
        if value != getattr(plain if name in leading else following, name)
    ]
    return " ".join([f"python -m recipes {recipe} all --data DIR", *map(shlex.quote, given)])


def _as_text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return Path(value).name if name in _PATHS else value
    return json.dumps(value)
