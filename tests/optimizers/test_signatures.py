"""Signatures equal the reference page, name by name and default by default."""

from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path

import pytest

import optimizers

PAGE = Path(__file__).parents[1] / "data" / "optimizer_signatures.json"
SIGNATURES: dict[str, dict[str, str]] = json.loads(PAGE.read_text())["signatures"]
FUNCTIONS = SIGNATURES["functions"]
METHODS = [
    (owner, method)
    for owner, methods in SIGNATURES.items()
    for method in methods
    if owner != "functions"
]

Arguments = list[tuple[str, str, object]]
NO_DEFAULT = "required"


def documented(text: str) -> Arguments:
    """Names, kinds and defaults of a documented argument list."""
    parsed = ast.parse(f"def f({text}): ...").body[0]
    assert isinstance(parsed, ast.FunctionDef)
    arguments = parsed.args
    missing = len(arguments.args) - len(arguments.defaults)
    defaults = [NO_DEFAULT] * missing + [ast.literal_eval(d) for d in arguments.defaults]
    found: Arguments = [
        (a.arg, "positional", d) for a, d in zip(arguments.args, defaults, strict=True)
    ]
    if arguments.vararg:
        found.append((arguments.vararg.arg, "*", NO_DEFAULT))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        value = NO_DEFAULT if default is None else ast.literal_eval(default)
        found.append((argument.arg, "keyword", value))
    if arguments.kwarg:
        found.append((arguments.kwarg.arg, "**", NO_DEFAULT))
    return found


def actual(function: object) -> Arguments:
    kinds: dict[object, str] = {
        inspect.Parameter.POSITIONAL_OR_KEYWORD: "positional",
        inspect.Parameter.VAR_POSITIONAL: "*",
        inspect.Parameter.KEYWORD_ONLY: "keyword",
        inspect.Parameter.VAR_KEYWORD: "**",
    }
    assert callable(function)
    return [
        (p.name, kinds[p.kind], NO_DEFAULT if p.default is inspect.Parameter.empty else p.default)
        for p in inspect.signature(function).parameters.values()
        if p.name != "self"
    ]


@pytest.mark.parametrize(("owner", "method"), METHODS)
def test_method_signature(owner: str, method: str) -> None:
    function = getattr(getattr(optimizers, owner), method)
    assert actual(function) == documented(SIGNATURES[owner][method])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_signature(name: str) -> None:
    assert actual(getattr(optimizers, name)) == documented(FUNCTIONS[name])


def test_all_documented_classes_are_there() -> None:
    assert set(SIGNATURES) - {"functions"} | {"AdamBase"} <= set(optimizers.__all__)
    assert issubclass(optimizers.Adam, optimizers.AdamBase)
    assert issubclass(optimizers.AdamW, optimizers.AdamBase)


def test_abstract_methods_are_the_documented_ones() -> None:
    abstract = {"preinitialize", "state_names_to_sparsify", "step"}
    assert optimizers.Optimizer.__abstractmethods__ == abstract
