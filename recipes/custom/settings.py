"""What a run on a corpus of one's own depends on."""

from typing import Annotated

import pydantic

from recipes.common.settings import RecipeSettings

# In YAML, 0 and 1 are numbers.
_Word = Annotated[str, pydantic.Field(coerce_numbers_to_str=True)]


class CustomSettings(RecipeSettings):
    """Settings of all recipes, and those of a corpus of one's own.

    Attributes:
        labels: The classes; `None`: all labels of the manifest. Segments with other labels are
            left out.
    """

    labels: tuple[_Word, ...] | None = None
