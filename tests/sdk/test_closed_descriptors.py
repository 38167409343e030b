"""Programs that close every descriptor they do not know, as those do that become daemons."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.journals import Journal, run_script

from cycletrace.testing import FakeCollector

CLOSING = """
import os, sys, time
import cycletrace as ct

folder = sys.argv[1]
with ct.cycle("churn", "7"):
    with ct.stage("before"):
        time.sleep(float(sys.argv[2]))  # until it was delivered
    with ct.stage("around"):
        os.closerange(3, 65536)
        # Enough to take the number that any descriptor of ours had.
        files = [open(f"{folder}/weights-{number}", "wb", buffering=0) for number in range(900)]
        for file in files:
            file.write(b"WEIGHTS")
        time.sleep(float(sys.argv[2]))
    with ct.stage("after"):
        pass
    for file in files:
        file.write(b" END")
        file.close()
"""


@pytest.mark.parametrize("protocol", [None, "http/protobuf", "grpc"])
def test_files_that_take_over_our_numbers_are_left_alone_and_no_stage_is_lost(
    tmp_path: Path, protocol: str | None
) -> None:
    (tmp_path / "files").mkdir()
    with FakeCollector(protocol or "http/protobuf") as server:
        variables = {} if protocol is None else {"OTEL_EXPORTER_OTLP_ENDPOINT": server.endpoint}
        if protocol is not None:
            variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol
        pause = "0" if protocol is None else "1.5"
        done = run_script(CLOSING, tmp_path / "state", str(tmp_path / "files"), pause, **variables)
    files = list((tmp_path / "files").iterdir())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(files) == 900
    assert {path.read_bytes() for path in files} == {b"WEIGHTS END"}
    journal = Journal(tmp_path / "state")
    assert journal.outcomes() == [("after", "ok"), ("around", "ok"), ("before", "ok")]
    if protocol is not None:
        assert set(server.names()) == {"before", "around", "after"}


REUSED = """
import os
from pathlib import Path
import cycletrace as ct

with ct.stage("before"):
    pass
(number,) = [
    int(entry.name) for entry in Path("/proc/self/fd").iterdir()
    if entry.is_symlink() and str(entry.readlink()).endswith(".jsonl")
]
assert number > 100, number
mine = os.open("mine", os.O_RDWR | os.O_CREAT)
os.dup2(mine, number)  # the very number
with ct.stage("after"):
    pass
os.write(number, b"still open")
print(Path("mine").read_text())
"""


def test_a_number_that_the_program_gives_to_its_own_file_is_neither_written_to_nor_closed(tmp_path: Path) -> None:
    done = run_script(REUSED, tmp_path / "state")
    assert (done.returncode, done.stdout, done.stderr) == (0, "still open\n", "")
    assert Journal(tmp_path / "state").names() == ["before", "after"]


DAEMON = """
import sys, time
import daemon
import cycletrace as ct

with ct.cycle("churn", "7"), ct.stage("before"):
    pass
with daemon.DaemonContext(detach_process=False, stdout=sys.stdout, stderr=sys.stderr):
    with open(sys.argv[1], "wb") as file, ct.stage("after"):
        file.write(b"WEIGHTS")
"""


def test_a_daemon_in_the_same_process_keeps_its_files_and_its_stages(tmp_path: Path) -> None:
    done = run_script(DAEMON, tmp_path / "state", str(tmp_path / "weights"))
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "weights").read_bytes() == b"WEIGHTS"
    assert Journal(tmp_path / "state").names() == ["before", "after"]


def test_a_relative_state_directory_stays_where_it_was_when_the_program_moves(tmp_path: Path) -> None:
    script = "import os, cycletrace as ct\nwith ct.stage('one'): pass\nos.closerange(3, 4096); os.chdir('/')\n"
    done = run_script(f"{script}with ct.stage('two'): pass", tmp_path / "state", CYCLETRACE_DIR="state")
    assert (done.returncode, done.stderr) == (0, "")
    assert Journal(tmp_path / "state").names() == ["one", "two"]
