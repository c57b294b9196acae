"""`benchmark.csv`: how every model does on every task."""

from typing import ClassVar

from pydantic.dataclasses import dataclass

# What stands in a table where no run is done.
NOT_RUN = "not run"


@dataclass(frozen=True, kw_only=True)
class Result:
    """How a model does on a task of a corpus.

    Attributes:
        corpus: Name of the recipe.
        task: Its name in the plan.
        model: How it is called.
        figure: Which figure the score is.
        planned: How many runs there are to be.
        score: Of the test speakers of all folds, mean over seeds; `None`: no run is done.
        low: Of its 95 % interval over speakers; `None` with fewer than three.
        high: Likewise.
        runs: How many are done.
        seeds: Of how many seeds.
        speakers: Test speakers.
        parameters: Of the merged model.
        macs: Multiply-adds of one window.
        int8_bytes: Of the file; `None`: there is none.
        int8_milliseconds: For one window.
    """

    corpus: str
    task: str
    model: str
    figure: str
    planned: int
    score: float | None = None
    low: float | None = None
    high: float | None = None
    runs: int = 0
    seeds: int = 0
    speakers: int = 0
    parameters: float | None = None
    macs: float | None = None
    int8_bytes: float | None = None
    int8_milliseconds: float | None = None

    SIZES: ClassVar = ("parameters", "MACs", "int8 kB", "int8 ms")

    @property
    def text(self) -> str:
        """The score in percent, and its interval."""
        if self.score is None:
            return NOT_RUN
        text = f"{100 * self.score:.1f}"
        if self.low is not None:
            text += f" ({100 * self.low:.0f} to {100 * self.high:.0f})"
        return text + "*" * (self.runs < self.planned)

    @property
    def sizes(self) -> list[str]:
        """What stands below `SIZES`."""
        return [
            "-" if value is None else form.format(value)
            for value, form in (
                (self.parameters, "{:,.0f}"),
                (self.macs, "{:,.0f}"),
                (self.int8_bytes and self.int8_bytes / 1000, "{:,.0f}"),
                (self.int8_milliseconds, "{:.2f}"),
            )
        ]
