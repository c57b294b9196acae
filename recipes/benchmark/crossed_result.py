"""`crossed.csv`: how models do on other corpora."""

from pydantic.dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CrossedResult:
    """How a model that was trained on one corpus does on another.

    Attributes:
        task: Its name in the plan.
        model: How it is called.
        trained_on: Name of a recipe.
        scored_on: Name of another.
        figure: Which figure the score is.
        score: Mean over seeds, of the first fold's model.
        deviation: Over seeds; `None` of one.
        seeds: How many.
        clips: How many were heard.
    """

    task: str
    model: str
    trained_on: str
    scored_on: str
    figure: str
    score: float
    deviation: float | None
    seeds: int
    clips: int

    @property
    def text(self) -> str:
        """The score in percent, and its deviation over seeds."""
        deviation = "" if self.deviation is None else f" ± {100 * self.deviation:.1f}"
        return f"{100 * self.score:.1f}{deviation}"
