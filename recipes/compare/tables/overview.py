"""`grid.json`: what was planned, and on what."""

from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from recipes.common.protocol.task import Task
from recipes.common.settings import Count
from recipes.common.tasks.saved import of_saved
from recipes.compare.tables.run_result import Word


@dataclass(frozen=True, kw_only=True)
class ComparedCorpus:
    """What a reader must know of a corpus.

    Attributes:
        title: How it is called.
        labels: Names of the classes in their order, or of what else the task tells.
        notes: What must be known of figures on it.
    """

    title: Word
    labels: Annotated[tuple[Word, ...], Field(min_length=1)]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The whole of which the finished runs are a part.

    Attributes:
        corpora: By the recipe's name.
        settings: The grid as the user gave it.
        runs: How many are planned.
        environment: Machine and versions.
        tasks: What makes a corpus's task again, by its name; of classes of emotion nothing.
    """

    corpora: dict[str, ComparedCorpus]
    settings: dict[str, Any]
    runs: Count
    environment: dict[str, Any]
    tasks: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def task(self, corpus: str) -> Task:
        """What was told of the clips of a corpus."""
        return of_saved(self.corpora[corpus].labels, self.tasks.get(corpus, {}))
