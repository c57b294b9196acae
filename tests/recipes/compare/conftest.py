"""Fixtures of the tests of comparisons."""

import pytest

from tests.recipes.copies import small_custom

# As small as the backbone can be: compiling costs more than its steps.
TINY = {
    "channels": 4,
    "units": 8,
    "num_layers": 1,
    "num_heads": 2,
    "feed_forward_units": 16,
    "norm_first": True,
}
SETTINGS = {
    "backbone_options": TINY,
    "frames": 100,
    "batch_size": 4,
    "epochs": 3,
    "diagnostics": True,
}


@pytest.fixture(scope="session")
def prepared(tmp_path_factory, emodb4):
    """Folder that holds a small corpus, prepared as `custom`."""
    root = tmp_path_factory.mktemp("corpora")
    (root / "data").mkdir()
    small_custom.prepare(root / "data", root / "custom", emodb4)
    return root
