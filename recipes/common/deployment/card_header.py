"""What Hugging Face reads of a recipe's model, for the header of its card."""

from collections.abc import Sequence
from typing import Any

from recipes.common.corpus_facts import CorpusFacts
from recipes.common.deployment.measured import Measured
from recipes.common.protocol.task import Task

_LANGUAGES = {"German": "de", "English": "en", "Mandarin": "zh"}


def card_header(title: str, corpus: CorpusFacts, forms: Sequence[Measured]) -> dict[str, Any]:
    """License, languages, data and scores: those of the int8 file, or else of the last form.

    Args:
        title: Name of the model.
        corpus: What it was trained on.
        forms: What was measured.
    """
    form = next((form for form in forms if form.name == "int8"), forms[-1])
    scores = form.by_corpus or {corpus.title: form.results}
    return header(title, corpus, form.predictions.task, form.name, scores)


def header(
    title: str, corpus: CorpusFacts, task: Task, form: str, scores: dict[str, Any]
) -> dict[str, Any]:
    """The same of one form's scores by corpus."""
    metrics = {name: task.header_metrics(found) for name, found in scores.items()}
    languages = [code for name, code in _LANGUAGES.items() if name in corpus.language]
    return {
        "license": "apache-2.0" if corpus.shareable else "other",
        **({"language": languages} if languages else {}),
        "datasets": list(scores),
        "metrics": [each["type"] for each in next(iter(metrics.values()))],
        "model-index": [
            {"name": title, "results": [_result(*item, task, form) for item in metrics.items()]}
        ],
    }


def _result(corpus: str, metrics: list[dict[str, Any]], task: Task, form: str) -> dict[str, Any]:
    return {
        "task": {"type": "audio-classification", "name": task.field},
        "dataset": {"type": corpus, "name": f"{corpus}, speakers held out"},
        "metrics": [{**each, "name": f"{each['name']}, {form}"} for each in metrics],
    }
