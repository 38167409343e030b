"""``cycletrace collect``: the processor that joins what many machines send, in front of any OTLP backend."""

from __future__ import annotations

import argparse
import os
from typing import Any

from cycletrace.cli.failure import Failure
from cycletrace.cli.options import add_directory, state_directory
