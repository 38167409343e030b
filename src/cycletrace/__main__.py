"""``python -m cycletrace``: the command line."""

import sys

from cycletrace._internal.cli.main import main

sys.exit(main())
