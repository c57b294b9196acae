"""The scores of one clip, or of one window of a stream."""

import dataclasses

import numpy as np
from rich.table import Table
from rich.text import Text

from keras_reparam._utils.printed import Printed
from keras_reparam.deploy.tflite.heads import PRESENT

_BAR = 40


@dataclasses.dataclass(frozen=True, kw_only=True)
class Classification(Printed):
    """What a `Classifier` says about a clip or a window of a stream; prints as a table with bars.

    Attributes:
        labels: Class names.
        probabilities: float32 array `(classes,)`, in the order of `labels`; the mean over the
            windows that are not silence, weighed by their valid samples. All zero for a silent
            clip. Of a softmax their sum is 1; of a sigmoid each stands for itself.
        silence: Whether no window was loud enough: see `Classifier`.
        duration: Seconds.
        windows: How many windows were averaged.
        start: Seconds of the stream before it; 0 for a clip.
        head: What made the probabilities, `"softmax"` or `"sigmoid"`.
        unsure_below: Below this highest probability it is unsure; 0 if the file says nothing.
    """

    labels: tuple[str, ...]
    probabilities: np.ndarray
    silence: bool
    duration: float
    windows: int
    start: float = 0.0
    head: str = "softmax"
    unsure_below: float = 0.0

    @property
    def end(self) -> float:
        """Seconds of the stream up to its end."""
        return self.start + self.duration

    @property
    def label(self) -> str | None:
        """The most probable class.

        `None` for a silent clip, and where a sigmoid gives no class a probability of 0.5 or more.
        """
        best = int(np.argmax(self.probabilities))
        return None if self.silence or not self._is_present(best) else self.labels[best]

    @property
    def unsure(self) -> bool:
        """Whether the highest probability is below `unsure_below`; not of a silent clip.

        `label` is still the most probable class.
        """
        return not self.silence and bool(self.probabilities.max() < self.unsure_below)

    def _is_present(self, index: int) -> bool:
        return self.head == "softmax" or bool(self.probabilities[index] >= PRESENT)

    def as_dict(self) -> dict:
        """The result as JSON types."""
        return {
            "label": self.label,
            "silence": self.silence,
            "unsure": self.unsure,
            "probabilities": dict(zip(self.labels, map(float, self.probabilities), strict=True)),
            "start": self.start,
            "duration": self.duration,
            "windows": self.windows,
        }

    def table(self, title: str = "", *, sort: bool = True) -> Table:
        """The scores as a rich table, most probable first or as `labels`; one row for silence.

        What is bold is the clip's class, unless it is unsure; of a sigmoid, every class that is
        present.
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
        if self.label is None:
            table.add_row("none", "", f"no class has a probability of {PRESENT:.0%}")
        if self.unsure:
            table.add_row("unsure", "", f"no class has a probability of {self.unsure_below:.0%}")
        order = np.argsort(-self.probabilities, kind="stable")
        for i in order if sort else range(len(self.labels)):
            probability = float(self.probabilities[i])
            named = self._is_present(i) if self.head == "sigmoid" else self.labels[i] == self.label
            style = "bold" if named and not self.unsure else None
            bar = "\u2588" * round(_BAR * probability)
            table.add_row(Text(self.labels[i]), f"{probability:.1%}", bar, style=style)
        return table

    def __rich__(self) -> Table:
        return self.table()
