"""Checks that the stubs have exactly the names that the module has."""

from __future__ import annotations

import ast
from pathlib import Path

import msgfs
from msgfs import _msgfs


def names_in_stub() -> dict[str, set[str]]:
    tree = ast.parse(Path(msgfs.__file__).with_name("_msgfs.pyi").read_text())
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return {
        one.name: {item.name for item in one.body if isinstance(item, ast.FunctionDef)}
        for one in classes
    }


def test_every_name_is_in_the_stub() -> None:
    for name, stubbed in names_in_stub().items():
        found = {one for one in vars(getattr(_msgfs, name)) if not one.startswith("_")}
        assert found == {one for one in stubbed if not one.startswith("_")}, name


def test_the_package_is_typed_and_documented() -> None:
    assert Path(msgfs.__file__).with_name("py.typed").exists()
    for name in msgfs.__all__:
        assert name == "__version__" or getattr(msgfs, name).__doc__, name
