"""`runs.csv`: one row per finished run of the grid."""

from typing import Annotated, ClassVar, Literal

import pydantic
from pydantic import Field
from pydantic.dataclasses import dataclass

from recipes.common.settings import FROZEN, Count, Figure, NotNegative, Positive, QuantizerName

RunId = Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
Word = Annotated[str, Field(min_length=1)]
Score = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Correlation = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]
# What HRF is compared with beside the plain model.
Ablation = Literal["longer", "wider", "chained", "frozen"]


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """One training of one fold, and what it came to.

    Attributes:
        run: Its id, 12 hexadecimal digits.
        corpus: Name of the recipe.
        backbone: Name of the backbone.
        size: Of the backbone.
        expansion: HRF expansion; 0: plain. Of an ablation that of the HRF it is compared with.
        factors: Factors of an expanded kernel; of a plain model they mean nothing. Of an ablation
            those of the HRF it is compared with.
        optimizer: Its name.
        learning_rate: Multiple of the recipe's own.
        ablation: `"longer"`, `"wider"`, `"chained"`, `"frozen"`, or `""`: none.
        seed: Of the training.
        fold: Name of the fold.
        select_on: What epochs are chosen by, and the headline figure of the corpus.
        epochs: How many were to be trained.
        chosen_epoch: The one whose weights were kept, from 1.
        val_ua: Of the validation split in the chosen epoch, from 0 to 1; likewise `val_wa`,
            `val_wf1`, `val_macro_f1`.
        parameters_training: Trainable parameters in training.
        parameters_merged: Of the merged model.
        macs: Multiply-adds of one window; `None`, as the next three: of a frozen teacher, of which
            there is no file.
        int8_bytes: Size of the int8 file.
        int8_milliseconds: Its median latency; `None`: not measured.
        float_milliseconds: That of the float32 file; `None`: not measured.
        seconds: Of the training.
        clips_per_second: In training.
        quantizer: What kernels were trained on; `""`: none, as in tables from before there was one.
        int4_bytes: Size of the INT4 file; `None`: of a run from before there was one.
        variant: What else is compared, by its name; `""`: nothing.
        val_map: Of labels, likewise `val_micro_f1`; their `val_macro_f1` is above.
        val_ccc: Of a number, from -1 to 1, likewise `val_pearson`.
    """

    run: RunId
    corpus: Word
    backbone: Word
    size: Word
    expansion: Annotated[int, Field(ge=0)]
    factors: Annotated[int, Field(ge=0)]
    optimizer: Word
    learning_rate: Positive
    ablation: Ablation | Literal[""]
    seed: Annotated[int, Field(ge=0)]
    fold: Word
    select_on: Figure
    epochs: Count
    chosen_epoch: Count
    val_ua: Score | None = None
    val_wa: Score | None = None
    val_wf1: Score | None = None
    val_macro_f1: Score | None = None
    parameters_training: Count
    parameters_merged: Count
    macs: Count | None
    int8_bytes: Count | None
    int8_milliseconds: Positive | None
    float_milliseconds: Positive | None
    seconds: NotNegative
    clips_per_second: NotNegative
    quantizer: QuantizerName | Literal[""] = ""
    int4_bytes: Count | None = None
    variant: str = ""
    val_map: Score | None = None
    val_micro_f1: Score | None = None
    val_ccc: Correlation | None = None
    val_pearson: Correlation | None = None

    # Written where any run has one.
    SPARSE: ClassVar = ("val_map", "val_micro_f1", "val_ccc", "val_pearson")

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        if self.ablation and not self.expansion:
            raise ValueError(
                f"an ablation must have the expansion of the HRF it is compared with: run "
                f"{self.run} is the ablation '{self.ablation}' with expansion 0"
            )
        if self.backbone != FROZEN and (self.macs is None or self.int8_bytes is None):
            raise ValueError(
                f"`macs` and `int8_bytes` must be there of every backbone but {FROZEN}, and run "
                f"{self.run} lacks one"
            )
        if self.chosen_epoch > self.epochs:
            raise ValueError(
                f"`chosen_epoch` must be one of the {self.epochs} epochs of run {self.run}, and "
                f"is {self.chosen_epoch}"
            )
        return self
