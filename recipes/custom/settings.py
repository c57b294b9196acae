"""What a run on a corpus of one's own depends on."""

from typing import Annotated, ClassVar, Literal

import pydantic

from recipes.common.settings import RecipeSettings

# In YAML, 0 and 1 are numbers.
_Word = Annotated[str, pydantic.Field(coerce_numbers_to_str=True)]


def _as_in_a_heading(column: str) -> str:
    """As the CSV's heading is read."""
    return column.strip().lower()


class CustomSettings(RecipeSettings):
    """Settings of all recipes, and those of a corpus of one's own.

    Attributes:
        task: What is to be told of a clip: one of several `"classes"`, any number of labels
            (`"multilabel"`), or a number (`"regression"`).
        target: The column that says what is true.
        labels: The classes or labels; `None`: all of the column. Segments of other classes are left
            out.
        separator: What stands between the labels of a row.
        range: Lowest and highest number that there are; `None`: those of the column.
        unit: What the numbers are in, as in `years`.
    """

    kinds: ClassVar = {"multilabel": "multilabel", "regression": "regression"}

    task: Literal["classes", "multilabel", "regression"] = "classes"
    target: Annotated[_Word, pydantic.AfterValidator(_as_in_a_heading)] = "label"
    labels: tuple[_Word, ...] | None = None
    separator: Annotated[str, pydantic.Field(min_length=1)] = ";"
    range: tuple[float, float] | None = None
    unit: str = ""

    @property
    def task_name(self):
        return "" if self.target == "label" else self.target

    @pydantic.model_validator(mode="after")
    def _of_the_task(self) -> "CustomSettings":
        """Says so where there is nothing that an option could be about."""
        others = {
            "classes": ("separator", "range", "unit"),
            "multilabel": ("range", "unit"),
            "regression": ("labels", "separator"),
        }
        fields = type(self).model_fields
        wrong = [n for n in others[self.task] if getattr(self, n) != fields[n].default]
        if wrong:
            raise ValueError(
                f"with task={self.task} there is no {', '.join(map('`{}`'.format, wrong))}"
            )
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ValueError(
                f"`range` must be [lowest, highest]. Received: range={list(self.range)}"
            )
        return self
