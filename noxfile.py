"""Everything a contributor runs, by name: ``nox -l`` lists it, ``nox`` alone does what a change needs before review.

Sessions run in the environment that is active, so nothing is installed twice. Only ``tests`` makes environments of its
own, one for each Python version.
"""

from __future__ import annotations

import nox

nox.needs_version = ">=2024.10.9"
nox.options.sessions = ["lint", "types", "docs", "fast"]
nox.options.reuse_venv = "yes"

PYTHONS = ["3.10", "3.11", "3.12", "3.13", "3.14"]


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests but those that need real backends, on each Python version that is installed."""
    session.install("-e", ".[dev]")
    session.run("pytest", *session.posargs)
    session.run("pytest", "-n0", "-m", "slow and not backends", *session.posargs)


@nox.session(python=False)
def fast(session: nox.Session) -> None:
    """The fast tests, in parallel. Arguments behind ``--`` go to pytest."""
    session.run("pytest", *session.posargs)


@nox.session
def sdks(session: nox.Session) -> None:
    """Other tracing SDKs beside ours, in an environment of its own."""
    others = ("langfuse", "logfire", "mlflow-tracing", "traceloop-sdk")
    session.install("-e", ".[dev]", *others, "httpx", "opentelemetry-exporter-otlp-proto-http")
    session.run("pytest", "-n0", "tests/api/test_other_sdks.py", *session.posargs)


@nox.session(python=False)
def lint(session: nox.Session) -> None:
    """Lint, format, and the direction of imports."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports", "--no-cache")


@nox.session(python=False)
def types(session: nox.Session) -> None:
    """Types, as two checkers read them."""
    session.run("mypy")
    session.run("pyright")


@nox.session(python=False)
def docs(session: nox.Session) -> None:
    """The documentation as a site, in ``site/``. A broken link, or a page that is not in the navigation, fails."""
    session.run("mkdocs", "build", "--strict", "--quiet", *session.posargs)


@nox.session(python=False)
def demo(session: nox.Session) -> None:
    """The demo."""
    session.run("cycletrace", "demo", *session.posargs)


@nox.session(python=False)
def bench(session: nox.Session) -> None:
    """One of ``benchmarks/``: ``nox -s bench -- sdk`` runs ``benchmarks/sdk.py``. Without a name, ``flow``."""
    name, *arguments = session.posargs or ["flow"]
    session.run("python", f"benchmarks/{name}.py", *arguments)


@nox.session(python=False)
def lock(session: nox.Session) -> None:
    """Write the versions that CI installs, ``.ci/constraints.txt``: the newest for every Python version."""
    session.run(
        "uv", "pip", "compile", "--quiet", "--upgrade", "--universal", "--python-version", PYTHONS[0],
        "--extra", "dev", "--no-annotate", "--custom-compile-command", "nox -s lock",
        "--output-file", ".ci/constraints.txt", "pyproject.toml",
    )  # fmt: skip
