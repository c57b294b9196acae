"""Where what was downloaded is kept from one run to the next."""

import os
from pathlib import Path


def user_cache() -> Path:
    """This package's folder in the user's cache.

    Reference: https://specifications.freedesktop.org/basedir-spec/latest/ (a relative
    `XDG_CACHE_HOME` is invalid and ignored).
    """
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if os.path.isabs(named) else Path.home() / ".cache"
    return base / "keras-reparam"
