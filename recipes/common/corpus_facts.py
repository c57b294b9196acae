"""What a model card must know of a corpus."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class CorpusFacts:
    """A corpus in words, for the card of a model trained on it. Every text is Markdown.

    Attributes:
        title: As in `"EmoDB"`.
        source: What it is and who made it, without the title.
        task: What the classes are, as in `"Emotions in German acted speech"`.
        language: As in `"German"`.
        acted: Whether what is heard was acted; `None` where that is not known.
        speech: Who speaks, where, and what, as in `"actors who speak ten sentences"`.
        recordings: License of the recordings, as in `"CC0 1.0"`.
        license: Terms of use of a model that was trained on them, in sentences.
        shareable: Whether recordings may be passed on to anybody.
        warnings: Further limits of a model, in sentences.
    """

    title: str
    source: str
    task: str
    language: str
    acted: bool | None
    speech: str
    recordings: str
    license: str
    shareable: bool
    warnings: tuple[str, ...] = ()


def research_only(title: str) -> str:
    """The terms of use of a model, where the corpus needs a signed license."""
    return (
        f"For non-commercial research alone, as {title}'s license, which whoever trained the model "
        "has signed, allows no other use of the recordings; read it before the model is passed on. "
        "The recordings must not be passed on. The software is under the Apache License 2.0."
    )
