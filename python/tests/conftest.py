"""Fixtures for all tests: the samples of the project, and the corpus of real messages."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "tests" / "samples"


def corpus() -> list[Path]:
    """The files of the corpus; an empty list if there is no corpus."""
    folder = Path(os.environ.get("MSGFS_CORPUS", ROOT / ".." / "shared" / "corpus"))
    return sorted(folder.rglob("*.msg"))


@pytest.fixture
def samples() -> Path:
    return SAMPLES


@pytest.fixture(scope="session")
def corpus_files() -> list[Path]:
    files = corpus()
    if not files:
        pytest.skip("SKIPPED: no corpus in MSGFS_CORPUS or ../shared/corpus")
    return files
