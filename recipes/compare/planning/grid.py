"""What is to be compared: axes, and all their combinations."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

import pydantic

from recipes.common.files.former_names import with_new_names
from recipes.common.settings import QuantizerName
from recipes.compare.planning.corpora import CORPORA
from recipes.compare.tables.run_result import Ablation

Rate = Annotated[float, pydantic.Field(gt=0, allow_inf_nan=False)]
Seed = Annotated[int, pydantic.Field(ge=0, lt=2**32)]
Expansion = Annotated[int, pydantic.Field(ge=0)]

# Settings of a recipe that are axes here.
AXES = {
    "backbone": "backbones",
    "size": "sizes",
    "expansion": "expansions",
    "factors": "factors",
    "learning_rate": "learning_rates",
    "optimizer": "optimizers",
    "quantizer": "quantizers",
    "seed": "seeds",
    "folded": "ablations",
    "frozen_factors": "ablations",
}


class Axes(pydantic.BaseModel):
    """A product of axes.

    Attributes:
        corpora: Each prepared by its recipe.
        folds: Names of folds; `None`: all of the corpus.
        seeds: Of weights, order, crops and augmentation. A claim needs five at least.
        backbones: Names of `keras_reparam.models.list_models()`.
        sizes: Of `keras_reparam.models.create`.
        expansions: HRF expansion in training; 0: a plain model.
        factors: Factors of an expanded kernel.
        learning_rates: Multiples of the recipe's own learning rate. The report compares each
            model at the rate that the validation splits choose for it.
        optimizers: As in the recipes.
        ablations: What else each expansion is compared with. `"longer"`: a plain model that trains
            so many more epochs as HRF costs extra, by a measured step. `"wider"`: a plain model
            with as many training parameters, by wider feed-forward networks. `"chained"`: HRF
            computed as a chain of layers instead of folded. `"frozen"`: HRF with all factors
            frozen but one.
        quantizers: What kernels are trained on, each with every expansion; null: no quantizer,
            whose int8 file is the baseline. Ablations are without.
        variants: By their names, other settings of the recipe that are compared with each other,
            each with all of the above; `""` is the name of the one that the others are compared
            with.
        settings: Other settings of the recipe, of all runs.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", validate_default=True)

    corpora: Annotated[tuple[Literal[CORPORA], ...], pydantic.Field(min_length=1)]
    folds: Annotated[tuple[str, ...], pydantic.Field(min_length=1)] | None = None
    seeds: Annotated[tuple[Seed, ...], pydantic.Field(min_length=1)] = (1, 2, 3, 4, 5)
    backbones: Annotated[tuple[str, ...], pydantic.Field(min_length=1)] = ("conv_transformer",)
    sizes: Annotated[tuple[str, ...], pydantic.Field(min_length=1)] = ("light",)
    expansions: Annotated[tuple[Expansion, ...], pydantic.Field(min_length=1)] = (0, 4)
    factors: Annotated[tuple[Literal[2, 3], ...], pydantic.Field(min_length=1)] = (2,)
    learning_rates: Annotated[tuple[Rate, ...], pydantic.Field(min_length=1)] = (1.0,)
    optimizers: Annotated[tuple[Literal["adamw", "sgd"], ...], pydantic.Field(min_length=1)] = (
        "adamw",
    )
    ablations: tuple[Ablation, ...] = ()
    quantizers: Annotated[tuple[QuantizerName | None, ...], pydantic.Field(min_length=1)] = (None,)
    variants: Annotated[dict[str, dict[str, Any]], pydantic.Field(min_length=1)] = {"": {}}
    settings: dict[str, Any] = {}

    @pydantic.model_validator(mode="before")
    @classmethod
    def _with_new_names(cls, values: Any) -> Any:
        return with_new_names(values) if isinstance(values, Mapping) else values

    @pydantic.field_validator("settings")
    @classmethod
    def _no_axes(cls, settings: dict[str, Any]) -> dict[str, Any]:
        for name in settings:
            if name in AXES:
                raise ValueError(f"has `{name}`, which is an axis: give `{AXES[name]}`")
        return settings

    @pydantic.field_validator("variants")
    @classmethod
    def _that_differ(cls, variants: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for settings in variants.values():
            cls._no_axes(settings)
        for name, settings in variants.items():
            twins = [other for other in variants if variants[other] == settings and other != name]
            if twins:
                raise ValueError(f"must differ; '{name}' and '{twins[0]}' have the same settings")
        return variants


class Grid(Axes):
    """A product of axes, and further ones.

    Attributes:
        include: Each a product of its own, with the axes above where it says nothing else, and
            their settings where it does not change them.
    """

    include: tuple[dict[str, Any], ...] = ()

    @pydantic.model_validator(mode="after")
    def _of_good_products(self) -> "Grid":
        list(self.products())
        return self

    def products(self) -> Iterator[Axes]:
        """The products, the grid's own first."""
        own = self.model_dump(exclude={"include"})
        yield Axes.model_validate(own)
        for other in self.include:
            settings = {**own["settings"], **other.get("settings", {})}
            yield Axes.model_validate({**own, **other, "settings": settings})
