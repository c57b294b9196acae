"""What a run on IEMOCAP depends on."""

from typing import ClassVar, Literal

from recipes.common.settings import RecipeSettings


class IemocapSettings(RecipeSettings):
    """Settings of all recipes, and IEMOCAP's own.

    Attributes:
        task: The emotion; the mean of the raters' valence, activation or dominance, from 1 to 5,
            of all turns; or the speaker's sex.
        protocol: What a fold leaves out of training: `"session"`, five folds, or `"speaker"`, ten.
        improvised: Whether scripted dialogs are left out.
    """

    kinds: ClassVar = dict.fromkeys(("valence", "activation", "dominance"), "regression")

    task: Literal["emotion", "valence", "activation", "dominance", "sex"] = "emotion"
    protocol: Literal["session", "speaker"] = "session"
    improvised: bool = False
