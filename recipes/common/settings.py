"""What a training depends on, in every recipe."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import pydantic

from recipes.common.teacher.kind import is_preset

Share = Annotated[float, pydantic.Field(ge=0, lt=1)]
Positive = Annotated[float, pydantic.Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, pydantic.Field(ge=1)]
# Of the front end's defaults, without an import of Keras; and how many of its frames are 4 s.
_SAMPLE_RATE, _HOP, _FRAMES = 16000, 160, 400

Backbone = Literal["conformer", "conv_transformer", "haffformer", "speechformer"]
# No backbone of its own: a linear head on the features of a model that stays as it is.
FROZEN = "frozen"
# Features of that name are those of the front end.
LOG_MEL = "log_mel"

# The kind of task that most recipes have; and what chooses the epoch of others by default.
_SELECT_ON = {"multilabel": "map", "regression": "ccc"}
Figure = Literal["ua", "wa", "wf1", "macro_f1", "map", "micro_f1", "ccc", "pearson"]
SelectOn = Literal[Figure, "last"]

# A front end without level and offset, whose frames are 20 ms apart.
LEVEL_FREE: dict[str, Any] = {
    **{"level_normalization": True, "remove_dc_offset": True, "log_offset": 1e-5},
    **{"hop_length": 320, "frame_length": 512},
}
# Nor what a microphone or a telephone does to all frames of a clip alike, nor how far its speech
# stands out of the noise around it.
FRONT_END: dict[str, Any] = {
    **LEVEL_FREE,
    **{"log_offset": 1e-3, "utterance_mean": True, "utterance_std": True},
}

# What can be done to copies of training clips, in the order in which it is done.
Change = Literal[
    "cut",
    "silence",
    "room",
    "babble",
    "noise",
    "suppression",
    "equalizer",
    "band",
    "clipping",
    "gain",
    "offset",
]
Chance = Annotated[float, pydantic.Field(ge=0, le=1)]
CHANCES: dict[Change, Chance] = {
    **{"cut": 0.5, "silence": 0.3, "room": 0.7, "babble": 0.3, "noise": 0.9, "suppression": 0.5},
    **{"equalizer": 0.5, "band": 0.3, "clipping": 0.1, "gain": 1.0, "offset": 0.2},
}

# What `keras_reparam.quantizers.get` knows by name.
QuantizerName = Literal[
    "ternary", "soft_threshold_ternary", "dual_learnable_ternary", "scaled_sign", "int8", "int4"
]


class TrainingSettings(pydantic.BaseModel):
    """Augmentation, optimiser and schedule.

    Attributes:
        epochs: Passes over the training clips.
        seed: Of weights, order, crops and augmentation.
        expansion: HRF expansion of the first layer of each feed-forward network; 0: a plain model.
        frames: Length of the model's window in frames.
        batch_size: Clips in a step.
        optimizer: `"adamw"`, or `"sgd"` with momentum.
        learning_rate: Highest learning rate, after the warm-up.
        momentum: Of SGD.
        warm_up: Share of the steps in which the learning rate rises; then it falls as a cosine.
        weight_decay: Decoupled, of either optimiser.
        clip_norm: Largest norm of each weight's gradient; `None`: any.
        label_smoothing: Of the cross-entropy.
        class_balance: What rare classes get: `"weights"` that make all classes count alike,
            `"sampling"` that shows all of them equally often, or `"none"`.
        gain: Training clips are heard up to so many decibels louder or softer.
        shift: And with all mel bands moved up or down by up to so many.
        tempo: And up to this share faster or slower, at their own pitch.
        spec_augment: And with stretches of time and bands of frequency taken out.
        mixup: And mixed in pairs, by weights from Beta(mixup, mixup); 0: not.
        ema: Weights are averaged over the steps with this momentum; `None`: not averaged.
        precision: Keras's dtype policy.
        xla: Whether XLA compiles the training step; `"auto"`: as Keras chooses.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", validate_default=True)

    epochs: Count = 40
    seed: int = pydantic.Field(default=1, ge=0, lt=2**32)
    expansion: int = pydantic.Field(default=4, ge=0)
    frames: Count = 400
    batch_size: Count = 32
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: Positive = 2e-3
    momentum: Share = 0.9
    warm_up: Share = 0.1
    weight_decay: NotNegative = 0.02
    clip_norm: Positive | None = 1.0
    label_smoothing: Share = 0.1
    class_balance: Literal["weights", "sampling", "none"] = "weights"
    gain: NotNegative = 6.0
    shift: int = pydantic.Field(default=2, ge=0)
    tempo: Share = 0.0
    spec_augment: bool = True
    mixup: NotNegative = 0.0
    ema: Annotated[float, pydantic.Field(gt=0, lt=1)] | None = None
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    xla: bool | Literal["auto"] = "auto"


# What a backbone trains best with, where a recipe's user says nothing.
_LEARNING_RATES = {"speechformer": 3e-4}
_OPTIONS: dict[str, dict[str, Any]] = {
    "conv_transformer": {"norm_first": True, "pooling": "mean_std"},
}
_OF_FROZEN: dict[str, Any] = {
    **{"size": "linear", "expansion": 0, "epochs": 20, "copies": 0, "backbone_options": {}},
    "learning_rate": 1e-3,
}
# What has no meaning there.
_NOT_OF_FROZEN = (
    *("quantizer", "start", "copies", "waveform_augmentation", "distribute", "diagnostics"),
    *("mixup", "prune_latency"),
)


class RecipeSettings(TrainingSettings):
    """What a run on a corpus depends on.

    Attributes:
        backbone: Name of `keras_reparam.models.list_models()`; or `"frozen"`: a linear head on the
            mean and deviation of a learnt weighted sum of layers of `features`, or of a `teacher`
            of KerasHub, which small models can be compared with. It has one size, `"linear"`, and
            no `.tflite`.
        features: Of a frozen model: a folder with a `.npy` for each clip, or a `.csv` with a row
            for each; or `"log_mel"`: those of the front end, without what it takes out of each
            clip's mean and deviation. `None`: the teacher's.
        size: Of `keras_reparam.models.create`.
        factors: Factors of an expanded kernel.
        folded: Whether an expanded kernel is multiplied out before it meets the batch; if not, the
            batch goes through a chain of linear layers: the same function and gradients, at more
            cost, as an ablation. What is saved is the same.
        frozen_factors: Whether all factors but one stay as they start, as an ablation: that one can
            make the product any matrix, and the others are orthonormal. The bias of a plain layer
            is trained, too; inner biases stay zero.
        backbone_options: Further arguments of the backbone's class, such as `dropout`. By default
            a ConvTransformer is pre-norm and pools mean and deviation, and a SpeechFormer knows
            the front end's hop.
        front_end: Arguments of `keras_reparam.audio.LogMel`, such as `hop_length` or
            `level_normalization`, that differ from its defaults. The store gets its features. By
            default a clip's level, offset and mean of each band are taken out of it, and frames
            are 20 ms apart: loudness and microphone are no emotion, and a training takes half the
            time. `{}`: the front end's own defaults.
        frames: Length of the model's window in frames, one every `hop_length` samples of the front
            end; `None`: of the longest clip. By default 4 seconds.
        learning_rate: By default 2e-3; of the SpeechFormer, which then learns nothing, 3e-4.
        select_on: The epoch with the highest value of this on the validation split is kept, or the
            last one, for which nobody need validate. By default UA; of labels their mean average
            precision, of a number CCC.
        speeds: Training clips are heard at one of these speeds, with their pitch changed alike
            (Ko et al., Interspeech 2015); the store keeps features for each.
        copies: Of each training clip the store keeps so many degraded copies, made once, and the
            same for all seeds; the clip itself is heard as often as each of them. Their babble is
            that of other training speakers.
        chances: Of each change, by its name, that a copy has it; of one that is not named 0.
        patience: Training stops after so many epochs without a better one; `None`: never early.
        waveform_augmentation: Whether training clips are changed as waveforms, in speed, loudness,
            noise and time, and their features computed anew in every step, in place of the
            changes of stored features that `gain`, `shift` and `tempo` make, and of `speeds`.
        teacher: Folder of a run of a trained model on the same corpus, whose features before the
            classifier this one learns to have, too; or a Whisper of KerasHub, by the name or the
            folder of its preset: its encoder hears each training clip once, as it is, and a linear
            head on its features tells the classes. `None`: no teacher.
        teacher_weight: Of the teacher's features in the loss.
        teacher_layers: Of a Whisper: the encoder layers, counted from 1, whose means and
            deviations over a clip are its features.
        teacher_components: Of a Whisper: of how many principal components of these features the
            direction is learnt.
        teacher_share: Of a Whisper: what share of the target is what the linear head says, fitted
            without the clip's speaker.
        teacher_temperature: Of a Whisper: what the linear head's logits are divided by.
        start: What a model of the same backbone starts from: the folder of a run on the same
            corpus, for its merged model of the same fold; or a `.keras` file that recipes trained
            on any corpus, for all of it but the classifier. `None`: random weights.
        quantizer: What the kernels of all linear layers but the first projection and the
            classifier are trained on, of `keras_reparam.quantizers`: a name that `get` knows;
            `None`: no quantizer. With an expansion, the products of factors.
        latent_teacher: Whether every step also runs the model without its quantizers, which
            learns the classes as well, and which the quantized one learns to agree with; it
            takes twice as long.
        layer_teacher_weight: Of the distance, in the loss, between every encoder layer's output
            and that of `start`, which stays as it is; 0: none.
        prune_latency: Milliseconds that the file of the merged model may take, by `prune_table`:
            units and heads are taken out of the model (`keras_reparam.prune`). `None`: none are.
        prune_table: Path of the latency table, which `keras_reparam.benchmarks.latency_table`
            writes for a model of the same settings.
        prune_rounds: Epochs with a round of ADMM; then the groups are removed, and the epoch that
            is kept is one of those after.
        tensorboard: Whether TensorBoard's logs are written.
        diagnostics: Whether gradient norms, and singular values of the expanded kernels, are
            written after every epoch. They do not change the training.
        distribute: Whether one training runs on all devices of this computer, which share each
            batch. Clips of an epoch that do not fill a batch are left out of it.
        xla: Whether XLA compiles the training step; on a CPU that took longer, and so did steps.
    """

    # The kinds of those values of a setting `task` that are no classes.
    kinds: ClassVar[Mapping[str, str]] = {}

    backbone: Literal[Backbone, "frozen"] = "conv_transformer"
    features: str | None = None
    size: str = "light"
    factors: Literal[2, 3] = 2
    folded: bool = True
    frozen_factors: bool = False
    backbone_options: dict[str, Any] = {}
    front_end: dict[str, Any] = FRONT_END
    frames: Count | None = _FRAMES * _HOP // FRONT_END["hop_length"]
    select_on: SelectOn = "ua"
    speeds: list[Positive] = pydantic.Field(default=[1.0], min_length=1)
    copies: int = pydantic.Field(default=0, ge=0)
    chances: dict[Change, Chance] = CHANCES
    patience: Count | None = None
    waveform_augmentation: bool = False
    teacher: str | None = None
    teacher_weight: NotNegative = 1.0
    teacher_layers: Annotated[list[Count], pydantic.Field(min_length=1)] = [2, 3]
    teacher_components: Count = 96
    teacher_share: Annotated[float, pydantic.Field(ge=0, le=1)] = 0.5
    teacher_temperature: Positive = 2.0
    start: str | None = None
    quantizer: QuantizerName | None = None
    latent_teacher: bool = False
    layer_teacher_weight: NotNegative = 0.0
    prune_latency: Positive | None = None
    prune_table: str | None = None
    prune_rounds: int = pydantic.Field(default=20, ge=0)
    tensorboard: bool = False
    diagnostics: bool = False
    distribute: bool = False
    tempo: Share = 0.1
    xla: bool | Literal["auto"] = False

    @pydantic.field_validator("folded", "frozen_factors")
    @classmethod
    def _of_an_expansion(cls, value: bool, info: pydantic.ValidationInfo) -> bool:
        """Says so where there are no factors that an option could be about."""
        default = cls.model_fields[info.field_name].default
        if value != default and info.data.get("expansion") == 0:
            raise ValueError(
                f"must be {str(default).lower()} where expansion=0: a plain model has no factors"
            )
        return value

    @property
    def starts_from_file(self) -> bool:
        """Whether `start` is a model, of any corpus, and not the folder of a run."""
        return self.start is not None and self.start.endswith(".keras")

    @pydantic.model_validator(mode="after")
    def _of_a_quantizer(self) -> "RecipeSettings":
        """Says so where there is nothing that an option could be about."""
        if self.latent_teacher and self.quantizer is None:
            raise ValueError("`latent_teacher` needs a `quantizer`, which it leaves out at times")
        if self.layer_teacher_weight and (self.quantizer is None or self.start is None):
            raise ValueError(
                "`layer_teacher_weight` needs a `quantizer` and a `start`, which is the teacher"
            )
        if self.quantizer is not None and not self.folded:
            raise ValueError("`folded` must be true with a `quantizer`: a chain has no one kernel")
        return self

    @pydantic.model_validator(mode="after")
    def _of_stored_features(self) -> "RecipeSettings":
        if self.copies and self.waveform_augmentation:
            raise ValueError(
                "`copies` are kept as features: they must be 0 with `waveform_augmentation`"
            )
        return self

    @pydantic.model_validator(mode="after")
    def _of_a_frozen_model(self) -> "RecipeSettings":
        if self.backbone != FROZEN:
            if self.features is not None:
                raise ValueError(
                    "`features` are those of `backbone=frozen`; other backbones make their own. "
                    f"Received: backbone={self.backbone}, features={self.features!r}"
                )
            return self
        if (self.features is None) == (self.teacher is None):
            raise ValueError(
                "`backbone=frozen` needs `features`, a folder or .csv of them or log_mel; or a "
                "`teacher`, name or folder of a KerasHub preset of Whisper; and not both. "
                f"Received: features={self.features!r}, teacher={self.teacher!r}"
            )
        if self.teacher is not None and not is_preset(self.teacher):
            raise ValueError(
                "The `teacher` of `backbone=frozen` must be name or folder of a KerasHub preset of "
                f"Whisper. Received: teacher={self.teacher!r}"
            )
        if self.expansion or any(getattr(self, name) for name in _NOT_OF_FROZEN):
            raise ValueError(
                "`backbone=frozen` trains a linear head alone: there is no expansion, and no "
                f"{', '.join(_NOT_OF_FROZEN)}"
            )
        return self

    @property
    def hop_length(self) -> int:
        """Samples from one frame of the front end to the next."""
        return self.front_end.get("hop_length", _HOP)

    @pydantic.model_validator(mode="after")
    def _of_a_pruning(self) -> "RecipeSettings":
        """Says so where a budget has no table, and where nothing is trained after the removal."""
        if (self.prune_latency is None) != (self.prune_table is None):
            raise ValueError("`prune_latency` and `prune_table` need each other")
        if self.prune_latency is not None and self.prune_rounds >= self.epochs:
            raise ValueError(
                "`prune_rounds` must be below `epochs`, so that what is left is trained on"
            )
        return self

    @property
    def figure(self) -> str:
        """What the validation split is told by: what chooses the epoch, or else UA, or its like."""
        if self.select_on != "last":
            return self.select_on
        return _SELECT_ON.get(self.kinds.get(getattr(self, "task", None)), "ua")

    @property
    def task_name(self) -> str:
        """What a run's folder is named by besides; `""`: the task is the corpus's usual one."""
        field = type(self).model_fields.get("task")
        return "" if field is None or self.task == field.default else self.task

    @property
    def any_task(self) -> tuple[str, ...]:
        """Settings that go with every task here: a frozen teacher's features are all it gives."""
        return ("teacher",) if self.backbone == FROZEN else ()

    @property
    def decision_rule(self) -> Literal["mean", "vote"]:
        """How the examples of one decision decide together."""
        return "mean"

    @pydantic.model_validator(mode="before")
    @classmethod
    def _of_the_backbone(cls, values: Any) -> Any:
        """Fills in what depends on the backbone, so that what ran is written in full."""
        if not isinstance(values, dict):
            return values
        backbone = values.get("backbone", cls.model_fields["backbone"].default)
        options = cls.model_fields["backbone_options"].default
        defaults = {"backbone_options": {**_OPTIONS.get(backbone, {}), **options}}
        if backbone in _LEARNING_RATES:
            defaults["learning_rate"] = _LEARNING_RATES[backbone]
        if backbone == FROZEN:
            defaults |= _OF_FROZEN
        kind = cls.kinds.get(values.get("task"))
        if kind in _SELECT_ON:
            defaults["select_on"] = _SELECT_ON[kind]
        values = {**defaults, **values}
        hop = _other_hop({"front_end": cls.model_fields["front_end"].default, **values})
        values.setdefault("frames", max(_FRAMES * _HOP // (hop or _HOP), 1))
        if hop and backbone == "speechformer" and isinstance(values["backbone_options"], dict):
            values["backbone_options"] = {"hop": hop / _SAMPLE_RATE, **values["backbone_options"]}
        return values


def _other_hop(values: dict[str, Any]) -> int | None:
    """The front end's hop in samples, if one is given."""
    front_end = values.get("front_end")
    hop = front_end.get("hop_length") if isinstance(front_end, dict) else None
    # What is no hop is for the front end to refuse.
    return hop if isinstance(hop, int) and hop > 0 else None
