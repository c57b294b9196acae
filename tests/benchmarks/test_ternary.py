import json
import re
from pathlib import Path

import pytest

from keras_reparam.benchmarks import ternary

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "export.md"


@pytest.mark.slow
def test_rows_of_the_page(capsys):
    assert ternary.main(["--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    text = PAGE.read_text(encoding="utf-8").partition("benchmarks.ternary")[2]
    for row in rows:
        name = f"`{row['kind']}`" + (', `sub_byte="int2"`' if row["sub_byte"] else "")
        line = re.search(rf"^\| {re.escape(name)} +\|(.*)\|$", text, re.MULTILINE)
        size, deflated, bits, needs = (cell.strip() for cell in line[1].split("|"))
        # Another version of the converter may name its tensors otherwise.
        assert row["size"] == pytest.approx(int(size.replace(",", "")), rel=0.01)
        assert row["deflated"] == pytest.approx(int(deflated.replace(",", "")), rel=0.02)
        assert (f"{row['bits']:.1f}", row["runtime"]) == (bits, needs)
    assert len(rows) == 6
