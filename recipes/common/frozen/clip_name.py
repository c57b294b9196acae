"""What a clip's features are called."""

from pathlib import PurePosixPath

from recipes.common.manifest import Segment


def clip_name(segment: Segment) -> str:
    """The manifest's path without suffix; of a part of a file the manifest's id.

    What leads out of a folder is left out: a root, and `..`.

    Example:

    >>> rest = ("speaker", "sex", "label", "split", "fold", "session", "text_id")
    >>> rest = dict.fromkeys(rest, "")
    >>> clip_name(Segment(id="x", path="wav/03a01.wav", start=None, end=None, **rest))
    'wav/03a01'
    >>> clip_name(Segment(id="300_12", path="300_AUDIO.wav", start=3.5, end=5.0, **rest))
    '300_12'
    """
    if segment.start is None and segment.end is None:
        name = PurePosixPath(segment.path).with_suffix("")
    else:
        name = PurePosixPath(segment.id)
    return "/".join(part for part in name.parts if part not in (name.root, ".."))
