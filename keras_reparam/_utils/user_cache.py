"""Where what was downloaded is kept from one run to the next."""

from pathlib import Path

import platformdirs


def user_cache() -> Path:
    """This package's folder in the user's cache, where the system has it."""
    return platformdirs.user_cache_path("keras-reparam", appauthor=False)
