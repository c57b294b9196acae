"""The model card of a recipe's run, from its facts and from what was measured."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from keras_reparam.deploy import ModelCard
from recipes.common.deployment.card_header import card_header
from recipes.common.deployment.figures import card_row
from recipes.common.deployment.measured import Measured
from recipes.common.deployment.model_facts import ModelFacts
from recipes.common.names import FEATURES_IN, file_name
from recipes.common.protocol.fold import Example, Fold
from recipes.common.protocol.task import Task
from recipes.common.results.calibration import Calibration
from recipes.common.scoring.waveform_model import WaveformModel

# More speakers than this are counted, not named.
_MOST_NAMED = 12

ANY_PURPOSE = (
    "to test runtimes and apps, and as a start for models trained on recordings of your own purpose"
)
NOT_FOR_DECISIONS = (
    "Not for decisions about people: employment, education, insurance, policing, medicine or any "
    "other. In the European Union emotion recognition at work and in education is prohibited but "
    "for medical or safety reasons (Regulation 2024/1689, Article 5)."
)
SCORES = "A clip's scores are the mean over half-overlapping windows, weighed by the sound in them."
INSIDE = "The log-mel front end, the labels and the sample rate are inside the file."
MEASURED = "Latency: median for one window, one thread."
_RULES = {
    "mean": "A decision's scores are the mean over its clips.",
    "vote": "What is decided is the class of most of its clips.",
}


def named(speakers: Iterable[str], clips: int) -> str:
    """Who speaks in so many clips, in a few words.

    Example:

    >>> named(["b", "a", "a"], 3)
    'speakers a, b (3 clips)'
    """
    speakers = sorted(set(speakers))
    if len(speakers) > _MOST_NAMED:
        return f"{len(speakers):,} speakers ({clips:,} clips)"
    return f"speakers {', '.join(speakers)} ({clips:,} clips)"


def trained_with(parameters: int, expansion: int) -> str:
    """How HRF made a light model."""
    return (
        f"Trained with HRF (expansion {expansion}, {parameters:,} parameters), merged into plain "
        "layers in float64 before export."
    )


def title_of(model: WaveformModel, facts: ModelFacts, task: Task) -> str:
    """Name of the model, for people."""
    return f"{task.titled(facts.corpus.task)}: {facts.size} {type(model.backbone).__name__}"


def model_card(
    model: WaveformModel,
    fold: Fold,
    split: str,
    task: Task,
    forms: Sequence[Measured],
    facts: ModelFacts,
    *,
    kinds: Sequence[str],
    rule: str,
    calibrated: int,
    golden: bool,
    machine: str,
) -> ModelCard:
    """The card.

    Args:
        model: The model.
        fold: Who trained, validated and tested it.
        split: The split of `fold.tests` that they were scored on.
        task: What it tells.
        forms: What was measured, Keras first.
        facts: What else is known.
        kinds: Of the files.
        rule: How the clips of a decision become one, as in `decide`.
        calibrated: Number of training clips that calibrated them; 0: no kind needs any.
        golden: Whether there are golden vectors.
        machine: What the latency was measured on.
    """
    corpus = facts.corpus
    rate = model.log_mel.sample_rate
    return ModelCard(
        name=title_of(model, facts, task),
        summary=(
            f"Takes {model.window / rate:g} seconds of speech as a waveform and gives "
            f"{task.answers}. {INSIDE}"
        ),
        intended_use=f"Research: to repeat experiments on {corpus.title}, {ANY_PURPOSE}.",
        limits=[
            *_limits(fold.tests[split], fold, task, forms[0], facts),
            NOT_FOR_DECISIONS,
            *corpus.warnings,
        ],
        data=_data(fold, task, facts),
        protocol=_protocol(fold, split, task, facts, rule, calibrated),
        architecture=_architecture(model, facts, kinds),
        kinds=kinds,
        labels=task.names,
        output=task.output,
        sample_rate=rate,
        window=model.window,
        metrics=[_row(form, facts.calibration) for form in forms],
        measured_on=f"{machine}. {MEASURED}",
        license=_license(facts, golden),
        made_by=facts.command,
        header=card_header(title_of(model, facts, task), corpus, forms),
    )


def splits_of(fold: Fold) -> dict[str, tuple[Example, ...]]:
    """The examples of every split of a fold by its name."""
    return {"training" if name == "train" else name: e for name, e in fold.splits.items()}


def _speakers(examples: Iterable[Example]) -> set[str]:
    return {example.speaker for example in examples}


def _limits(
    tests: Sequence[Example],
    fold: Fold,
    task: Task,
    measured: Measured,
    facts: ModelFacts,
) -> list[str]:
    corpus, results = facts.corpus, measured.results
    untested = "Other languages, children, real rooms and other microphones are untested"
    if corpus.acted:
        untested = f"Speech that is not acted, {untested[0].lower()}{untested[1:]}"
    sexes = "Women and men" if results.by_sex else "No groups of people"
    return [
        f"Trained on {len(_speakers(fold.train)):,} speakers, in {corpus.language}: "
        f"{corpus.speech}. {untested}; expect far lower scores.",
        task.limits,
        *_calibrated(fold, task, facts.calibration),
        f"Tested on {results.clips:,} {unit_of(tests)} of {results.speakers:,} speakers: "
        f"{_chance(results, task)}",
        f"{sexes} were measured apart{'; other groups were not' if results.by_sex else ''}.",
        *results.notes,
    ]


def _row(form: Measured, calibration: Calibration | None) -> dict[str, str]:
    sure = None if calibration is None else form.sure_answers(calibration.unsure_below)
    task, results = form.predictions.task, form.results
    return card_row(form.name, task, form.figures, results, results.by_sex, form.latency, sure=sure)


def _calibrated(fold: Fold, task: Task, calibration: Calibration | None) -> list[str]:
    if calibration is None:
        return [f"{task.given} are not calibrated."]
    people = named((e.speaker for e in fold.validation), len(fold.validation))
    return [
        f"Probabilities are calibrated by one temperature, {calibration.temperature:.2f}, on the "
        f"validation split alone, {people}: ECE {calibration.ece['before']:.1%} before, "
        f"{calibration.ece['after']:.1%} after. On other recordings they may be far off.",
        "An answer whose highest probability is below "
        f"{calibration.unsure_below:.2f} is unsure. On the validation split "
        f"{calibration.sure['coverage']:.1%} of the answers were sure, and "
        f"{calibration.sure['accuracy']:.1%} of those right; for the test split see the table "
        "('sure: coverage', 'sure: accuracy').",
    ]


def _chance(results: Any, task: Task) -> str:
    if results.intervals:
        name, figure = next(iter(task.figures.items()))
        low, high = map(figure.text, results.intervals[name])
        return f"the 95 % interval of Keras's {figure.name}, over speakers, is {low} to {high}."
    return task.chance(results.clips)


def unit_of(examples: Sequence[Example]) -> str:
    """What is decided about, in a word."""
    return "clips" if len({e.decision for e in examples}) == len(examples) else "decisions"


def _data(fold: Fold, task: Task, facts: ModelFacts) -> str:
    corpus = facts.corpus
    examples = [example for found in splits_of(fold).values() for example in found]
    acted = {True: " Acted.", False: " Not acted.", None: ""}[corpus.acted]
    title = corpus.title[0].upper() + corpus.title[1:]
    return (
        f"{title}, {corpus.source}; recordings: {corpus.recordings}. Here {len(examples):,} "
        f"clips of {', '.join(task.names)} by {len(_speakers(examples)):,} speakers, in "
        f"{corpus.language}.{acted}"
    )


def _protocol(
    fold: Fold, split: str, task: Task, facts: ModelFacts, rule: str, calibrated: int
) -> str:
    told = [
        f"Speaker-independent, fold '{fold.name}'. {facts.protocol}",
        *(
            f"{name.capitalize()}: {named((e.speaker for e in examples), len(examples))}."
            for name, examples in splits_of(fold).items()
        ),
        f"The results are those of '{split}', of each file by itself.",
    ]
    if calibrated:
        told.append(f"Integer ranges were measured on {calibrated} training clips.")
    told.append(SCORES)
    unit = unit_of(fold.tests[split])
    if unit != "clips":
        told.append(_RULES[rule])
    return " ".join([*told, task.measures.format(unit)])


def _architecture(model: WaveformModel, facts: ModelFacts, kinds: Iterable[str]) -> str:
    parameters = f"{model.backbone.count_params():,} parameters"
    how = "Trained as it is, without HRF."
    if facts.expansion:
        how = trained_with(facts.training_parameters, facts.expansion)
    text = f"{type(model.backbone).__name__}, size {facts.size}: {parameters}. {how}"
    for kind in kinds:
        if kind in FEATURES_IN:
            shape = [1, *model.backbone.input_shape[1:]]
            text += (
                f" `{file_name(kind)}` takes log-mel features int8 `{shape}` in place of the "
                "waveform, without a mask, and gives int8."
            )
    return text


def _license(facts: ModelFacts, golden: bool) -> str:
    text = facts.corpus.license
    if golden and not facts.corpus.shareable:
        text += " The folder `golden` holds recordings of the corpus: do not pass it on."
    return text


def texts_in_file(model: WaveformModel, facts: ModelFacts, task: Task) -> Mapping[str, str]:
    """What a `.tflite` file itself says of the model."""
    hrf = f", with HRF (expansion {facts.expansion})" if facts.expansion else ""
    corpus = facts.corpus
    description = f"Trained on {corpus.title} ({corpus.language}){hrf}. {task.given} out."
    return {
        "name": title_of(model, facts, task),
        "description": " ".join([description, *corpus.warnings]),
        "license": corpus.license,
    }
