"""What the models say about their options, for whoever describes them.

pydantic can read the docstrings when a class is made (`use_attribute_docstrings`), but that is a
tenth of what a start of the bridge takes.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from textwrap import dedent
from typing import Any, get_args

from pydantic import BaseModel


@cache
def describe(model: type[BaseModel]) -> None:
    """Make the docstring under each option its description, in nested sections, too."""
    written: dict[str, str] = {}
    for owner in reversed(model.__mro__):
        if issubclass(owner, BaseModel) and owner is not BaseModel:
            written |= docstrings(owner)
    for name, info in model.model_fields.items():
        for section in sections(info.annotation):
            describe(section)
        info.description = info.description or written.get(name)
    model.model_rebuild(force=True)


def docstrings(owner: type) -> dict[str, str]:
    """The texts under the annotated names of a class; none for one without a source."""
    try:
        [definition] = ast.parse(dedent(inspect.getsource(owner))).body
    except (OSError, TypeError):
        return {}
    body = definition.body if isinstance(definition, ast.ClassDef) else []
    found = {}
    for option, text in pairwise(body):
        match option, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(said))),
            ):
                found[name] = inspect.cleandoc(said)
    return found


def sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from sections(inner)
