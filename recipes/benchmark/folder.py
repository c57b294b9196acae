"""The folder of a benchmark: a comparison for each corpus and task."""

import dataclasses
from pathlib import Path
from typing import Any

from recipes.benchmark.plan import BenchmarkPlan
from recipes.common.configuration import checked
from recipes.common.files.json_file import read_json, write_json
from recipes.compare.grid_folder import GridFolder
from recipes.compare.planning.corpora import prepared_corpus
from recipes.compare.planning.grid import Grid
from recipes.compare.planning.plan import runs_of
from recipes.compare.planning.run import Run

_PLAN = "benchmark.json"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The runs of one task of one corpus.

    Attributes:
        corpus: Name of its recipe.
        task: Its name in the plan.
        grid: What is compared.
        folder: Where its runs are.
        runs: All of them, seed by seed.
    """

    corpus: str
    task: str
    grid: Grid
    folder: GridFolder
    runs: tuple[Run, ...]


class BenchmarkFolder:
    """What was planned, and a folder `<corpus>-<task>` of a comparison for each task.

    Args:
        path: The folder.
        prepared: Where the recipes have prepared the corpora.
    """

    def __init__(self, path: Path, prepared: Path):
        self.path, self.prepared = path.resolve(), prepared.resolve()

    @property
    def begun(self) -> bool:
        """Whether anything was planned here."""
        return (self.path / _PLAN).is_file()

    @property
    def results(self) -> Path:
        """Where the report puts compact tables, a folder `<corpus>-<task>` for each task."""
        return self.path / "results"

    def plan(self) -> BenchmarkPlan:
        """What was planned.

        Raises:
            FileNotFoundError: If nothing was.
        """
        if not self.begun:
            raise FileNotFoundError(
                f"There is no benchmark in '{self.path}': `run` it with --config FILE, or with "
                "settings such as `tasks={emodb: [emotion, sex]}`"
            )
        return checked(BenchmarkPlan, read_json(self.path / _PLAN, dict[str, Any]))

    def begin(self, plan: BenchmarkPlan, earlier: Path | None = None) -> None:
        """Writes what is planned; what has run of another plan stays where it is.

        Args:
            plan: What it is.
            earlier: A folder `<corpus>-<task>` with compact tables for each task of which runs
                were done elsewhere.

        Raises:
            FileNotFoundError: If a corpus is not prepared, or there are no such tables.
            ValueError: If a setting, a fold or a task can't be, or tables can't be read.
        """
        comparisons = self.comparisons(plan)
        if earlier and not any((earlier / each.folder.path.name).is_dir() for each in comparisons):
            raise FileNotFoundError(
                f"There are no results of these tasks in '{earlier}': it must have a folder such "
                f"as '{comparisons[0].folder.path.name}'"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.path / _PLAN, plan.model_dump(mode="json"))
        for each in comparisons:
            tables = earlier and earlier / each.folder.path.name
            each.folder.begin(each.grid, tables if tables and tables.is_dir() else None)

    def comparisons(self, plan: BenchmarkPlan) -> tuple[Comparison, ...]:
        """One for each corpus and task, in the plan's order.

        Raises:
            FileNotFoundError: If a corpus is not prepared.
            ValueError: If a setting, a fold or a task can't be.
        """
        corpora = {name: prepared_corpus(name, self.prepared) for name in plan.tasks}
        return tuple(
            Comparison(
                corpus,
                task,
                grid,
                GridFolder(self.path / f"{corpus}-{task}"),
                tuple(runs_of(grid, {corpus: corpora[corpus]})),
            )
            for (corpus, task), grid in plan.grids().items()
        )
