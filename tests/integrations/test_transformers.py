"""Hugging Face ``Trainer``, with a model of a few weights and data that is slow to come."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integrations.journal import data_waits, outcomes, run, run_auto, stages

pytestmark = [pytest.mark.integrations, pytest.mark.timeout(600)]

PROGRAM = """
import time
import torch
from transformers import Trainer, TrainingArguments
import cycletrace.integrations.transformers

class Slow(torch.utils.data.Dataset):
    def __len__(self): return 8
    def __getitem__(self, place):
        time.sleep(0.05)
        return {"x": torch.ones(2), "labels": torch.tensor(1.0)}

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
    def forward(self, x, labels):
        FORWARD
        return {"loss": ((self.layer(x).squeeze() - labels) ** 2).mean()}

arguments = TrainingArguments(
    "out", num_train_epochs=2, per_device_train_batch_size=2, report_to=REPORT_TO, disable_tqdm=True, use_cpu=True,
    eval_strategy="epoch", save_strategy="epoch", logging_strategy="no",
)
trainer = Trainer(Model(), arguments, train_dataset=Slow(), eval_dataset=Slow())
try:
    trainer.train()
except RuntimeError as error:
    print("RuntimeError:", error)
"""


def program(forward: str = "pass", report_to: str = '"cycletrace"') -> str:
    return PROGRAM.replace("FORWARD", forward).replace("REPORT_TO", report_to)


def test_training_and_evaluations_are_stages_with_the_wait_for_data(tmp_path: Path) -> None:
    done = run(program(), tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert done.returncode == 0, done.stderr
    assert outcomes(tmp_path) == [
        ("evaluate", "evaluate", "ok"),
        ("evaluate", "evaluate", "ok"),
        ("train", "train", "ok"),
    ]
    train = stages(tmp_path)[-1]
    assert (train["attributes"]["steps"], train["attributes"]["epochs"]) == (8, 2)
    assert {stage["attributes"]["cycletrace.cycle.key"] for stage in stages(tmp_path)} == {"churn@7"}
    (waited,) = data_waits(tmp_path)
    assert 16 * 0.05 <= waited < (train["end"] - train["start"]) / 1e9 - 16 * 0.05, "not while it evaluates"


def test_a_training_that_raises_ends_with_its_exception(tmp_path: Path) -> None:
    done = run(program("raise RuntimeError('out of memory')"), tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert done.returncode == 0, done.stderr
    assert "RuntimeError: out of memory" in done.stdout
    assert outcomes(tmp_path) == [("train", "train", "error")]
    assert stages(tmp_path)[0]["attributes"]["error.type"] == "RuntimeError"


def test_without_being_asked_for_it_records_nothing(tmp_path: Path) -> None:
    done = run(program(report_to='"none"'), tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert done.returncode == 0, done.stderr
    assert stages(tmp_path) == []


def test_a_program_without_a_line_of_cycletrace_is_recorded_once(tmp_path: Path) -> None:
    plain = program(report_to='"none"').replace("import cycletrace.integrations.transformers", "")
    done = run_auto(tmp_path, "-c", plain)
    assert done.returncode == 0, done.stderr
    assert [name for name, _, _ in outcomes(tmp_path)] == ["evaluate", "evaluate", "train"]
    done = run_auto(tmp_path, "-c", program())
    assert [name for name, _, _ in outcomes(tmp_path)] == ["evaluate", "evaluate", "train"] * 2, "report_to counts once"


def test_a_training_in_a_stage_of_the_program_is_part_of_it(tmp_path: Path) -> None:
    plain = program(report_to='"none"').replace("import cycletrace.integrations.transformers", "import cycletrace")
    within = plain.replace("    trainer.train()", "    with cycletrace.stage('train'): trainer.train()")
    done = run_auto(tmp_path, "-c", within)
    assert done.returncode == 0, done.stderr
    assert outcomes(tmp_path) == [("train", "train", "ok")]
