"""What comes with the exported model: golden vectors, model card; and the shipped copy."""

import shutil
from pathlib import Path

import numpy as np

import keras_reparam
from keras_reparam.deploy import ModelCard, write_model_card
from recipes.common.deployment.card import (
    ANY_PURPOSE,
    INSIDE,
    MEASURED,
    METRICS,
    NOT_FOR_DECISIONS,
    SCORES,
    named,
    trained_with,
)
from recipes.common.deployment.figures import card_row
from recipes.common.deployment.golden import clearest, write_checked_golden
from recipes.common.deployment.names import CARD, GOLDEN, file_name
from recipes.common.features import SAMPLE_RATE, Clip
from recipes.common.files.folders import replaced
from recipes.common.latency import Latency
from recipes.quickstart.corpus import Corpus
from recipes.quickstart.evaluation import Variant

PRETRAINED = Path(keras_reparam.__file__).parent / "pretrained"
FILES = {kind: file_name(kind) for kind in ("float32", "int8")}


def golden_clips(clips: list[Clip], probabilities: np.ndarray, window: int) -> dict:
    """The clearest six of the clips that fit into the model's window, by name."""
    chosen = clearest(
        [clip.label for clip in clips],
        [clip.segment.speaker for clip in clips],
        probabilities,
        [len(clip.samples) <= window for clip in clips],
    )
    return {clips[i].segment.id: clips[i].samples for i in chosen}


def write_package(
    folder: Path,
    corpus: Corpus,
    variants: list[Variant],
    latencies: list[Latency],
    facts: dict,
) -> None:
    """Writes golden vectors and model card beside the `.tflite` files in `folder`."""
    window = facts["window"]
    clips = golden_clips(corpus.test, variants[-1].probabilities, window)
    models = {kind: folder / name for kind, name in FILES.items()}
    write_checked_golden(folder / GOLDEN, clips, models)
    write_model_card(folder / CARD, model_card(corpus, variants, latencies, facts))


def model_card(
    corpus: Corpus, variants: list[Variant], latencies: list[Latency], facts: dict
) -> ModelCard:
    """The card of the model, from what was measured."""
    speakers = {
        name: sorted({clip.segment.speaker for clip in clips})
        for name, clips in corpus.splits().items()
    }
    clips = [clip.segment for clips in corpus.splits().values() for clip in clips]
    actors = len({clip.speaker for clip in clips})
    texts = len({clip.text_id for clip in clips})
    return ModelCard(
        name="Four emotions in German acted speech: light ConvTransformer",
        summary=(
            "Takes four seconds of speech as a waveform and gives the probabilities of "
            f"{', '.join(corpus.labels)}. {INSIDE}"
        ),
        intended_use=f"To show the whole way from recordings to a phone, {ANY_PURPOSE}.",
        limits=[
            f"Trained on {len(speakers['train'])} people who act emotions in a studio, in German, "
            f"with {texts} sentences that mean nothing emotional. Spontaneous speech, other "
            "languages, children, noise and other microphones are untested; expect far lower "
            "scores.",
            "It always answers with one of four classes, also for music, noise or an emotion that "
            "is none of them. Probabilities are not calibrated.",
            f"Tested on {len(corpus.test)} clips of {len(speakers['test'])} people: a difference "
            "of a few percent between two rows or two models means nothing.",
            "UA female and UA male are of few speakers each; other groups of people were not "
            "measured.",
            NOT_FOR_DECISIONS,
        ],
        data=(
            "EmoDB, the Berlin Database of Emotional Speech (Burkhardt et al., Interspeech 2005), "
            f"CC0 1.0: {len(clips)} clips of {', '.join(corpus.labels)} by {actors} actors. "
            "Recorded in an anechoic chamber; here as Ogg Opus at 16 kHz (recipes/data/emodb4)."
        ),
        protocol=(
            f"Speaker-independent. Training: {named(speakers['train'], len(corpus.train))}. "
            f"Validation, which chose the epoch ({facts['chosen']} of {facts['epochs']}): "
            f"{named(speakers['validation'], len(corpus.validation))}. Test, read by the last "
            f"evaluation alone: {named(speakers['test'], len(corpus.test))}. Settings were chosen "
            f"on training and validation speakers. {SCORES} {METRICS.format('clips')}"
        ),
        architecture=(
            f"ConvTransformer, size light: {facts['merged_parameters']:,} parameters. "
            f"{trained_with(facts['training_parameters'], facts['expansion'])}"
        ),
        kinds=list(FILES),
        labels=corpus.labels,
        sample_rate=SAMPLE_RATE,
        window=facts["window"],
        metrics=[
            card_row(v.name, {"UA": v.metrics.ua, "WA": v.metrics.wa}, v.metrics, v.by_sex, latency)
            for v, latency in zip(variants, latencies, strict=True)
        ],
        measured_on=f"{facts['machine']}. {MEASURED}",
        licence="Apache License 2.0, as the software. The recordings are CC0 1.0.",
        made_by="python -m recipes.quickstart --install",
    )


def install(folder: Path) -> Path:
    """Copies the model, its card and its golden vectors to where the package looks for them."""
    with replaced(PRETRAINED) as beside:
        for name in (*FILES.values(), CARD):
            shutil.copyfile(folder / name, beside / name)
        shutil.copytree(folder / GOLDEN, beside / GOLDEN)
    return PRETRAINED
