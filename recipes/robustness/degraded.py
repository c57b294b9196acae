"""How well a file does on clips as they are, and on clips with one of each known weakness."""

import math
from collections.abc import Sequence
from pathlib import Path

import keras_reparam as kr
from recipes.common.names import CLEAN
from recipes.robustness.clips import Clips
from recipes.robustness.condition import Condition
from recipes.robustness.conditions import chosen
from recipes.robustness.outcome import Heard
from recipes.robustness.run import hear, obstacle

# One of each weakness that is known.
TESTS = (
    *("gain-20", "gain+12", "white", "babble", "telephone", "room"),
    *("offset-0.02", "silence-after"),
)
# All files, whenever they are scored, hear the same.
SEED = 1


def conditions_of(tests: Sequence[str]) -> list[Condition]:
    """What tests or families of tests do to clips.

    Raises:
        ValueError: If one is unknown, changes no clip, or needs recordings.
    """
    conditions, unchanged = chosen(tests)
    others = [*unchanged, *(each.name for each in conditions if each.recordings)]
    if others:
        raise ValueError(
            "`--tests` must name what is done to clips, and needs no recordings. Received: "
            f"{', '.join(others)}"
        )
    return conditions


def ua_by_condition(
    model: Path, clips: Clips, conditions: Sequence[Condition], **options
) -> dict[str, float]:
    """UA of a `.tflite` file on the clips as they are and in every condition, by its name.

    No window is taken for silence: that would be the classifier's doing, not the model's.

    Args:
        model: The file.
        clips: The clips.
        conditions: Of `conditions_of`.
        **options: Further ones of `hear`.

    Raises:
        ValueError: If a condition can't be made here.
    """
    classifier = kr.load_classifier(model)
    for condition in conditions:
        if why := obstacle(condition, clips, classifier.sample_rate):
            raise ValueError(f"{condition.name} {why}; or name other --tests")
    classes = hear(model, clips, conditions, seed=SEED, silence_decibels=-math.inf, **options)
    heard = Heard.of(classifier.labels, clips, classes[CLEAN])
    return {name: heard.outcome(name, "", found).ua for name, found in classes.items()}
