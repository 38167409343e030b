"""The model of a program that names none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.journals import environment, read_facts

STAGE = "from cycletrace import stage\nwith stage('train'): pass\n"
PROJECT = (
    '[build-system]\nname = "no"\n\n[project] # of ours\nversion = "1"\nauthors = [\n  "a"\n]\nname = "churn-model"\n'
)


def model_of(tmp_path: Path, *command: str, cwd: Path, **variables: str) -> str:
    state = tmp_path / "state"
    shutil.rmtree(state, ignore_errors=True)
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env=environment(state, **variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    (facts,) = read_facts(state)
    return str(facts["model"])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "repo" / "src" / "steps"
    folder.mkdir(parents=True)
    for name in ("churn.py", "train.py", "Train2.py"):
        (folder / name).write_text(STAGE)
    (tmp_path / "repo" / "pyproject.toml").write_text(PROJECT)
    return folder


def test_a_script_with_a_name_of_its_own_is_the_model(tmp_path: Path, project: Path) -> None:
    assert model_of(tmp_path, "churn.py", cwd=project) == "churn"


@pytest.mark.parametrize("script", ["train.py", "Train2.py"])
def test_a_script_with_a_usual_name_is_of_its_project_wherever_it_is_run(
    tmp_path: Path, project: Path, script: str
) -> None:
    assert model_of(tmp_path, script, cwd=project) == "churn-model"
    assert model_of(tmp_path, str(project / script), cwd=tmp_path) == "churn-model"


def test_code_and_tools_are_of_the_project_they_are_called_in(tmp_path: Path, project: Path) -> None:
    assert model_of(tmp_path, "-c", STAGE, cwd=project) == "churn-model"
    run = ("-m", "cycletrace", "run", "--stage", "train", "--", sys.executable, "-c", "pass")
    assert model_of(tmp_path, *run, cwd=project) == "churn-model"


@pytest.mark.parametrize("how", [("--auto",), ("--stage", "train")])
@pytest.mark.parametrize(
    ("command", "model"),
    [
        (("{python}", "churn.py"), "churn"),
        (("{python}", "-u", "-m", "churn"), "churn"),
        (("env", "A=b", "{python}", "train.py", "churn.py"), "churn-model"),
        (("sh", "-c", "{python} churn.py"), "churn"),
        (("{python}", "-m", "pytest", "-q", "test_drift.py"), "churn-model"),
    ],
)
def test_a_command_that_is_recorded_is_named_as_its_script_names_itself(
    tmp_path: Path, project: Path, how: tuple[str, ...], command: tuple[str, ...], model: str
) -> None:
    """An implicit cycle has the name that the program of the command would give it without ``cycletrace run``."""
    (project / "test_drift.py").write_text(
        "def test_it():\n    from cycletrace import stage\n    with stage('a'): pass\n"
    )
    words = [word.replace("{python}", sys.executable) for word in command]
    assert model_of(tmp_path, "-m", "cycletrace", "run", *how, "--", *words, cwd=project) == model


def test_without_a_project_name_it_is_the_repository_of_any_of_its_worktrees(tmp_path: Path, project: Path) -> None:
    repository = tmp_path / "repo"
    (repository / "pyproject.toml").write_text('[tool.ruff]\nname = "x"\n')
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(repository))
    for arguments in (("init", "-q"), ("add", "."), ("commit", "-qm", "x"), ("worktree", "add", "-q", "../idea")):
        subprocess.run([*git, *arguments], check=True)
    assert model_of(tmp_path, "train.py", cwd=project) == "repo"
    assert model_of(tmp_path, "train.py", cwd=tmp_path / "idea" / "src" / "steps") == "repo"


def test_a_home_directory_is_no_project(tmp_path: Path, project: Path) -> None:
    assert model_of(tmp_path, "train.py", cwd=project, HOME=str(tmp_path / "repo")) == "train"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_what_is_no_file_holds_nothing_up(tmp_path: Path, project: Path) -> None:
    (tmp_path / "repo" / "pyproject.toml").unlink()
    os.mkfifo(tmp_path / "repo" / "pyproject.toml")
    (project / "pyproject.toml").mkdir()
    assert model_of(tmp_path, "train.py", cwd=project) == "train"


KERNEL = "import sys, types\nsys.modules['ipykernel'] = types.ModuleType('ipykernel')\n" + STAGE


@pytest.mark.parametrize(
    ("session", "model"),
    [("/work/churn study.ipynb", "churn study"), ("/work/Untitled3.ipynb", "churn-model"), ("", "churn-model")],
)
def test_a_notebook_is_named_by_its_file_else_by_its_project(
    tmp_path: Path, project: Path, session: str, model: str
) -> None:
    assert model_of(tmp_path, "-c", KERNEL, cwd=project, JPY_SESSION_NAME=session) == model
