"""A table of the report: to be read as Markdown and LaTeX, to be computed with as CSV."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from keras_reparam._utils.files import write_bytes
from keras_reparam.deploy.release.model_card import markdown_table
from recipes.common.files.rows import write_rows
from recipes.compare.report.text import latex_text, markdown_text


@dataclasses.dataclass(frozen=True, kw_only=True)
class Table:
    """Rows in sections, one per corpus and backbone.

    Attributes:
        name: Of its files, without their ending.
        caption: What it shows.
        head: Headings.
        alignment: LaTeX's, of the columns.
        sections: Rows of words, by heading.
        columns: Of the CSV.
        records: Rows of the CSV, with all digits; what is not known is `None`.
    """

    name: str
    caption: str
    head: Sequence[str]
    alignment: str
    sections: Mapping[str, Sequence[Sequence[str]]]
    columns: Sequence[str]
    records: Sequence[Mapping[str, object]]

    def markdown(self, section: str) -> str:
        """One section, without its heading; empty if it has no rows."""
        rows = self.sections.get(section)
        if not rows:
            return ""
        return markdown_table(
            [markdown_text(each) for each in self.head],
            [[markdown_text(each) for each in row] for row in rows],
        )

    def latex(self) -> str:
        """All sections, with the rules of the package booktabs."""
        lines = [
            r"% Needs \usepackage{booktabs}.",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{latex_text(self.caption)}}}",
            rf"\begin{{tabular}}{{{self.alignment}}}",
            r"\toprule",
            _latex_row(self.head),
        ]
        for heading, rows in self.sections.items():
            if rows:
                spanning = rf"\multicolumn{{{len(self.head)}}}{{l}}{{{latex_text(heading)}}} \\"
                lines += [r"\midrule", spanning, *map(_latex_row, rows)]
        return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\end{table}", ""])

    def write(self, folder: Path) -> None:
        """Writes the CSV and the LaTeX form."""
        write_rows(folder / f"{self.name}.csv", self.columns, self.records)
        write_bytes(folder / f"{self.name}.tex", self.latex().encode("utf-8"))


def _latex_row(cells: Iterable[str]) -> str:
    # A bracket at the start of a row would be an argument of the row before.
    return "{}" + " & ".join(map(latex_text, cells)) + r" \\"
