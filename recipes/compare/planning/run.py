"""One run of a comparison: a corpus, a fold, and all settings."""

import dataclasses
import hashlib
import json
from typing import Any

import pydantic_core

from recipes.common.settings import RecipeSettings
from recipes.compare.planning.backend import backend_name
from recipes.compare.planning.condition import Condition


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a comparison.

    Attributes:
        corpus: Name of its recipe.
        fold: Name of the fold.
        ablation: Of `recipes.compare.planning.grid.Ablation`; empty: none.
        learning_rate: Multiple of the recipe's own learning rate.
        settings: Of the run; of an ablation those of the HRF that it is compared with.
        variant: Name of what in the settings is no axis and is compared; empty: nothing.
        backend: Of Keras, in the run.
    """

    corpus: str
    fold: str
    ablation: str
    learning_rate: float
    settings: RecipeSettings
    variant: str = ""
    backend: str = dataclasses.field(default_factory=backend_name)

    @property
    def id(self) -> str:
        """Twelve letters that stand for all of it: runs of one id have the same settings.

        Defaults are part of it. Where a later version has other ones, or another setting, what
        ran before is not what would run now.
        """
        settings = self.settings.model_dump(mode="json")
        return _hash([self.corpus, self.fold, self.ablation, self.backend, settings])

    @property
    def condition(self) -> Condition:
        """What is compared."""
        return Condition.of(self.settings, self.ablation, self.variant)

    @property
    def model(self) -> str:
        """Corpus, backbone and condition, for people."""
        settings = self.settings
        name = self.condition.name(with_optimizer=settings.optimizer != "adamw")
        return f"{self.corpus}: {settings.backbone} {name}"

    @property
    def name(self) -> str:
        """For people: what it is, in one line."""
        rate = "" if self.learning_rate == 1 else f", {self.learning_rate:g} x the rate"
        return f"{self.model}{rate}, fold {self.fold}, seed {self.settings.seed}"

    def about(self) -> dict[str, Any]:
        """As JSON."""
        return pydantic_core.to_jsonable_python(
            {
                "corpus": self.corpus,
                "fold": self.fold,
                "ablation": self.ablation,
                "learning_rate": self.learning_rate,
                "settings": self.settings.model_dump(mode="json"),
                "variant": self.variant,
                "backend": self.backend,
            }
        )


def _hash(about: list) -> str:
    text = json.dumps(about, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:12]
