"""The scores of one clip, or of one window of a stream."""

import dataclasses

import numpy as np
from rich.table import Table
from rich.text import Text

from keras_reparam._utils.printed import Printed
from keras_reparam.deploy.tflite.head import Head
from keras_reparam.deploy.tflite.heads import head_of

_BAR = 40


@dataclasses.dataclass(frozen=True, kw_only=True)
class Classification(Printed):
    """What a `Classifier` says about a clip or a window of a stream; prints as a table with bars.

    Attributes:
        labels: Names of the classes, or of the values.
        probabilities: float32 array `(classes,)`, in the order of `labels`; the mean over the
            windows that are not silence, weighed by their valid samples. All zero for a silent
            clip. Of a softmax their sum is 1; of a sigmoid each stands for itself; of a linear
            head they are no probabilities, but the values.
        silence: Whether no window was loud enough: see `Classifier`.
        duration: Seconds.
        windows: How many windows were averaged.
        start: Seconds of the stream before it; 0 for a clip.
        head: What made the scores, `"softmax"`, `"sigmoid"` or `"linear"`.
        unit: What values are in; `""`: nothing.
        value_range: Lowest and highest value that there are; `None`: there are no values.
        unsure_below: Below this highest probability it is unsure; 0 if the file says nothing.
    """

    labels: tuple[str, ...]
    probabilities: np.ndarray
    silence: bool
    duration: float
    windows: int
    start: float = 0.0
    head: str = "softmax"
    unit: str = ""
    value_range: tuple[float, float] | None = None
    unsure_below: float = 0.0

    @property
    def end(self) -> float:
        """Seconds of the stream up to its end."""
        return self.start + self.duration

    @property
    def label(self) -> str | None:
        """The most probable class.

        `None` for a silent clip, where a sigmoid gives no class a probability of 0.5 or more, and
        of values.
        """
        return None if self.silence else self._scoring.label(self.probabilities)

    @property
    def value(self) -> float | None:
        """The first value; `None` for a silent clip, and of probabilities. See `values`."""
        return next(iter(self.values.values()), None)

    @property
    def values(self) -> dict[str, float]:
        """The values by name; empty for a silent clip, and of probabilities."""
        return {} if self.silence else self._scoring.values(self.probabilities)

    @property
    def unsure(self) -> bool:
        """Whether the highest probability is below `unsure_below`; not of a silent clip.

        `label` is still the most probable class.
        """
        return not self.silence and self._scoring.is_unsure(self.probabilities, self.unsure_below)

    @property
    def _scoring(self) -> Head:
        return head_of(self.head, self.labels, unit=self.unit, range=self.value_range)

    def as_dict(self) -> dict:
        """The result as JSON types."""
        return {
            **self._scoring.answer(self.probabilities, silence=self.silence),
            "silence": self.silence,
            "unsure": self.unsure,
            "start": self.start,
            "duration": self.duration,
            "windows": self.windows,
        }

    def table(self, title: str = "", *, sort: bool = True) -> Table:
        """The scores as a rich table, most probable first or as `labels`; one row for silence.

        What is bold is the clip's class, unless it is unsure; of a sigmoid, every class that is
        present. A value has its range in place of a bar.
        """
        # Neither title nor labels are markup, since users and files chose them.
        name = Text(title, style="table.title") if title else None
        table = Table(title=name, title_justify="left", show_header=False)
        table.add_column("class")
        table.add_column("probability", justify="right")
        table.add_column("bar", min_width=_BAR, no_wrap=True)
        if self.silence:
            table.add_row("silence", "", "too quiet to say anything")
            return table
        if self.unsure:
            table.add_row("unsure", "", f"no class has a probability of {self.unsure_below:.0%}")
        rows = self._scoring.rows(self.probabilities)
        for row in sorted(rows, key=lambda row: -row.filled) if sort else rows:
            style = "bold" if row.named and not self.unsure else None
            bar = row.beside or "\u2588" * round(_BAR * row.filled)
            table.add_row(Text(row.name), row.text, bar, style=style)
        return table

    def __rich__(self) -> Table:
        return self.table()
