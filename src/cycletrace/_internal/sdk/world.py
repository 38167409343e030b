"""The world of a process: the ranks that a launcher of torch or MPI starts for one job, or the tasks of a SLURM job.

The ranks of a world do the same work together, so one of them records it. Tasks each do work of their own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Container, Mapping
from typing import NamedTuple

from cycletrace._internal.journal.processes import find_ancestor_without


class World(NamedTuple):
    """What this process shares with the others that were started with it."""

    id: str | None
    """A text that is the same in all of them and in no other world; ``None`` if they have none in common."""
    rank: int | None
    """The number of this process, from 0; ``None`` for a task, which does work of its own."""

    @property
    def is_first(self) -> bool:
        """True for the rank that records the work of all."""
        return self.rank == 0


class _Launcher(NamedTuple):
    """The variables by which a family of launchers numbers its ranks."""

    name: str
    rank: str
    size: str
    local_size: str
    marker: str
    """Set by the launcher alone, so that the nearest ancestor without it is the launcher."""
    signs: tuple[str, ...]
    """A rank has at least one of these. Its number alone may mean anything, such as a part of the data."""
    ids: tuple[str, ...]
    """Those that together tell its jobs apart."""


_LAUNCHERS = (
    _Launcher(
        "torch",
        "RANK",
        "WORLD_SIZE",
        "LOCAL_WORLD_SIZE",
        "TORCHELASTIC_RUN_ID",
        ("TORCHELASTIC_RUN_ID", "MASTER_ADDR"),
        ("TORCHELASTIC_RUN_ID",),
    ),
    _Launcher(
        "openmpi",
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_SIZE",
        "OMPI_COMM_WORLD_LOCAL_SIZE",
        "OMPI_COMM_WORLD_RANK",
        ("OMPI_COMM_WORLD_RANK",),
        ("PMIX_NAMESPACE", "OMPI_MCA_orte_precondition_transports"),
    ),
    # Hydra, of MPICH and Intel MPI. SLURM sets PMI_RANK for programs without MPI too, but not the marker.
    _Launcher("hydra", "PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS", "MPI_LOCALNRANKS", ("MPI_LOCALNRANKS",), ()),
)
_WORLDS_OF_SRUN = ("mpi4py", "lightning", "pytorch_lightning")
"""Modules that make one world of the tasks of an ``srun``."""


def find(
    env: Mapping[str, str] | None = None,
    modules: Container[str] | None = None,
    find_launcher: Callable[[str], str | None] = find_ancestor_without,
) -> World | None:
    """Return the world of this process, or ``None`` if it was started alone.

    Worlds of torch and MPI take precedence over SLURM, which often starts their launchers.
    """
    env = os.environ if env is None else env
    modules = sys.modules if modules is None else modules
    for launcher in _LAUNCHERS:
        rank, size = _number(env, launcher.rank), _number(env, launcher.size)
        if rank is not None and size is not None and size > 1 and any(sign in env for sign in launcher.signs):
            return World(_id_of(launcher, size, env, find_launcher), rank)
    step, task = _step(env), _number(env, "SLURM_PROCID")
    if step is not None and task is not None and any(name in modules for name in _WORLDS_OF_SRUN):
        return World(step, task)
    if "ipykernel" in modules:
        return None  # a person works in it for days
    shared = step or _array(env)
    return None if shared is None else World(shared, None)


def _id_of(
    launcher: _Launcher, size: int, env: Mapping[str, str], find_launcher: Callable[[str], str | None]
) -> str | None:
    ids = [env.get(name, "") for name in launcher.ids]
    if any(ids) and ids != ["none"]:  # torchrun's default
        return " ".join((launcher.name, *ids, env.get("SLURM_JOB_ID", "")))  # scripts of jobs often fix the id
    is_on_one_host = _number(env, launcher.local_size) == size
    process = find_launcher(launcher.marker) if launcher.marker in env else None
    return (process if is_on_one_host else None) or _step(env) or process


def _step(env: Mapping[str, str]) -> str | None:
    """Return what the tasks of this ``srun`` have in common, or ``None``. A step of one task may be a shell."""
    step, tasks = env.get("SLURM_STEP_ID"), _number(env, "SLURM_STEP_NUM_TASKS")
    if not step or tasks is None or (tasks == 1 and _array(env) is None):
        return None
    job = _array(env) or f"slurm {env.get('SLURM_CLUSTER_NAME', '')} {env.get('SLURM_JOB_ID', '')}"
    return f"{job} {step}"


def _array(env: Mapping[str, str]) -> str | None:
    """Return what the tasks of this job array have in common, or ``None``."""
    job = env.get("SLURM_ARRAY_JOB_ID")
    return f"slurm {env.get('SLURM_CLUSTER_NAME', '')} array {job}" if job else None


def _number(env: Mapping[str, str], name: str) -> int | None:
    text = env.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() else None
