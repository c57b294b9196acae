"""A corpus, as the commands need it."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from recipes.common.corpus_facts import CorpusFacts
from recipes.common.manifest import Segment
from recipes.common.preparation.counts import Count
from recipes.common.preparation.problems import KINDS, Problem
from recipes.common.protocol.examples import examples_of
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.task import Task
from recipes.common.settings import RecipeSettings


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What a corpus's annotations say.

    Attributes:
        segments: All usable segments in a stated, deterministic order; ids are unique. Whether
            their audio is good is checked afterwards, for all corpora alike.
        counts: What was found beside what was published.
        problems: All that is wrong with the annotations, not only the first.
    """

    segments: list[Segment]
    counts: list[Count]
    problems: list[Problem]


def _no_notes(settings: RecipeSettings) -> tuple[str, ...]:
    return ()


def _one_for_each(
    segments: Iterable[Segment], task: Task, settings: RecipeSettings
) -> tuple[Example, ...]:
    return examples_of(segments, task)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """A corpus, as the commands need it.

    Attributes:
        name: Of the package, as in `"daic_woz"`.
        facts: The corpus in words.
        read: `read(data, **options)` reads the annotations in the folder `data`.
        settings: What a run depends on.
        task_of: `task_of(settings, segments)`: what is to be told of a clip. Raises a `ValueError`
            that names what the corpus lacks.
        folds_of: `folds_of(segments, settings)`: who trains, validates and tests.
        examples_of: `examples_of(segments, task, settings)`: what is heard and scored at once.
        notes_of: What must be said beside all results of such settings.
        reading_of: What `read` must know of a run's settings, if it is for a run.
        options: The recipe's own options of `prepare`: the flag, and what
            `argparse.ArgumentParser.add_argument` takes with it. `read` gets their values.
        kinds: The recipe's own kinds of problems, each with an option that allows it.
        as_published: Kinds of problems that the corpus is known to have: listed, and no error.
    """

    name: str
    facts: CorpusFacts
    read: Callable[..., Prepared]
    settings: type[RecipeSettings]
    task_of: Callable[[Any, Sequence[Segment]], Task]
    folds_of: Callable[[Sequence[Segment], RecipeSettings], list[Fold]]
    examples_of: Callable[..., tuple[Example, ...]] = _one_for_each
    notes_of: Callable[[RecipeSettings], tuple[str, ...]] = _no_notes
    reading_of: Callable[[Any], Mapping[str, Any]] = lambda settings: {}
    options: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    as_published: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Of the corpus, as in `"DAIC-WOZ"`."""
        return self.facts.title

    @property
    def allowable(self) -> tuple[str, ...]:
        """Kinds of problems that an option allows."""
        return KINDS + self.kinds
