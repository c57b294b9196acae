"""The ages of CREMA-D's actors."""

from pathlib import Path

from recipes.crema_d.tables import rows_beside


def read_ages(data: Path) -> dict[str, str]:
    """Ages in years by actor, from VideoDemographics.csv in the corpus's folder, if it is there.

    Raises:
        ValueError: If it has other columns.
    """
    rows = rows_beside(data, "VideoDemographics.csv", ("ActorID", "Age"))
    return {row["ActorID"].strip(): row["Age"].strip() for _, row in rows}
