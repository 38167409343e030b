from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.backends import jaeger as jaeger_


@pytest.fixture(scope="module")
def jaeger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[jaeger_.Jaeger]:
    with jaeger_.started(tmp_path_factory.mktemp("jaeger")) as found:
        yield found
