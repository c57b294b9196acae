"""What a run on IEMOCAP depends on."""

from typing import Literal

from recipes.common.settings import RecipeSettings


class IemocapSettings(RecipeSettings):
    """Settings of all recipes, and IEMOCAP's own.

    Attributes:
        protocol: What a fold leaves out of training: `"session"`, five folds, or `"speaker"`, ten.
        improvised: Whether scripted dialogs are left out.
    """

    protocol: Literal["session", "speaker"] = "session"
    improvised: bool = False
