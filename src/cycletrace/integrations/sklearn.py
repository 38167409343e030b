"""scikit-learn: fitting a model is a stage, with the number of candidates and fits if it is a search.

::

    import cycletrace.integrations.sklearn
    cycletrace.integrations.sklearn.install()

``cycletrace run --auto`` does so for programs without these lines. Models are classifiers, regressors, clusterers,
detectors of outliers, estimators of densities, pipelines that end with one of these, and searches. Estimators of other
libraries that inherit from ``BaseEstimator`` are recorded, too; a class of the script itself is not, unless its ``fit``
calls that of such an estimator.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

from collections.abc import Iterator
from inspect import isfunction
from typing import Any

from sklearn.base import BaseEstimator

from cycletrace.integrations._active import harmless
from cycletrace.integrations._fits import recorded

__all__ = ["install"]

_is_installed = False


def install() -> None:
    """Record the fits of this program where a cycle is active. Doing it again changes nothing."""
    global _is_installed
    if not _is_installed:
        _is_installed = True
        _follow_new_classes()
        for each in _subclasses(BaseEstimator):
            _record_fits(each)


def _follow_new_classes() -> None:
    """Record the fits of estimators that are defined from now on, such as by modules that are imported later."""
    base: Any = BaseEstimator
    own = vars(base).get("__init_subclass__")

    def init_subclass(cls: Any, /, **kwargs: Any) -> None:
        if own is None:
            super(base, cls).__init_subclass__(**kwargs)
        else:
            own.__get__(None, cls)(**kwargs)
        _record_fits(cls)

    base.__init_subclass__ = classmethod(init_subclass)


def _subclasses(cls: type[Any]) -> Iterator[type[Any]]:
    for each in cls.__subclasses__():
        yield each
        yield from _subclasses(each)


@harmless
def _record_fits(cls: type[Any]) -> None:
    """Wrap the method ``fit`` that a class defines itself. One that it inherits is that of another estimator.

    Not of classes that are pickled with their code, such as those of the script itself: whoever loads such a model
    would need cycletrace.
    """
    fit = vars(cls).get("fit")
    if isfunction(fit) and cls.__module__ != "__main__" and "<locals>" not in cls.__qualname__:
        cls.fit = recorded(fit, "train", _describe, _is_model)


def _is_model(estimator: Any) -> bool:
    """Return whether this is a model, or ends with one. Most estimators that transform data have no type."""
    try:
        from sklearn.utils import get_tags
    except ImportError:  # before 1.6
        return getattr(estimator, "_estimator_type", None) is not None
    return get_tags(estimator).estimator_type is not None


def _describe(estimator: Any, _: object) -> dict[str, float | str]:
    return {"estimator": type(estimator).__name__, **_counts(estimator)}


def _counts(estimator: Any) -> dict[str, int]:
    """Return the number of candidates and fits of a search, with the fit of the best one to all data."""
    if "params" not in getattr(estimator, "cv_results_", ()):
        return {}
    candidates = len(estimator.cv_results_["params"])
    return {"candidates": candidates, "fits": candidates * estimator.n_splits_ + bool(estimator.refit)}
