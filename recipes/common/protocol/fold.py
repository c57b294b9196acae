"""What is scored, and who trains, validates and tests."""

import dataclasses
from collections.abc import Mapping

from recipes.common.manifest import Segment, check_speakers
from recipes.common.protocol.task import Value


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example:
    """What a model hears at once, and what is decided about it.

    Attributes:
        id: Unique name.
        segments: Rows of the manifest, one after another; for most corpora a single one.
        label: What is true of it, as the task has it: of classes the index.
        speaker: Who speaks.
        sex: The speaker's, as the corpus gives it.
        decision: What the examples of the same name are decided about together, by the mean of
            their probabilities: a participant, or the example itself.
        corpus: Title of the corpus that it is of, where there are several.
        times: How often an epoch of training hears it.
    """

    id: str
    segments: tuple[Segment, ...]
    label: Value
    speaker: str
    sex: str
    decision: str
    corpus: str = ""
    times: int = 1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fold:
    """Who trains, validates and tests; no speaker is in two of them.

    Attributes:
        name: As in `"1"`, or `"official"` where there is one split alone.
        train: What the model is trained on.
        validation: What chooses the epoch; empty where the last one is kept.
        tests: What is read once, in the end, by its name; the first one is the headline.

    Raises:
        ValueError: If another split is empty, or a speaker is in two of them.
    """

    name: str
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    tests: Mapping[str, tuple[Example, ...]]

    def __post_init__(self):
        for split, examples in self.splits.items():
            if not examples:
                raise ValueError(
                    f"Every split must hold at least one clip. Received: fold '{self.name}' "
                    f"without any for '{split}'"
                )
        check_speakers(self.splits)

    @property
    def splits(self) -> dict[str, tuple[Example, ...]]:
        """The examples of every split by its name; without `"validation"` if nobody validates."""
        validation = {"validation": self.validation} if self.validation else {}
        return {"train": self.train, **validation, **self.tests}
