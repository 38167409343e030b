"""``python -m cycletrace``: the command line."""

import sys

from cycletrace.cli.main import main

sys.exit(main())
