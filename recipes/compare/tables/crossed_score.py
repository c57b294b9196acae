"""`crossed.csv`: how runs do on clips of other corpora."""

from typing import Annotated

import pydantic
from pydantic.dataclasses import dataclass

from recipes.common.settings import Count
from recipes.compare.tables.run_result import RunId, Word


@dataclass(frozen=True, kw_only=True)
class CrossedScore:
    """One run on one other corpus.

    Attributes:
        run: Whose model it is.
        corpus: Name of the other corpus's recipe.
        clips: How many were heard.
        score: The figure that the run is told by.
    """

    run: RunId
    corpus: Word
    clips: Count
    score: Annotated[float, pydantic.Field(ge=-1, le=1)]
