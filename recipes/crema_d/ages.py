"""The ages of CREMA-D's actors."""

import csv
from pathlib import Path

_FILE = "VideoDemographics.csv"


def read_ages(data: Path) -> dict[str, str]:
    """Ages in years by actor, from VideoDemographics.csv in the corpus's folder, if it is there.

    Raises:
        ValueError: If it has other columns.
    """
    path = next((p for p in (data / _FILE, data / "crema_d" / _FILE) if p.is_file()), None)
    if path is None:
        return {}
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = {"ActorID", "Age"} - set(reader.fieldnames or ())
        if missing:
            raise ValueError(
                f"'{path}' must have the columns ActorID and Age. Received: none called "
                f"{', '.join(sorted(missing))}"
            )
        return {row["ActorID"].strip(): row["Age"].strip() for row in reader}
