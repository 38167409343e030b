"""Nothing is captured by default; what is named is taken as far as it is small and plain, and never called."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.journals import Journal

import cycletrace as ct


class Hostile:
    """Whatever one does with it is an accident."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was looked at")

    def __repr__(self) -> str:
        raise AssertionError("__repr__ was called")

    __str__ = __bool__ = __len__ = __iter__ = __hash__ = __eq__ = __repr__  # type: ignore[assignment]

    @property
    def shape(self) -> Any:
        raise AssertionError("shape was looked at")


def own(journal: Journal, name: str = "work") -> dict[str, Any]:
    """The user's attributes of the stage."""
    attributes = journal.spans(name)[-1]["attributes"]
    return {key: value for key, value in attributes.items() if not key.startswith(("cycletrace.", "process."))}


def test_by_default_neither_arguments_nor_the_return_value_are_anywhere_in_the_journal(journal: Journal) -> None:
    @ct.stage
    def work(secret: str) -> str:
        return secret * 2

    assert work("s3cr3t") == "s3cr3ts3cr3t"
    assert own(journal) == {}
    assert "s3cr3t" not in str(journal.documents())


def test_named_arguments_however_they_are_given(journal: Journal) -> None:
    @ct.stage(capture=("lr", "epochs", "name", "flag", "extra"))
    def work(
        data: object, lr: float, *, epochs: int = 3, name: str = "adam", flag: bool = True, **more: object
    ) -> None:
        """Do nothing."""

    work(object(), 0.1, extra=7)
    assert own(journal) == {"lr": 0.1, "epochs": 3, "name": "adam", "flag": True, "extra": 7}
    work(object(), lr=0.2, epochs=5)
    assert own(journal) == {"lr": 0.2, "epochs": 5, "name": "adam", "flag": True}


class NoData:
    """A number of an array library that has no value, as PyTorch's on its meta device."""

    shape = ()

    def item(self) -> float:
        raise RuntimeError("Tensor.item() cannot be called on meta tensors")


NoData.__module__ = "torch"


def test_one_bad_value_does_not_affect_the_others(journal: Journal) -> None:
    with ct.stage("work") as run:
        run.set(
            accuracy=0.93,
            loss=np.longdouble("0.125"),
            nothing=NoData(),  # type: ignore[arg-type]
            phase=np.complex64(1j),
            huge=10**400,
            epochs=3,
        )
    assert own(journal) == {"accuracy": 0.93, "loss": 0.125, "epochs": 3}


class NoShape:
    @property
    def shape(self) -> Any:
        raise RuntimeError("the buffer was deleted")


NoShape.__module__ = "torch"


def test_one_bad_argument_does_not_affect_the_others(journal: Journal) -> None:
    @ct.stage(capture=("before", "bad", "after"))
    def work(before: int, bad: object, after: int) -> None:
        """Do nothing."""

    work(1, NoShape(), 2)
    assert own(journal) == {"before": 1, "after": 2}


def test_arrays_are_captured_by_shape_and_dtype(journal: Journal) -> None:
    @ct.stage(capture=("x", "y"))
    def work(x: Any, y: Any) -> None:
        """Do nothing."""

    work(np.zeros((3, 4), dtype=np.float32), np.float64(0.5))
    assert own(journal) == {"x.shape": "(3, 4)", "x.dtype": "float32", "y": 0.5}


def test_long_texts_are_cut(journal: Journal) -> None:
    @ct.stage(capture=("text",))
    def work(text: str) -> None:
        """Do nothing."""

    work("x" * 1_000_000)
    assert own(journal) == {"text": "x" * 256}


def test_complex_values_are_ignored_and_never_called(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    @ct.stage(capture=("thing", "things", "nothing"))
    def work(thing: object, things: object, nothing: object) -> object:
        return thing

    thing = Hostile()
    assert work(thing, [thing] * 1000, None) is thing
    assert own(journal) == {}
    assert caplog.records == []


def test_a_wrong_call_raises_what_the_function_raises(journal: Journal) -> None:
    @ct.stage(capture=("lr",))
    def work(lr: float) -> None:
        """Do nothing."""

    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        work()  # type: ignore[call-arg]
    assert journal.outcomes() == [("work", "error")]


def test_capture_on_methods_coroutines_and_generators(journal: Journal) -> None:
    import asyncio
    from collections.abc import Generator

    class Model:
        @ct.stage("method", capture=("lr",))
        def fit(self, lr: float) -> None:
            """Do nothing."""

        @ct.stage("classmethod", capture=("lr",))
        @classmethod
        def make(cls, lr: float) -> None:
            """Do nothing."""

    @ct.stage("coroutine", capture=("lr",))
    async def coroutine(lr: float) -> None:
        """Do nothing."""

    @ct.stage("generator", capture=("lr",))
    def generator(lr: float) -> Generator[float, None, None]:
        yield lr

    Model().fit(0.1)
    Model.make(0.2)
    asyncio.run(coroutine(0.3))
    list(generator(0.4))
    names = ("method", "classmethod", "coroutine", "generator")
    assert [own(journal, name) for name in names] == [{"lr": 0.1}, {"lr": 0.2}, {"lr": 0.3}, {"lr": 0.4}]


def test_the_definitions_attributes_are_on_every_run(journal: Journal) -> None:
    given: dict[str, Any] = {"team": "search"}
    definition = ct.stage("work", attributes=given)
    given["team"] = "changed"
    for _ in range(2):
        with definition:
            pass
    assert [span["attributes"]["team"] for span in journal.spans()] == ["search", "search"]


def test_set_takes_numbers_texts_and_truth_values_of_numpy_too(journal: Journal) -> None:
    with ct.stage("work") as run:
        run.set(a=1, b=0.5, c="text", d=True, e=np.float32(0.25), f=np.int64(3), g=np.bool_(True))  # type: ignore[arg-type]
    assert own(journal) == {"a": 1, "b": 0.5, "c": "text", "d": True, "e": 0.25, "f": 3, "g": True}


def test_set_ignores_other_values_and_logs_them(
    journal: Journal, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with ct.stage("work") as run:
        run.set(good=1, thing=Hostile(), nothing=None, array=np.zeros(3))  # type: ignore[arg-type]
    assert own(journal) == {"good": 1}
    assert [record.name for record in caplog.records] == ["cycletrace"] * 3
    assert capfd.readouterr().err == ""


def test_nothing_that_a_user_puts_on_a_span_makes_its_record_unreadable(journal: Journal) -> None:
    from opentelemetry import trace

    with ct.stage("work") as run:
        span = trace.get_current_span()
        span.update_name("work \ud800")
        span.set_attribute("surrogate \udfff", "\ud800")
        span.set_attribute("huge", 2**80)
        span.set_attribute("nan", float("nan"))
        span.set_attribute("long", "x" * 10_000_000)
        span.set_attribute("many", list(range(100_000)))
        span.add_event("event \ud800", {"thing": "\ud800"})
        run.set(key="line\nbreak", emoji="🙂")
    (document,) = journal.spans()
    assert document["span"] == "work ?"
    attributes = own(journal, "work ?")
    assert attributes["surrogate ?"] == "?"
    assert attributes["huge"] == float(2**80)
    assert len(attributes["long"]) == 16_384
    assert attributes["many"] == list(range(128))
    assert (attributes["key"], attributes["emoji"]) == ("line\nbreak", "🙂")
    assert document["events"][0][0] == "event ?"
    from cycletrace._internal.delivery.encode import Item, encode

    assert encode("traces", [Item(document, {})])


def test_oversized_attributes_are_ignored_and_logged(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    from opentelemetry import trace

    with ct.stage("work"):
        for number in range(128):
            trace.get_current_span().add_event(f"event {number}", {str(name): "x" * 16_000 for name in range(20)})
    assert "events" not in journal.span("work")
    assert "It is ignored" in caplog.text
