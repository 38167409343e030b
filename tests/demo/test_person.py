"""On a terminal a person selects and approves, and what the report calls a wait was a wait."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from tests.demo.helpers import CYCLETRACE, facts_of, quiet_environment, wait_until_none_is_left

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")]


class Person:
    """Somebody at a terminal who reads and types, and notes when."""

    def __init__(self, terminal: int) -> None:
        self.terminal = terminal
        self.read = ""
        self.unread = ""

    def read_until(self, words: str) -> int:
        """When the words had been read, UTC nanoseconds."""
        while words not in self.unread:
            new = os.read(self.terminal, 4096).decode()
            self.read += new
            self.unread += new
        self.unread = self.unread.partition(words)[2]
        return time.time_ns()

    def type(self, line: str) -> int:
        now = time.time_ns()
        os.write(self.terminal, f"{line}\n".encode())
        return now


def test_a_person_selects_and_declines(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [*CYCLETRACE, "demo", "--dir", str(tmp_path / "demo")]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=quiet_environment()) as demo:
        os.close(theirs)
        person = Person(ours)
        asked_to_select = person.read_until("Press Enter when you are ready to choose.")
        there_to_select = person.type("")
        person.read_until("Which model should be deployed?")
        person.type("a better one")
        person.read_until("Please enter one of forest, neighbours, svm.")
        person.read_until("Which model should be deployed?")
        selected = person.type("forest")
        person.read_until("Press Enter when you are ready to look at it.")
        person.type("")
        person.read_until("Deploy it to production?")
        person.type("n")
        person.read_until("version 1 is abandoned")
        person.read_until("Try next")
        assert demo.wait(60) == 0
    os.close(ours)

    facts = facts_of(tmp_path / "demo")["digits@1"]
    by_person = {stage["name"]: stage for stage in facts["stages"] if stage["actor"] == "human"}
    assert set(by_person) == {"select", "approve"}
    assert by_person["select"]["launch"] == "terminal"
    assert by_person["select"]["person"]
    assert facts["outcome"] == "abandoned"
    assert not {"deploy", "activate"} & {stage["name"] for stage in facts["stages"]}

    first, second = facts["waits"]
    assert (first["reason"], first["stage"], second["reason"]) == ("human", None, "human")
    assert first["start"] <= asked_to_select < there_to_select <= first["end"]
    assert first["end"] <= by_person["select"]["start"] < selected <= by_person["select"]["end"]
    assert facts["activity_ns"]["wait.human"] > 0
    assert facts["activity_ns"]["work.human"] > 0


def wait_until_it_reads(step: str, demo: int) -> None:
    """Until the step sleeps in its question: an interrupt between the question and the reading is noticed after it."""
    for pid in Path(f"/proc/{demo}/task/{demo}/children").read_text().split():
        if step.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
                time.sleep(0.01)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
@pytest.mark.parametrize("key", [b"\x03", b"\x04"], ids=["Ctrl-C", "Ctrl-D"])
def test_a_person_who_has_seen_enough_leaves_without_a_traceback(tmp_path: Path, key: bytes) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*CYCLETRACE, "demo", "--dir", str(tmp_path / "demo")],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=quiet_environment(),
        start_new_session=True,
        # So that the keys mean what they mean at a terminal.
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no other thread is here
    ) as demo:
        os.close(theirs)
        person = Person(ours)
        person.read_until("Press Enter when you are ready to choose.")
        wait_until_it_reads("steps.select", demo.pid)
        os.write(ours, key)
        person.read_until("interrupted. See what was recorded: cycletrace report --dir")
        assert demo.wait(60) == 130
        wait_until_none_is_left(tmp_path / "demo")
    os.close(ours)
    assert "Traceback" not in person.read

    facts = facts_of(tmp_path / "demo")["digits@1"]
    assert facts["outcome"] == "open"
    (wait,) = facts["waits"]
    assert wait["end"] is not None
    assert "select" not in {stage["name"] for stage in facts["stages"]}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_no_process_waits_for_a_person_once_the_demo_is_killed(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [*CYCLETRACE, "demo", "--dir", str(tmp_path / "demo")]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=quiet_environment()) as demo:
        os.close(theirs)
        Person(ours).read_until("Press Enter when you are ready to choose.")
        demo.kill()
    wait_until_none_is_left(tmp_path / "demo")
    os.close(ours)
