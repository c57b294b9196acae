"""What a benchmark is of: tasks, models and seeds."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic

from recipes.common.settings import FROZEN
from recipes.compare.planning.corpora import CORPORA
from recipes.compare.planning.grid import Expansion, Grid, Seed

Names = Annotated[tuple[str, ...], pydantic.Field(min_length=1)]


class BenchmarkPlan(pydantic.BaseModel):
    """Tasks by models by seeds.

    Attributes:
        tasks: Of each corpus: names of its tasks, or by names of one's own the settings that make
            each, as in `{custom: {age: {target: age, task: regression, unit: years}}}`.
        folds: Of each corpus the names of folds; of one that is not named: all.
        seeds: Of weights, order, crops and augmentation.
        backbones: Names of `keras_reparam.models.list_models()`, each in its light size.
        expansions: HRF expansion in training; 0: a plain model.
        frozen: Linear heads on what stays as it is, by their names the settings that say on what:
            `features` or `teacher`.
        settings: Other settings of the recipes, of all runs.
        include: Further settings of one corpus, by its name, as in `{crema_d: {epochs: 12}}`.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", validate_default=True)

    tasks: Annotated[
        dict[Literal[CORPORA], Names | dict[str, dict[str, Any]]], pydantic.Field(min_length=1)
    ]
    folds: dict[Literal[CORPORA], Names] = {}
    seeds: Annotated[tuple[Seed, ...], pydantic.Field(min_length=1)] = (1, 2, 3)
    backbones: Names = ("conv_transformer", "conformer", "speechformer", "haffformer")
    expansions: Annotated[tuple[Expansion, ...], pydantic.Field(min_length=1)] = (0, 4)
    frozen: dict[str, dict[str, Any]] = {"log-mel statistics": {"features": "log_mel"}}
    settings: dict[str, Any] = {}
    include: dict[Literal[CORPORA], dict[str, Any]] = {}

    @pydantic.model_validator(mode="after")
    def _of_good_grids(self) -> "BenchmarkPlan":
        self.grids()
        return self

    def grids(self) -> dict[tuple[str, str], Grid]:
        """A comparison for each corpus and task."""
        found = {}
        for corpus, tasks in self.tasks.items():
            named = (
                tasks if isinstance(tasks, Mapping) else {name: {"task": name} for name in tasks}
            )
            for name, settings in named.items():
                found[corpus, name] = self._grid(corpus, settings)
        return found

    def _grid(self, corpus: str, task: Mapping[str, Any]) -> Grid:
        heads = {"backbones": (FROZEN,), "variants": self.frozen}
        return Grid(
            corpora=(corpus,),
            folds=self.folds.get(corpus),
            seeds=self.seeds,
            backbones=self.backbones,
            expansions=self.expansions,
            settings={**self.settings, **self.include.get(corpus, {}), **task},
            include=(heads,) if self.frozen else (),
        )
