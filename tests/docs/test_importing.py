"""``docs/importing.md`` against the importers: columns and words."""

from __future__ import annotations

from tests.docs.pages import page, section, table, words

from cycletrace import conventions as c
from cycletrace._internal.importers import airflow, csv_file, github, gitlab, mlflow, slurm


def test_the_columns_of_a_table_and_the_words_in_them() -> None:
    rows = {words(row["column"])[0]: row["meaning"] for row in table(section(page("importing.md"), "CSV"), "column")}
    assert tuple(rows) == csv_file.COLUMNS
    allowed = {"record": tuple(csv_file.MAKERS), "trigger": c.TRIGGERS, "launch": c.LAUNCHES}
    assert {column: tuple(words(rows[column])) for column in allowed} == allowed


def outcomes(text: str) -> dict[str, str]:
    """Return which words become which outcome: ``a b: x; c: y``."""
    groups = [words(part) for part in text.split("; ")]
    return {word: group[-1] for group in groups for word in group[:-1]}


def test_the_outcomes_and_fields_of_github() -> None:
    text = section(page("importing.md"), "GitHub Actions")
    meaning = {row["GitHub"]: row["becomes"] for row in table(text, "GitHub")}["conclusion of a job"]
    assert outcomes(meaning.partition(". ")[0]) == github.OUTCOMES
    fields = words(section(page("importing.md"), "Which cycle"))[1:]
    assert [field for field in fields if field.startswith("{")][: len(github.FIELDS)] == [
        f"{{{field}}}" for field in github.FIELDS
    ]
    assert github.KEY in fields


def test_the_outcomes_and_fields_of_slurm() -> None:
    text = section(page("importing.md"), "SLURM")
    meaning = {row["SLURM"]: row["becomes"] for row in table(text, "SLURM")}
    assert outcomes(meaning["`State`"]) == slurm.OUTCOMES
    assert {f"{{{field}}}" for field in slurm.FIELDS} | {slurm.KEY} <= set(words(text))
    assert set(slurm.NEEDED) <= set(words(text))


def test_the_outcomes_and_fields_of_airflow() -> None:
    text = section(page("importing.md"), "Airflow")
    meaning = {row["Airflow"]: row["becomes"] for row in table(text, "Airflow")}
    assert outcomes(meaning["state of a try"].partition(". ")[0]) == airflow.OUTCOMES
    assert {f"{{{field}}}" for field in airflow.FIELDS} | {airflow.KEY} <= set(words(text))


def test_the_outcomes_and_fields_of_gitlab() -> None:
    text = section(page("importing.md"), "GitLab CI")
    meaning = {row["GitLab"]: row["becomes"] for row in table(text, "GitLab")}
    assert outcomes(meaning["status of a job"].partition(". ")[0]) == gitlab.OUTCOMES
    assert {f"{{{field}}}" for field in gitlab.FIELDS} | {gitlab.KEY} <= set(words(text))


def test_the_outcomes_and_fields_of_mlflow() -> None:
    text = section(page("importing.md"), "MLflow")
    rows = {row["MLflow"]: row["becomes"] for row in table(text, "MLflow")}
    assert outcomes(rows["status of a run"].partition(". ")[0]) == mlflow.OUTCOMES
    assert outcomes(rows["source of a run"].replace("launched from a ", "").replace("by the ", "")) == mlflow.LAUNCHES
    assert {f"{{{field}}}" for field in mlflow.FIELDS} | {mlflow.KEY} <= set(words(text))
