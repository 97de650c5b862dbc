"""One converter for the tests of a module: starting its processes takes longer than most conversions."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from workers.conversion.converter import Converter


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def converter(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Converter]:
    converter = Converter(tmp_path_factory.mktemp("converted"))
    yield converter
    await converter.close()
