"""What a run on M3ED depends on."""

from typing import ClassVar, Literal

from recipes.common.settings import Figure, RecipeSettings


class M3edSettings(RecipeSettings):
    """Settings of all recipes; the weighted F1 chooses the epoch, as in published work.

    Attributes:
        task: The one emotion that decides; all `"emotions"` of an utterance, one or several; or the
            speaker's sex, or age group.
    """

    kinds: ClassVar = {"emotions": "multilabel"}

    task: Literal["emotion", "emotions", "sex", "age"] = "emotion"
    select_on: Figure = "wf1"
