"""`grid.json`: what was planned, and on what."""

from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from recipes.common.settings import Count
from recipes.compare.tables.run_result import Word


@dataclass(frozen=True, kw_only=True)
class ComparedCorpus:
    """What a reader must know of a corpus.

    Attributes:
        title: How it is called.
        labels: Class names in the order of the classes.
        notes: What must be known of figures on it.
    """

    title: Word
    labels: Annotated[tuple[Word, ...], Field(min_length=2)]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The whole of which the finished runs are a part.

    Attributes:
        corpora: By the recipe's name.
        settings: The grid as the user gave it.
        runs: How many are planned.
        environment: Machine and versions.
    """

    corpora: dict[str, ComparedCorpus]
    settings: dict[str, Any]
    runs: Count
    environment: dict[str, Any]
