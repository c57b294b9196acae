"""What a run on DAIC-WOZ depends on."""

from typing import Any, ClassVar, Literal

import pydantic

from recipes.common.settings import Count, Figure, RecipeSettings

# With so many, 107 training participants have 2,782 utterances at most: as many as the published
# choice takes, which is 77 x 18 + 30 x 46 = 2,766.
_UTTERANCES = 26


class DaicWozSettings(RecipeSettings):
    """Settings of all recipes, and DAIC-WOZ's own.

    Attributes:
        task: Whether the participant is depressed; the score of PHQ-8, 0 to 24; or the sex.
        unit: What the model hears at once: an `"utterance"`, or an `"interview"`, which is the
            participant's utterances one after another. `"auto"`: an interview for the HAFFormer.
        selection: Which of a participant's utterances are heard: the `"longest"`, of everybody as
            many, or `"label_dependent_leaky"`, as published code does: the longest 18 of who is
            not depressed and 46 of who is, on dev and test too, where that gives the label away.
        utterances: How many longest ones; `None`: all. By default 26, and all in an interview.
        decision: How a participant's utterances decide: by the `"mean"` of their probabilities,
            or a majority `"vote"`.
    """

    kinds: ClassVar = {"phq8": "regression"}

    task: Literal["depression", "phq8", "sex"] = "depression"
    unit: Literal["auto", "utterance", "interview"] = "auto"
    selection: Literal["longest", "label_dependent_leaky"] = "longest"
    utterances: Count | None = _UTTERANCES
    decision: Literal["mean", "vote"] = "mean"
    select_on: Figure = "macro_f1"

    @pydantic.field_validator("selection")
    @classmethod
    def _by_the_label(cls, selection: str, info: pydantic.ValidationInfo) -> str:
        if selection == "label_dependent_leaky" and info.data.get("task") != "depression":
            raise ValueError("must be 'longest' but for task=depression: it needs that label")
        return selection

    @property
    def decision_rule(self) -> Literal["mean", "vote"]:
        """How a participant's utterances decide together."""
        return self.decision

    @pydantic.model_validator(mode="before")
    @classmethod
    def _of_the_unit(cls, values: Any) -> Any:
        """Fills in what depends on the unit, so that what ran is written in full."""
        if not isinstance(values, dict):
            return values
        unit = values.get("unit", "auto")
        if unit == "auto":
            unit = "interview" if values.get("backbone") == "haffformer" else "utterance"
        leaky = values.get("selection") == "label_dependent_leaky"
        defaults = {"utterances": None if leaky or unit == "interview" else _UTTERANCES}
        if unit == "interview":
            # All of it, in one window: 32 of them are too much for most memories.
            defaults |= {"frames": None, "batch_size": 4}
        return {**defaults, **values, "unit": unit}

    @pydantic.field_validator("utterances")
    @classmethod
    def _without_another_selection(
        cls, utterances: int | None, info: pydantic.ValidationInfo
    ) -> int | None:
        if utterances is not None and info.data.get("selection") == "label_dependent_leaky":
            raise ValueError(
                "must not be given with selection=label_dependent_leaky, which says how many"
            )
        return utterances
