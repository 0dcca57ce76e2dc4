"""A local Hub for the tests of fetching."""

from __future__ import annotations

from collections.abc import Iterator

import huggingface_hub.constants
import pytest
from hub_server import Hub, serving


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A running Hub that the client finds by HF_ENDPOINT."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with serving(tmp_path_factory.mktemp("hub")) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        yield running
