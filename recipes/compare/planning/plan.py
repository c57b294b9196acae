"""The runs of a grid, in the order in which they run."""

import itertools
from collections.abc import Iterator, Mapping

from recipes.common.configuration import checked
from recipes.common.settings import FROZEN, RecipeSettings
from recipes.compare.planning.corpora import PreparedCorpus
from recipes.compare.planning.grid import Axes, Grid
from recipes.compare.planning.run import Run


def runs_of(grid: Grid, corpora: Mapping[str, PreparedCorpus]) -> list[Run]:
    """All runs, each once, balanced: however few have run, they can be compared.

    Seed by seed and fold by fold come all models that are compared: what has run at any time is
    the same seeds and folds of all of them, and of some a last one.

    Args:
        grid: What is to be compared.
        corpora: By name.

    Raises:
        ValueError: If a setting or a fold can't be.
        FileNotFoundError: If a corpus is not prepared.
    """
    found: dict[str, tuple[tuple[int, int], Run]] = {}
    trained: dict[tuple, Run] = {}
    seeds: dict[int, int] = {}
    for axes in grid.products():
        for seed in axes.seeds:
            seeds.setdefault(seed, len(seeds))
        for corpus in axes.corpora:
            for rank, run in _of_corpus(axes, corpora[corpus]):
                if trained.setdefault(_axes_of(run), run) != run:
                    raise ValueError(
                        "Runs that are alike in all axes can't have different settings. Received "
                        f"two of: {run.name}"
                    )
                found.setdefault(run.id, ((seeds[run.settings.seed], rank), run))
    # Sorting keeps the order of what is compared.
    return [run for _, run in sorted(found.values(), key=lambda item: item[0])]


def _axes_of(run: Run) -> tuple:
    settings = run.settings
    return (
        run.corpus,
        run.fold,
        settings.backbone,
        run.condition,
        run.learning_rate,
        settings.seed,
    )


def _of_corpus(axes: Axes, corpus: PreparedCorpus) -> Iterator[tuple[int, Run]]:
    """Runs of one corpus, each with the number of its fold."""
    folds = {seed: _folds(axes, corpus, seed) for seed in axes.seeds}
    for settings, ablation, rate, variant in _trainings(axes, corpus):
        for number, fold in folds[settings.seed]:
            yield (
                number,
                Run(
                    corpus=corpus.name,
                    fold=fold,
                    ablation=ablation,
                    learning_rate=rate,
                    settings=settings,
                    variant=variant,
                ),
            )


def _folds(axes: Axes, corpus: PreparedCorpus, seed: int) -> list[tuple[int, str]]:
    """Number and name of the chosen folds."""
    # Which are a frozen model's alone, and no matter of folds.
    shared = {name: value for name, value in axes.settings.items() if name != "features"}
    settings = checked(corpus.recipe.settings, {**shared, "seed": seed})
    _check_figure(corpus, settings)
    names = [fold.name for fold in corpus.folds(settings)]
    chosen = names if axes.folds is None else axes.folds
    unknown = [name for name in chosen if name not in names]
    if unknown:
        raise ValueError(
            f"Folds of {corpus.recipe.title} are {', '.join(names)}. Received: {', '.join(unknown)}"
        )
    return [(names.index(name), name) for name in chosen]


def _check_figure(corpus: PreparedCorpus, settings: RecipeSettings) -> None:
    """Raises a `ValueError` if decisions, counted, do not tell what they are compared by."""
    task = corpus.task(settings)
    if settings.figure not in task.counted:
        figures = [name for name in task.selectable if name in task.counted]
        raise ValueError(
            f"Runs on {task.described} are compared by {' or '.join(figures)}: give it as "
            f"`select_on` in `settings`. Received: select_on={settings.select_on!r}"
        )


def _trainings(
    axes: Axes, corpus: PreparedCorpus
) -> Iterator[tuple[RecipeSettings, str, float, str]]:
    """Settings, ablation, multiple of the learning rate and variant of all that is compared."""
    kind = corpus.recipe.settings
    for (backbone, size, optimizer), variant in itertools.product(_models(axes), axes.variants):
        for expansion, ablation, factors, quantizer in _forms(axes, backbone):
            values = {
                **axes.settings,
                **axes.variants[variant],
                "backbone": backbone,
                "size": size,
                "optimizer": optimizer,
                "expansion": expansion,
                "factors": factors,
                "quantizer": quantizer,
            }
            own = checked(kind, values).learning_rate
            rates = axes.learning_rates if backbone != FROZEN else (1.0,)
            for rate, seed in itertools.product(rates, axes.seeds):
                run_values = {**values, "learning_rate": own * rate, "seed": seed}
                yield checked(kind, run_values), ablation, rate, variant


def _models(axes: Axes) -> Iterator[tuple[str, str, str]]:
    """Backbone, size and optimizer; of a frozen teacher there is one alone."""
    for backbone in axes.backbones:
        if backbone == FROZEN:
            yield FROZEN, "linear", "adamw"
        else:
            yield from itertools.product((backbone,), axes.sizes, axes.optimizers)


def _forms(axes: Axes, backbone: str) -> Iterator[tuple[int, str, int, str | None]]:
    """Expansion, ablation, factors and quantizer.

    A plain model has no factors and no ablations, a quantized one no ablations.
    """
    if backbone == FROZEN:
        yield 0, "", 2, None
        return
    for expansion, quantizer in itertools.product(axes.expansions, axes.quantizers):
        if not expansion:
            yield 0, "", 2, quantizer
            continue
        ablations = ("", *axes.ablations) if quantizer is None else ("",)
        for factors, ablation in itertools.product(axes.factors, ablations):
            yield expansion, ablation, factors, quantizer
