"""What comes with the exported model: golden vectors, model card; and the shipped copy."""

import shutil
from collections import Counter
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
from recipes.common.features import SAMPLE_RATE
from recipes.common.files.folders import replaced
from recipes.common.latency import Latency
from recipes.quickstart.corpus import Corpus
from recipes.quickstart.evaluation import Variant, evaluate_variants

PRETRAINED = Path(keras_reparam.__file__).parent / "pretrained"
FILES = {kind: file_name(kind) for kind in ("float32", "int8")}


def golden_clips(corpus: Corpus, probabilities: np.ndarray, window: int) -> dict:
    """The clearest six test clips that fit into the model's window, by name.

    They are of the first corpus, whose recordings may be passed on without conditions.
    """
    of_first = corpus.by_source(corpus.test)[corpus.sources[0].title]
    clips = [corpus.test[i] for i in of_first]
    chosen = clearest(
        [clip.label for clip in clips],
        [clip.segment.speaker for clip in clips],
        probabilities[of_first],
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
    clips = golden_clips(corpus, variants[-1].probabilities, window)
    models = {kind: folder / name for kind, name in FILES.items()}
    write_checked_golden(folder / GOLDEN, clips, models)
    write_model_card(folder / CARD, model_card(corpus, variants, latencies, facts))


def model_card(
    corpus: Corpus, variants: list[Variant], latencies: list[Latency], facts: dict
) -> ModelCard:
    """The card of the model, from what was measured."""
    languages = " and ".join(source.language for source in corpus.sources)
    tested = {clip.segment.speaker for clip in corpus.test}
    return ModelCard(
        name=f"Four emotions in {languages} acted speech: light ConvTransformer",
        summary=(
            "Takes four seconds of speech as a waveform and gives the probabilities of "
            f"{', '.join(corpus.labels)}. {INSIDE}"
        ),
        intended_use=f"To show the whole way from recordings to a phone, {ANY_PURPOSE}.",
        limits=[
            *(f"{source.title}: {source.speech}." for source in corpus.sources),
            f"All of it is acted, in {languages}. Spontaneous speech, other languages, children, "
            "noise and other microphones are untested; expect far lower scores.",
            "It always answers with one of four classes, also for music, noise or an emotion that "
            "is none of them. Probabilities are not calibrated.",
            f"Tested on {len(corpus.test):,} clips of {len(tested)} people: a difference "
            "of a few percent between two rows or two models means nothing.",
            "UA female and UA male are of few speakers each; other groups of people were not "
            "measured.",
            NOT_FOR_DECISIONS,
        ],
        data=" ".join(_data(corpus)),
        protocol=(
            f"Speaker-independent. Training: {_who(corpus, 'train')}. "
            f"Validation, which chose the epoch ({facts['chosen']} of {facts['epochs']}): "
            f"{_who(corpus, 'validation')}. Test, read by the last evaluation alone: "
            f"{_who(corpus, 'test')}. Settings were chosen "
            f"on training and validation speakers. {_heard(corpus)}{SCORES} "
            f"{METRICS.format('clips')}"
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
            card_row(v.name, v.figures, v.metrics, v.by_sex, latency)
            for v, latency in zip(variants, latencies, strict=True)
        ],
        measured_on=f"{facts['machine']}. {MEASURED}",
        licence=_licence(corpus),
        made_by=facts["command"],
    )


def _licence(corpus: Corpus) -> str:
    """The terms of each corpus, after what all of them have in common."""
    terms = [source.licence for source in corpus.sources]
    if len(terms) == 1:
        return terms[0]
    first = "Apache License 2.0, as the software."
    named_terms = (f"{s.title}: {s.licence.removeprefix(first).strip()}" for s in corpus.sources)
    return " ".join([first, *named_terms])


def _data(corpus: Corpus) -> list[str]:
    """What every corpus gives, a sentence each."""
    clips = [clip for found in corpus.splits().values() for clip in found]
    sentences = []
    for source in corpus.sources:
        mine = [clips[i].segment for i in corpus.by_source(clips)[source.title]]
        actors = len({segment.speaker for segment in mine})
        sentences.append(
            f"{source.title}, {source.source}, {source.recordings}: {len(mine):,} clips of "
            f"{', '.join(corpus.labels)} by {actors} actors."
        )
    return sentences


def _who(corpus: Corpus, split: str) -> str:
    clips = corpus.splits()[split]
    return "; ".join(
        f"{title} {named([clips[i].segment.speaker for i in which], len(which))}"
        for title, which in corpus.by_source(clips).items()
    )


def _heard(corpus: Corpus) -> str:
    """Which clips an epoch hears more than once, if any."""
    times = Counter(corpus.heard())
    found = {source: times[which[0]] for source, which in corpus.by_source(corpus.train).items()}
    return "".join(
        f"{title}'s training clips were heard {count} times in an epoch. "
        for title, count in found.items()
        if count > 1
    )


def install(folder: Path, corpus: Corpus, variants: list[Variant]) -> Path:
    """Copies the model, its card and its golden vectors to where the package looks for them.

    Raises:
        ValueError: If the model that is there is better on the test clips of any corpus.
    """
    (before,) = evaluate_variants({}, {"int8": PRETRAINED / FILES["int8"]}, corpus)
    for title, metrics in before.by_source.items():
        worst = min(variant.by_source[title].ua for variant in variants)
        if worst < metrics.ua:
            raise ValueError(
                "The model that comes with the package is replaced only by one that is no worse "
                f"on any corpus. Received: UA {worst:.1%} on {title}, and it has {metrics.ua:.1%}; "
                f"the results lie in '{folder}', and the package's model is as it was"
            )
    with replaced(PRETRAINED) as beside:
        for name in (*FILES.values(), CARD):
            shutil.copyfile(folder / name, beside / name)
        shutil.copytree(folder / GOLDEN, beside / GOLDEN)
    return PRETRAINED
