"""What comes with the exported model: golden vectors, model card; and the shipped copy."""

import shutil
from pathlib import Path

import numpy as np

import keras_reparam
from keras_reparam.deploy import ModelCard, check_golden, write_golden, write_model_card
from recipes.common.features import SAMPLE_RATE, Clip
from recipes.common.folders import replaced
from recipes.common.latency import Latency
from recipes.quickstart.corpus import Corpus
from recipes.quickstart.evaluation import Variant

PRETRAINED = Path(keras_reparam.__file__).parent / "pretrained"
FILES = {"float32": "ser_float32.tflite", "int8": "ser_int8.tflite"}
CARD, GOLDEN = "MODEL_CARD.md", "golden"
_GOLDEN_CLIPS = 6


def golden_clips(clips: list[Clip], probabilities: np.ndarray, window: int) -> dict:
    """Six of the clips that fit into the model's window, by name.

    They come from every emotion and speaker in turn; of each the one whose best class is clearest,
    so that a runtime's rounding can't exchange the best two.
    """
    margins = np.diff(np.sort(probabilities, axis=1)[:, -2:])[:, 0]
    clearest: dict[tuple[int, str], int] = {}
    for i in np.argsort(-margins, kind="stable"):
        if len(clips[i].samples) <= window:
            clearest.setdefault((clips[i].label, clips[i].segment.speaker), int(i))
    # Another speaker for every emotion in turn, then what is left.
    speakers = sorted({speaker for _, speaker in clearest})
    order = sorted(
        clearest,
        key=lambda found: ((speakers.index(found[1]) - found[0]) % len(speakers), found[0]),
    )
    chosen = [clips[clearest[key]] for key in order[:_GOLDEN_CLIPS]]
    return {clip.segment.id: clip.samples for clip in chosen}


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
    write_golden(folder / GOLDEN, clips, models)
    if not check_golden(folder / GOLDEN, models).passed:
        raise ValueError("The golden vectors don't hold on this machine. Run the command again.")
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
            f"{', '.join(corpus.labels)}. The log-mel front end, the labels and the sample rate "
            "are inside the file."
        ),
        intended_use=(
            "To show the whole way from recordings to a phone, to test runtimes and apps, and as a "
            "start for models trained on recordings of your own purpose."
        ),
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
            "Not for decisions about people: employment, education, insurance, policing, medicine "
            "or any other. In the European Union emotion recognition at work and in education is "
            "prohibited but for medical or safety reasons (Regulation 2024/1689, Article 5).",
        ],
        data=(
            "EmoDB, the Berlin Database of Emotional Speech (Burkhardt et al., Interspeech 2005), "
            f"CC0 1.0: {len(clips)} clips of {', '.join(corpus.labels)} by {actors} actors. "
            "Recorded in an anechoic chamber; here as Ogg Opus at 16 kHz (recipes/data/emodb4)."
        ),
        protocol=(
            f"Speaker-independent. Training: {_named(speakers['train'], corpus.train)}. "
            f"Validation, which chose the epoch ({facts['chosen']} of {facts['epochs']}): "
            f"{_named(speakers['validation'], corpus.validation)}. Test, read by the last "
            f"evaluation alone: {_named(speakers['test'], corpus.test)}. Settings were chosen on "
            "training and validation speakers. A clip's scores are the mean over "
            "half-overlapping windows. UA: mean recall of the classes; WA: share of right clips."
        ),
        architecture=(
            f"ConvTransformer, size light: {facts['merged_parameters']:,} parameters. Trained with "
            f"HRF (expansion {facts['expansion']}, {facts['training_parameters']:,} parameters), "
            "merged into plain layers in float64 before export."
        ),
        kinds=list(FILES),
        labels=corpus.labels,
        sample_rate=SAMPLE_RATE,
        window=facts["window"],
        metrics=[_row(v, latency) for v, latency in zip(variants, latencies, strict=True)],
        measured_on=f"{facts['machine']}. Latency: median for one window, one thread.",
        licence="Apache License 2.0, as the software. The recordings are CC0 1.0.",
        made_by="python -m recipes.quickstart --install",
    )


def _named(speakers: list[str], clips: list[Clip]) -> str:
    return f"speakers {', '.join(speakers)} ({len(clips)} clips)"


def _row(variant: Variant, latency: Latency) -> dict[str, str]:
    metrics = variant.metrics
    recalls = {
        f"recall {label}": "-" if recall is None else f"{recall:.1%}"
        for label, recall in metrics.recall.items()
    }
    return {
        "variant": variant.name,
        "UA": f"{metrics.ua:.1%}",
        "WA": f"{metrics.wa:.1%}",
        **recalls,
        **{f"UA {sex}": f"{found.ua:.1%}" for sex, found in variant.by_sex.items()},
        "size": f"{latency.size / 1000:,.0f} kB",
        "latency": f"{latency.median:.2f} ms",
    }


def install(folder: Path) -> Path:
    """Copies the model, its card and its golden vectors to where the package looks for them."""
    with replaced(PRETRAINED) as beside:
        for name in (*FILES.values(), CARD):
            shutil.copyfile(folder / name, beside / name)
        shutil.copytree(folder / GOLDEN, beside / GOLDEN)
    return PRETRAINED
