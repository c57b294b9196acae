"""`curves.csv`: the learning curve of every run."""

from typing import Annotated, ClassVar

from pydantic import Field
from pydantic.dataclasses import dataclass

from recipes.common.settings import Count
from recipes.compare.tables.run_result import Correlation, RunId, Score

_Loss = Annotated[float, Field(allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One epoch of one training.

    Attributes:
        run: Which training.
        epoch: From 1.
        loss: Mean training loss.
        val_loss: Cross-entropy of the validation split.
        val_ua: Unweighted accuracy of the validation split, from 0 to 1.
        val_map: Of labels in its place: mean average precision.
        val_ccc: Of a number in its place.
    """

    run: RunId
    epoch: Count
    loss: _Loss
    val_loss: _Loss
    val_ua: Score | None = None
    val_map: Score | None = None
    val_ccc: Correlation | None = None

    # Written where any epoch has one.
    SPARSE: ClassVar = ("val_map", "val_ccc")
