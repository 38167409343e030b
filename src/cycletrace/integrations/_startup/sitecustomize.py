"""Runs at the start of each Python in ``cycletrace run --auto``, which puts this folder on ``PYTHONPATH``.

Any Python may run it, also one that is old or without cycletrace, where it records nothing.
"""

import os
import sys

folder = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [path for path in sys.path if path != folder]
# MLflow writes down what the process that runs this script of its imports, as the requirements of a model.
is_counted = any(argument.endswith("_capture_modules.py") for argument in getattr(sys, "orig_argv", ()))
if not is_counted:
    try:
        from cycletrace.integrations._auto import follow_imports
    except Exception:
        pass
    else:
        follow_imports()

# The module of this name that this one hides. If there is none, its ImportError is what `site` expects.
del sys.modules["sitecustomize"]
__import__("sitecustomize")
