"""Tasks in tables, and back."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from recipes.common.protocol.task import Task
from recipes.common.tasks.classes import Classes
from recipes.common.tasks.distribution import Distribution
from recipes.common.tasks.multilabel import Multilabel
from recipes.common.tasks.regression import Regression

_KINDS: dict[str, type[Task]] = {
    kind.kind: kind for kind in (Classes, Distribution, Multilabel, Regression)
}


def as_saved(task: Task) -> dict[str, Any]:
    """What makes the task again with its names, as JSON types; empty for classes of emotion."""
    own = {name: value for name, value in vars(task).items() if name != "names"}
    fields = {field.name: field.default for field in dataclasses.fields(task)}
    saved: dict[str, Any] = {"kind": task.kind}
    for name, value in own.items():
        if value != fields[name]:
            saved[name] = list(value) if isinstance(value, tuple) else value
    return {} if saved == {"kind": Classes.kind} else saved


def of_saved(names: Sequence[str], saved: Mapping[str, Any]) -> Task:
    """The task that `as_saved` was given.

    Example:

    >>> of_saved(("anger", "joy"), {}).described
    'classes anger, joy'
    """
    kind = _KINDS[saved.get("kind", Classes.kind)]
    own = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in saved.items()
        if name != "kind"
    }
    return kind(tuple(names), **own)
