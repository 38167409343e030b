"""A command whose Python programs record what they train, without a line of cycletrace in them."""

from __future__ import annotations

import os
import sys
import venv
from pathlib import Path

import pytest
from tests.cli.commands import Shell

TRAIN = """
import sys
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

assert not any(path.endswith("_startup") for path in sys.path)
LogisticRegression().fit(StandardScaler().fit_transform([[0.0], [1.0]]), [0, 1])
LogisticRegression(C=-1).fit([[0.0], [1.0]], [0, 1])
"""


def test_trainings_of_a_program_without_a_line_of_cycletrace_are_stages(shell: Shell) -> None:
    """The command itself is none. Its implicit cycle has a root, around all that is in it."""
    (shell.folder / "churn.py").write_text(TRAIN)
    done = shell.run("run", "--auto", "--", sys.executable, "churn.py")
    assert done.code == 1
    assert done.err.splitlines()[-1].startswith("sklearn.utils._param_validation.InvalidParameterError")
    assert "cycletrace: " not in done.err
    (cycle,) = shell.facts()
    assert [(stage["name"], stage["kind"], stage["outcome"]) for stage in cycle["stages"]] == [
        ("train", "train", "ok"),
        ("train", "train", "error"),
    ]
    (root,) = [span for span in shell.spans() if span["parent_span_id"] is None]
    trains = [span for span in shell.spans() if span is not root and span["span"] == "train"]
    assert {span["parent_span_id"] for span in trains} == {root["span_id"]}
    assert root["start"] <= trains[0]["start"] <= trains[1]["end"] <= root["end"]


def test_programs_in_it_are_in_the_cycle_and_directory_of_the_options(shell: Shell) -> None:
    options = ("--cycle", "churn@7", "--domain", "tabular", "--dir", "elsewhere")
    mark = "import cycletrace; cycletrace.mark('selected')"
    assert shell.run("run", "--auto", *options, "--", sys.executable, "-c", mark).code == 0
    (cycle,) = shell.facts("--dir", "elsewhere")
    assert (cycle["key"], cycle["domain"]) == ("churn@7", "tabular")


def test_a_command_that_is_no_python_program_runs_as_without_it(shell: Shell) -> None:
    assert shell.run("run", "--auto", "--", "sh", "-c", "echo out; echo err >&2; exit 3") == (3, "out\n", "err\n")
    assert shell.facts() == []


@pytest.mark.parametrize("end", ["", "raise ValueError('not mine')"])
def test_the_sitecustomize_that_it_hides_runs_as_without_it(shell: Shell, end: str) -> None:
    (shell.folder / "sitecustomize.py").write_text(f"print('customized', __file__)\n{end}")
    program = "import sys; print(getattr(sys.modules.get('sitecustomize'), '__file__', None))"
    command = ("--", sys.executable, "-c", program)
    without = shell.run("run", "--stage", "train", *command, PYTHONPATH=str(shell.folder))
    assert "customized" in without.out
    assert shell.run("run", "--auto", *command, PYTHONPATH=str(shell.folder)) == without


def test_the_path_of_modules_is_as_without_it(shell: Shell) -> None:
    program = "import sys; print(sys.path, 'sitecustomize' in sys.modules)"
    for path in ("", "lib", os.pathsep + "lib"):
        with_auto = shell.run("run", "--auto", "--", sys.executable, "-c", program, PYTHONPATH=path)
        assert with_auto == shell.python(program, PYTHONPATH=path)


def test_a_python_without_cycletrace_runs_as_without_it(shell: Shell, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    python = str(next((tmp_path / "bare").glob("*/python")))
    program = "import importlib.util as util; print(util.find_spec('cycletrace'))"
    assert shell.run("run", "--auto", "--", python, "-c", program) == (0, "None\n", "")


def test_errors_of_an_integration_do_not_reach_the_program(shell: Shell) -> None:
    (shell.folder / "xgboost.py").write_text("version = 'one without training'")
    program = "import xgboost; print(xgboost.version)"
    done = shell.run("run", "--auto", "--", sys.executable, "-c", program)
    assert done == (0, "one without training\n", "")


def test_warnings_at_the_import_of_a_framework_name_the_line_that_imports_it(shell: Shell) -> None:
    """What a framework warns its importer of, which cycletrace follows, is shown as without cycletrace."""
    (shell.folder / "xgboost.py").write_text("import warnings\nwarnings.warn('old', FutureWarning, stacklevel=2)\n")
    done = shell.run("run", "--auto", "--", sys.executable, "-c", "import xgboost")
    assert done == shell.python("import xgboost")
    assert done.err == "<string>:1: FutureWarning: old\n"


@pytest.mark.parametrize(
    "options", [(), ("--auto", "--stage", "train"), ("--auto", "--kind", "train"), ("--auto", "--by", "person")]
)
def test_options_that_contradict_each_other_are_refused(shell: Shell, options: tuple[str, ...]) -> None:
    done = shell.run("run", *options, "--", "echo", "ran")
    assert (done.code, done.out) == (2, "")
    assert "--stage" in done.err
