"""The front end that the settings describe."""

from keras_reparam.audio import LogMel
from recipes.common.settings import RecipeSettings


def create_front_end(settings: RecipeSettings) -> LogMel:
    """A front end of these settings, not adapted.

    Raises:
        ValueError: If `LogMel` has no such argument, or not with such a value.
    """
    try:
        return LogMel(**settings.front_end)
    except (TypeError, ValueError) as error:
        raise ValueError(f"`front_end` must hold arguments of `LogMel`: {error}") from error
