"""What a model makes of the clips in one condition."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from recipes.common.results.intervals import figures_of_confusions
from recipes.common.results.metrics import Metrics, evaluate
from recipes.robustness.clips import Clips
from recipes.robustness.listener import NONE

NO_CLASS = "none"


@dataclasses.dataclass(frozen=True, kw_only=True)
class GroupOutcome:
    """Of the clips of one sex or speaker.

    Attributes:
        clips: Number of them.
        ua: Mean recall of the classes that they have.
        unchanged: Share whose class is that of the clip as it is.
    """

    clips: int
    ua: float
    unchanged: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """Of all clips. A clip that gets no class counts as wrong, and as changed.

    Attributes:
        name: Of the condition; `CLEAN`: the clips as they are.
        what: In words.
        ua: Mean recall of the classes that the clips have.
        ua_fall: By how much that is less than for the clips as they are.
        unchanged: Share of clips whose class is that of the clip as it is.
        answers: Share of clips that get a class, by class; and none.
        by_sex: By sex, as far as that is known.
        by_speaker: By speaker.
    """

    name: str
    what: str
    ua: float
    ua_fall: float
    unchanged: float
    answers: dict[str, float]
    by_sex: dict[str, GroupOutcome]
    by_speaker: dict[str, GroupOutcome]


@dataclasses.dataclass(frozen=True)
class Heard:
    """Everything that outcomes are made of.

    Attributes:
        labels: The model's classes.
        truth: `(clips,)`: true classes.
        sexes: `(clips,)`.
        speakers: `(clips,)`.
        clean: `(clips,)`: class of the clips as they are, or `NONE`.
    """

    labels: Sequence[str]
    truth: np.ndarray
    sexes: np.ndarray
    speakers: np.ndarray
    clean: np.ndarray

    @classmethod
    def of(cls, labels: Sequence[str], clips: Clips, clean: np.ndarray) -> "Heard":
        """Of these clips, which get the classes `clean` as they are."""
        return cls(
            labels,
            np.array(clips.truth),
            np.array([segment.sex for segment in clips.segments]),
            np.array([segment.speaker for segment in clips.segments]),
            clean,
        )

    def metrics(self) -> Metrics:
        """Of the clips as they are."""
        return evaluate(self.truth, self._known(self.clean), [*self.labels, NO_CLASS])

    def outcome(self, name: str, what: str, predicted: np.ndarray) -> Outcome:
        """Of one condition, in which the clips get these classes."""
        everyone = np.ones(len(self.truth), bool)
        ua, clean = (self._ua(each, everyone) for each in (predicted, self.clean))
        shares = ((predicted == index).mean() for index in range(len(self.labels)))
        return Outcome(
            name=name,
            what=what,
            ua=ua,
            ua_fall=clean - ua,
            unchanged=float(self._unchanged(predicted).mean()),
            answers={
                **dict(zip(self.labels, map(float, shares), strict=True)),
                NO_CLASS: float((predicted == NONE).mean()),
            },
            by_sex=self._by(self.sexes, predicted),
            by_speaker=self._by(self.speakers, predicted),
        )

    def _known(self, predicted: np.ndarray) -> np.ndarray:
        """No class is one that never is the true one."""
        return np.where(predicted == NONE, len(self.labels), predicted)

    def _ua(self, predicted: np.ndarray, chosen: np.ndarray) -> float:
        shape = 2 * (len(self.labels) + 1,)
        cells = np.ravel_multi_index((self.truth[chosen], self._known(predicted)[chosen]), shape)
        confusion = np.bincount(cells, minlength=np.prod(shape)).reshape(shape)
        return float(figures_of_confusions(confusion)["ua"])

    def _unchanged(self, predicted: np.ndarray) -> np.ndarray:
        return (predicted == self.clean) & (predicted != NONE)

    def _by(self, groups: np.ndarray, predicted: np.ndarray) -> dict[str, GroupOutcome]:
        unchanged = self._unchanged(predicted)
        return {
            str(group): GroupOutcome(
                clips=int((groups == group).sum()),
                ua=self._ua(predicted, groups == group),
                unchanged=float(unchanged[groups == group].mean()),
            )
            for group in sorted(set(groups.tolist()) - {""})
        }
