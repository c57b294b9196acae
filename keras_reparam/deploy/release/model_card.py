"""The model card: what a model is, how good it is, and what it must not be used for."""

import dataclasses
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keras_reparam._utils.files import checked_target, write_bytes
from keras_reparam.deploy.release.card_header import yaml_header
from keras_reparam.deploy.tflite.kinds import KINDS

_ALWAYS = {
    "library_name": "keras-reparam",
    "pipeline_tag": "audio-classification",
    "tags": ["tflite", "litert", "speech-emotion-recognition", "high-rank-factorization"],
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelCard:
    """The facts of a model card. Every text is Markdown; none may be empty.

    The card begins with a header in YAML that Hugging Face reads.

    Args:
        name: Name of the model.
        summary: What it does, in a sentence or two.
        intended_use: What it is for.
        limits: What it can't do, or must not be used for: one entry each.
        data: What it was trained on: corpus, speakers, clips, license of the recordings.
        protocol: Which speakers trained, validated and tested it, and how the model was chosen.
        architecture: The network and its parameters.
        kinds: Quantization kinds of the files, of those of `keras_reparam.export_tflite`.
        labels: Classes in the order of the scores.
        sample_rate: Samples per second of the input.
        window: Samples that it takes at once.
        metrics: One row per variant; the columns are the keys of the first one, for instance
            `{"variant": "int8", "UA": "70.1 %", "size": "380 KB"}`.
        measured_on: The machine and versions that the speed figures are of.
        license: Terms of use of the model.
        made_by: The command that makes it.
        output: What the scores are; `{labels}` stands for the labels.
        header: What the header holds besides library, task and tags: `license`, `datasets`,
            `model-index` and the like, as Hugging Face names them.
    """

    name: str
    summary: str
    intended_use: str
    limits: Sequence[str]
    data: str
    protocol: str
    architecture: str
    kinds: Sequence[str]
    labels: Sequence[str]
    sample_rate: int
    window: int
    metrics: Sequence[dict[str, str]]
    measured_on: str
    license: str
    made_by: str
    header: Mapping[str, Any]
    output: str = "probabilities of {labels}, in this order"

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if not getattr(self, field.name):
                raise ValueError(
                    f"A model card must say something about `{field.name}`. "
                    f"Received: {field.name}={getattr(self, field.name)!r}"
                )
        unknown = sorted(set(self.kinds) - set(KINDS))
        if unknown:
            raise ValueError(
                f"`kinds` must be among {', '.join(map(repr, KINDS))}. Received: {unknown}"
            )
        columns = list(self.metrics[0])
        for row in self.metrics:
            if list(row) != columns:
                raise ValueError(
                    f"Every row of `metrics` must have the columns {columns}. Received: {list(row)}"
                )

    def markdown(self) -> str:
        """The card's text."""
        return "\n".join(
            [
                yaml_header({**_ALWAYS, **self.header}),
                "",
                f"# {self.name}",
                "",
                self.summary,
                "",
                "## Intended use",
                self.intended_use,
                "",
                "## Limits",
                *(f"- {limit}" for limit in self.limits),
                "",
                "## Input and output",
                f"- Input: float32 `[1, {self.window}]`, mono samples between -1 and 1 at "
                f"{self.sample_rate} Hz ({self.window / self.sample_rate:g} s); a shorter clip is "
                "followed by zeros.",
                f"- Output: float32 `[1, {len(self.labels)}]`, "
                f"{self.output.replace('{labels}', ', '.join(self.labels))}.",
                "",
                "## Model",
                self.architecture,
                "",
                "## Quantization kinds",
                *(f"- `{kind}`: {KINDS[kind]}" for kind in self.kinds),
                "",
                "## Data",
                self.data,
                "",
                "## Protocol",
                self.protocol,
                "",
                "## Results",
                markdown_table(list(self.metrics[0]), ([*row.values()] for row in self.metrics)),
                "",
                f"Measured on: {self.measured_on}",
                "",
                "## License",
                self.license,
                "",
                "## How it was made",
                f"    {self.made_by}",
                "",
            ]
        )


def write_model_card(path: str | os.PathLike, card: ModelCard) -> Path:
    """Writes the card as a Markdown file.

    Args:
        path: The file, ending with `.md`.
        card: What it says.

    Returns:
        The file's path.
    """
    target = checked_target(path, ".md")
    write_bytes(target, card.markdown().encode())
    return target


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown, a row per line."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|")
