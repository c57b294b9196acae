"""What Hugging Face reads of a recipe's model, for the header of its card."""

from collections.abc import Sequence
from typing import Any

from recipes.common.corpus_facts import CorpusFacts
from recipes.common.deployment.measured import Measured
from recipes.common.results.metrics import Metrics

_LANGUAGES = {"German": "de", "English": "en", "Mandarin": "zh"}
# Its names of metrics for ours: UA is the mean recall of the classes, WA the share of right clips.
_METRICS = {"UA": "recall", "WA": "accuracy", "macro-F1": "f1"}


def card_header(title: str, corpus: CorpusFacts, forms: Sequence[Measured]) -> dict[str, Any]:
    """License, languages, data and scores: those of the int8 file, or else of the last form.

    Args:
        title: Name of the model.
        corpus: What it was trained on.
        forms: What was measured.
    """
    form = next((form for form in forms if form.name == "int8"), forms[-1])
    return header(title, corpus, form.name, form.by_corpus or {corpus.title: form.results})


def header(
    title: str, corpus: CorpusFacts, form: str, scores: dict[str, Metrics]
) -> dict[str, Any]:
    """The same of one form's scores by corpus."""
    languages = [code for name, code in _LANGUAGES.items() if name in corpus.language]
    return {
        "license": "apache-2.0" if corpus.shareable else "other",
        **({"language": languages} if languages else {}),
        "datasets": list(scores),
        "metrics": list(_METRICS.values()),
        "model-index": [
            {"name": title, "results": [_result(*item, form) for item in scores.items()]}
        ],
    }


def _result(corpus: str, found: Metrics, form: str) -> dict[str, Any]:
    values = {"UA": found.ua, "WA": found.wa, "macro-F1": found.macro_f1}
    return {
        "task": {"type": "audio-classification", "name": "speech emotion recognition"},
        "dataset": {"type": corpus, "name": f"{corpus}, speakers held out"},
        "metrics": [
            {
                "type": kind,
                "name": f"{name} in percent, {form}",
                "value": round(100 * values[name], 1),
            }
            for name, kind in _METRICS.items()
        ],
    }
