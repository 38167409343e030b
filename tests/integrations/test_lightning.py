"""PyTorch Lightning, whose trainers find the callback by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integrations.journal import data_waits, outcomes, run, stages

pytestmark = [pytest.mark.integrations, pytest.mark.timeout(600)]

PROGRAM = """
import time
import torch
import lightning.pytorch as pl

class Slow(torch.utils.data.Dataset):
    def __len__(self): return 8
    def __getitem__(self, place):
        time.sleep(0.05)
        return torch.ones(2)

class Model(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
    def training_step(self, batch, place):
        STEP
        return self.layer(batch).sum()
    def validation_step(self, batch, place): pass
    def test_step(self, batch, place): pass
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.01)

def loader(): return torch.utils.data.DataLoader(Slow(), batch_size=2)
trainer = pl.Trainer(
    max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu",
    enable_model_summary=False, num_sanity_val_steps=0,
)
try:
    trainer.fit(Model(), loader(), loader())
    trainer.test(Model(), loader())
except RuntimeError as error:
    print("RuntimeError:", error)
"""


def test_fitting_and_testing_are_stages_with_the_wait_for_data(tmp_path: Path) -> None:
    done = run(PROGRAM.replace("STEP", "pass"), tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert done.returncode == 0, done.stderr
    assert outcomes(tmp_path) == [("train", "train", "ok"), ("test", "evaluate", "ok")]
    train = stages(tmp_path)[0]
    assert (train["attributes"]["steps"], train["attributes"]["epochs"]) == (8, 2)
    (waited,) = data_waits(tmp_path)
    assert 14 * 0.05 <= waited < (train["end"] - train["start"]) / 1e9 - 16 * 0.05, "not while it validates"


def test_the_time_that_checkpoints_take_is_no_wait_for_data(tmp_path: Path) -> None:
    program = PROGRAM.replace("STEP", "pass").replace("enable_checkpointing=False", "callbacks=[checkpoint]")
    slow = """
    def on_save_checkpoint(self, checkpoint): time.sleep(0.3)

checkpoint = pl.callbacks.ModelCheckpoint(dirpath="saved", every_n_train_steps=1, save_top_k=-1)
def loader()"""
    done = run(program.replace("\ndef loader()", slow), tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "saved").iterdir())) == 8
    train = stages(tmp_path)[0]
    assert (train["end"] - train["start"]) / 1e9 > 8 * 0.3
    assert sum(data_waits(tmp_path)) < 8 * 0.3 / 2


def test_an_exception_ends_the_stage(tmp_path: Path) -> None:
    done = run(PROGRAM.replace("STEP", "raise RuntimeError('diverged')"), tmp_path, CYCLETRACE_CYCLE="churn@7")
    assert "RuntimeError: diverged" in done.stdout, done.stderr
    assert outcomes(tmp_path) == [("train", "train", "error")]
    assert stages(tmp_path)[0]["attributes"]["error.type"] == "RuntimeError"


def test_outside_any_cycle_it_records_nothing(tmp_path: Path) -> None:
    done = run(PROGRAM.replace("STEP", "pass"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert "cycletrace" not in done.stdout + done.stderr
    assert not (tmp_path / "state").exists()


def test_a_trainer_works_where_the_directory_was_removed(tmp_path: Path) -> None:
    program = """
import os
import lightning.pytorch as pl
os.mkdir("gone")
os.chdir("gone")
os.rmdir(os.getcwd())
pl.Trainer(logger=False, enable_checkpointing=False, accelerator="cpu", default_root_dir="/")
"""
    done = run(program, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "cycletrace" not in done.stdout + done.stderr
