"""Everything that a run finds: the content of `robustness.json`."""

import dataclasses

from recipes.robustness.marks import Family
from recipes.robustness.outcome import Outcome
from recipes.robustness.verdict import Verdict


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that a run finds.

    Attributes:
        model: The file.
        model_sha256: Of its bytes.
        manifest: The clips' manifest.
        manifest_sha256: Of its bytes.
        labels: The model's classes.
        clips: How many were classified.
        speakers: Of so many people.
        left_out: Number of clips whose label the model does not have, by label.
        folds: The manifest's folds that were asked for; none: all.
        splits: Likewise.
        limit: Most clips of each class and speaker, if that was asked for.
        seed: Of all that is random.
        silence_decibels: Below it a window is silence.
        environment: Machine and versions.
        clean: The clips as they are.
        outcomes: Of every condition that ran.
        families: Of every condition that ran, by its name.
        verdicts: Figures beside their marks.
        not_run: Tests that did not run, and what they need.
    """

    model: str
    model_sha256: str
    manifest: str
    manifest_sha256: str
    labels: tuple[str, ...]
    clips: int
    speakers: int
    left_out: dict[str, int]
    folds: tuple[str, ...]
    splits: tuple[str, ...]
    limit: int | None
    seed: int
    silence_decibels: float
    environment: dict[str, str | int | float | None]
    clean: Outcome
    outcomes: tuple[Outcome, ...]
    families: dict[str, Family]
    verdicts: tuple[Verdict, ...]
    not_run: dict[str, str]

    def passed(self, test: str) -> bool | None:
        """Whether all marks of a test are reached; `None` if it has none."""
        found = [verdict.passed for verdict in self.verdicts if verdict.test == test]
        return all(found) if found else None

    @property
    def tests(self) -> dict[str, bool]:
        """Whether it is passed, by each test that has a mark."""
        names = dict.fromkeys(verdict.test for verdict in self.verdicts)
        return {name: bool(self.passed(name)) for name in names}
