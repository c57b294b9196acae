"""Pictures of a report: nothing is cut off, and no words cover others."""

import dataclasses
import itertools

import matplotlib.text
import pytest
from matplotlib.image import imread

from recipes.compare.report import degraded_plot, plots
from recipes.compare.report.comparison import comparisons_of
from recipes.compare.report.scores import groups_of
from recipes.compare.tables.degraded_score import DegradedScore
from recipes.compare.tables.epoch import Epoch
from tests.recipes.compare.made_up import lifelike, tables

LABELS = ("anger", "joy", "sadness", "neutral")
ABLATIONS = ("longer", "wider", "chained", "frozen")
LARGE = {"size": "large", "int8_bytes": 12_800_000, "macs": 2_900_000_000, "skill": 0.6}
FEW = [{"skill": 0.5}, {"skill": 0.7, "expansion": 4}]
MANY = [
    *FEW,
    *({"skill": 0.6, "expansion": r} for r in (2, 8)),
    *({"skill": 0.55, "expansion": 4, "ablation": ablation} for ablation in ABLATIONS),
    LARGE,
    {**LARGE, "expansion": 4},
]


def groups(conditions, **options):
    return groups_of(tables(lifelike(conditions, folds=2, seeds=2, **options), labels=LABELS))


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved."""
    found, save = [], plots.save

    def keep(figure, path):
        save(figure, path)
        found.append(figure)

    for module in (plots, degraded_plot):
        monkeypatch.setattr(module, "save", keep)
    return found


def check(figure, path):
    """No words are cut off, none cover others, and something is drawn."""
    # As large as on the screen, not as in the file.
    figure.draw_without_rendering()
    width, height = figure.bbox.width, figure.bbox.height
    ticks, beyond = [], []
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            # Those beyond the ends of an axis are not drawn.
            inside = low <= tick.get_loc() <= high
            (ticks if inside else beyond).extend((tick.label1, tick.label2))
    words = [
        (text, text.get_window_extent())
        for text in figure.findobj(matplotlib.text.Text)
        if text.get_visible() and text.get_text().strip() and text not in beyond
    ]
    for text, box in words:
        assert box.x0 >= -1 and box.x1 <= width + 1, text.get_text()
        assert box.y0 >= -1 and box.y1 <= height + 1, text.get_text()
    for (one, a), (other, b) in itertools.combinations(words, 2):
        if one not in ticks and other not in ticks:
            assert not a.padded(-1.5).overlaps(b.padded(-1.5)), (one.get_text(), other.get_text())
    pixels = imread(path)[..., :3]
    assert pixels.std() > 0.02


@pytest.mark.parametrize(("conditions", "count"), [(FEW, 1), (FEW + MANY[4:5], 2), (MANY, 12)])
@pytest.mark.slow
def test_differences(conditions, count, tmp_path, drawn):
    found = comparisons_of(groups(conditions))[:count]
    assert len(found) == count
    plots.plot_differences(tmp_path / "d.png", found)
    check(drawn[0], tmp_path / "d.png")


def test_differences_of_nothing_and_of_two_backbones(tmp_path, drawn):
    same = [{"skill": 1.0}, {"skill": 1.0, "expansion": 4}]
    both = groups(
        [
            {**condition, "backbone": name}
            for name in ("conformer", "speechformer")
            for condition in same
        ]
    )
    plots.plot_differences(tmp_path / "d.png", comparisons_of(both))
    check(drawn[0], tmp_path / "d.png")
    low, high = drawn[0].axes[0].get_xlim()
    assert low < 0 < high


@pytest.mark.parametrize("conditions", [FEW[:1], MANY])
def test_sizes(conditions, tmp_path, drawn):
    plots.plot_sizes(tmp_path / "s.png", groups(conditions))
    check(drawn[0], tmp_path / "s.png")
    (axes,) = drawn[0].axes
    # One mark per condition, none on another.
    marks = [container.lines[0].get_xydata()[0] for container in axes.containers]
    assert len(marks) == len(conditions)
    screen = axes.transData.transform(marks)
    assert all(abs(a[0] - b[0]) > 4 for a, b in itertools.combinations(screen, 2))


@pytest.mark.parametrize(("conditions", "epochs"), [(FEW[:1], 1), (MANY, 3)])
def test_learning_curves(conditions, epochs, tmp_path, drawn):
    (group,) = groups(conditions)
    runs = [run.result.run for condition in group.conditions for run in condition.runs.values()]
    # The first run stopped earlier: the condition is drawn as far as it went.
    curves = {
        name: [
            Epoch(run=name, epoch=i, loss=1 / i, val_loss=1, val_ua=0.1 * i)
            for i in range(1, epochs + (number > 0))
        ]
        or [Epoch(run=name, epoch=1, loss=1, val_loss=1, val_ua=0.1)]
        for number, name in enumerate(runs)
    }
    plots.plot_learning_curves(tmp_path / "c.png", group, curves)
    check(drawn[0], tmp_path / "c.png")
    line = drawn[0].axes[0].lines[0]
    assert line.get_ydata() == pytest.approx([10 * i for i in range(1, max(2, epochs))])


@pytest.mark.parametrize("conditions", [FEW[:1], MANY])
def test_degraded_clips(conditions, tmp_path, drawn):
    found = tables(lifelike(conditions, folds=2, seeds=2), labels=LABELS)
    names = ("clean", "gain-20", "gain+12", "telephone", "offset-0.02", "silence-after")
    scores = [
        DegradedScore(run=run.run, condition=name, clips=9, ua=0.3 + 0.02 * place)
        for run in found.runs
        for place, name in enumerate(names)
    ]
    (group,) = groups_of(dataclasses.replace(found, degraded=scores))
    degraded_plot.plot_degraded(tmp_path / "d.png", group)
    check(drawn[0], tmp_path / "d.png")
    assert len(drawn[0].axes[0].texts) - 1 == len(conditions) * (len(names) + 1)


def test_rates(tmp_path, drawn):
    conditions = [
        {**condition, "learning_rate": rate, "skill": condition["skill"] - 0.02 * number}
        for condition in MANY[:4]
        for number, rate in enumerate((1, 0.5, 2, 4))
    ]
    (group,) = groups(conditions)
    plots.plot_rates(tmp_path / "r.png", group)
    check(drawn[0], tmp_path / "r.png")
    (axes,) = drawn[0].axes
    line, ring = axes.lines[:2]
    light = group.conditions[0]
    assert list(line.get_xdata()) == [0.5, 1, 2, 4]
    assert line.get_ydata() == pytest.approx([100 * v for v in light.validation.values()])
    assert list(ring.get_xdata()) == [light.rate]
