"""Fixtures of the tests of comparisons."""

import pytest


@pytest.fixture(scope="module")
def prepared(prepared, tmp_path_factory):
    """Folder that holds a small corpus, prepared as `custom`."""
    root = tmp_path_factory.mktemp("corpora")
    (root / "custom").symlink_to(prepared)
    return root
