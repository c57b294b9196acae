import numpy as np
import pytest
from matplotlib.image import imread

from recipes.common.results.metrics import evaluate
from recipes.common.results.plots import plot_confusion, plot_curves

TEXTS = {"title": "M3ED, test", "subtitle": "official split"}
HISTORY = [
    {"epoch": i, "loss": 2 / i, "val_loss": 2.1 / i, "val_wf1": 0.5 - 0.1 / i} for i in (1, 2, 3)
]


def drawn(path):
    """The pixels of a picture that is there, alone."""
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    return imread(path)[..., :3]


def test_curves_of_the_recipes_own_metric(tmp_path):
    path = tmp_path / "curves.png"
    plot_curves(path, HISTORY, chosen=3, select_on="wf1", **TEXTS)
    three = drawn(path)
    plot_curves(path, HISTORY[:1], chosen=1, select_on="wf1", **TEXTS)
    assert drawn(path).shape == three.shape
    assert not np.array_equal(drawn(path), three)
    with pytest.raises(KeyError, match="val_ua"):
        plot_curves(path, HISTORY, chosen=3, **TEXTS)


def test_a_chosen_epoch_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="Received: chosen=4"):
        plot_curves(tmp_path / "curves.png", HISTORY, chosen=4, select_on="wf1", **TEXTS)
    assert list(tmp_path.iterdir()) == []


def test_confusion_leaves_the_row_of_an_absent_class_empty(tmp_path):
    labels = ("negative", "positive")
    paths = {}
    for name, truth in (("both", [0, 0, 1]), ("one", [0, 0, 0])):
        path = tmp_path / name / "confusion.png"
        path.parent.mkdir()
        plot_confusion(path, evaluate(truth, [0, 1, 1], labels), labels, **TEXTS)
        paths[name] = drawn(path)
    dark = {name: (pixels.mean(axis=2) < 0.4) for name, pixels in paths.items()}
    # The lower half of the matrix, without labels and colour bar.
    height, width = dark["one"].shape
    lower = np.s_[int(0.55 * height) : int(0.85 * height), int(0.15 * width) : int(0.7 * width)]
    assert not dark["one"][lower].any()
    assert dark["both"][lower].any()


def test_long_names_do_not_run_into_each_other(tmp_path):
    labels = ("neither of them", "happy or excited", "angry or frustrated")
    plot_confusion(tmp_path / "c.png", evaluate([0, 1, 2], [0, 1, 2], labels), labels, **TEXTS)
    height, width, _ = drawn(tmp_path / "c.png").shape
    assert width > height
