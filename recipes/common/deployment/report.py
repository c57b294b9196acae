"""What the screen shows of an export."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from recipes.common.deployment.figures import size_of
from recipes.common.deployment.measured import Measured


def export_table(
    forms: Iterable[tuple[Measured, Measured | None]], *, title: str, notes: Sequence[str]
) -> Table:
    """A row for each form of the model.

    Args:
        forms: Each with the form of Keras that it is compared with, if it is a file.
        title: What was scored.
        notes: What stands below.
    """
    forms = list(forms)
    table = Table(
        title=Text(title),
        title_justify="left",
        caption=Text("\n".join(notes)),
        caption_justify="left",
        # Compact enough for 80 columns.
        box=box.SIMPLE_HEAD,
        padding=0,
        show_edge=False,
    )
    table.add_column("", no_wrap=True)
    for name in (*forms[0][0].figures, "top-1 agreement", "max error", "size", "ms"):
        # The figure above the corpus.
        table.add_column(name.replace(" ", "\n"), justify="right", no_wrap=True)
    for form, reference in forms:
        table.add_row(
            Text(form.name),
            *(figure.cell(value).strip() for figure, value in form.figures.values()),
            "" if reference is None else f"{100 * form.top1_agreement(reference):.1f}",
            "" if reference is None else f"{form.max_absolute_error(reference):.1e}",
            "" if form.latency is None else size_of(form.latency),
            "" if form.latency is None else f"{form.latency.median:.2f}",
        )
    return table
