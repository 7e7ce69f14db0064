"""Operators: the small faults that can be planted in a module, each in one place of its syntax tree.

Not mutated: docstrings, annotations, type aliases, `__all__` and `__slots__`; what a sentence says (f-strings, and
the texts with a space in a `raise`); and the keywords of `QUIET`, which change no outcome by construction.
Needs the standard library alone: it is also read where the package must not be imported yet.

Long: one operator stands beside the other, so that a reader sees at once what is planted and what is not.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

QUIET = {"slots", "repr", "description", "defer_build"}
"""Keywords of calls that say how a thing is stored, shown or described."""

_COMPARE: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_SAYS_WHETHER = {"bool", "all", "any", "isinstance", "issubclass", "hasattr", "callable"}


@dataclass(frozen=True)
class Mutation:
    """One fault, not planted yet.

    Attributes:
        kind: The operator's name.
        line: Line of the place, from 1.
        column: Column of the place, from 0.
        scope: Names of the functions and classes around it, joined by dots; "" at the top of the module.
        text: The line as it stands, without the white space around it.
        original: What stands there.
        mutated: What would.
        plant: Puts the fault into the tree that was walked.
    """

    kind: str
    line: int
    column: int
    scope: str
    text: str
    original: str
    mutated: str
    plant: Callable[[], None] = dataclass_field(compare=False)

    @property
    def change(self) -> str:
        """Kind, original and mutated text in one line."""
        return f"{self.kind}: {self.original} -> {self.mutated}"


def mutations(tree: ast.Module, source: str) -> list[Mutation]:
    """Every fault there is for a tree, in the order of the source.

    Args:
        tree: What `ast.parse` makes of the source; a planted fault changes it.
        source: The source, to show lines of it.
    """
    walk = _Walk(source.splitlines())
    walk.block(tree)
    return walk.found


class _Walk:
    """A walk over the tree that notes faults on its way."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.found: list[Mutation] = []
        self.scope: list[str] = []
        self.raising = False

    def note(self, kind: str, node: Any, before: ast.AST, after: ast.AST | str, plant: Callable[[], None]) -> None:
        mutated = after if isinstance(after, str) else ast.unparse(after)
        text = self.lines[node.lineno - 1].strip()
        original = ast.unparse(before)
        self.found.append(
            Mutation(kind, node.lineno, node.col_offset, ".".join(self.scope), text, original, mutated, plant)
        )

    def swap(self, kind: str, parent: ast.AST, field: str, at: int | None, new: ast.AST) -> None:
        """Note that the child of a node would be another."""
        old = getattr(parent, field) if at is None else getattr(parent, field)[at]
        ast.fix_missing_locations(ast.copy_location(new, old))

        def plant() -> None:
            if at is None:
                setattr(parent, field, new)
            else:
                getattr(parent, field)[at] = new

        self.note(kind, old, old, new, plant)

    # Blocks and statements

    def block(self, node: Any, field: str = "body") -> None:
        for at, statement in enumerate(getattr(node, field)):
            self.statement(node, field, at, statement)

    def statement(self, parent: ast.AST, field: str, at: int, node: ast.stmt) -> None:
        if _is_silent(node):
            return
        if _is_removable(node):
            self.swap("statement removed", parent, field, at, ast.Pass())
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.definition(node)
            return
        if isinstance(node, ast.If | ast.While):
            self.condition(node, "test", None, loops=isinstance(node, ast.While))
        if isinstance(node, ast.Return) and node.value is not None:
            self.result(node, "value", node.value)
        if isinstance(node, ast.AugAssign) and type(node.op) in _ARITHMETIC:
            self.arithmetic(node)
        if not self.scope and isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            self.elements(node.value)
        self.raising, before = isinstance(node, ast.Raise), self.raising
        self.children(node)
        self.raising = before

    def definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        for at, decorator in enumerate(node.decorator_list):
            self.expression(node, "decorator_list", at, decorator)
        self.scope.append(node.name)
        if not isinstance(node, ast.ClassDef):
            self.defaults(node.args)
        self.block(node)
        self.scope.pop()

    def defaults(self, node: ast.arguments) -> None:
        for field in ("defaults", "kw_defaults"):
            for at, default in enumerate(getattr(node, field)):
                if default is not None:
                    self.expression(node, field, at, default)

    # Expressions

    def children(self, node: ast.AST) -> None:
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "type_comment"):
                continue
            if isinstance(value, list):
                for at, child in enumerate(value):
                    self.child(node, field, at, child)
            elif isinstance(value, ast.AST):
                self.child(node, field, None, value)

    def child(self, parent: ast.AST, field: str, at: int | None, node: Any) -> None:
        if isinstance(node, ast.stmt):
            assert at is not None
            self.statement(parent, field, at, node)
        elif isinstance(node, ast.expr):
            self.expression(parent, field, at, node)
        elif isinstance(node, ast.keyword) and node.arg in QUIET:
            return
        elif isinstance(node, ast.arguments):
            self.defaults(node)
        elif isinstance(node, ast.AST):
            if isinstance(node, ast.comprehension):
                for place in range(len(node.ifs)):
                    self.condition(node, "ifs", place)
            self.children(node)

    def expression(self, parent: ast.AST, field: str, at: int | None, node: ast.expr) -> None:
        if isinstance(node, ast.JoinedStr):
            return
        if isinstance(node, ast.Constant):
            self.constant(parent, field, at, node)
        elif isinstance(node, ast.Compare):
            self.compare(node)
        elif isinstance(node, ast.BoolOp):
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            self.swap("and/or", parent, field, at, ast.BoolOp(other, node.values))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.swap("not removed", parent, field, at, node.operand)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            self.swap("one side", parent, field, at, node.left)
            self.swap("one side", parent, field, at, node.right)
        elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            self.arithmetic(node)
        elif isinstance(node, ast.IfExp):
            self.condition(node, "test", None)
        elif isinstance(node, ast.Lambda):
            self.result(node, "body", node.body)
        elif isinstance(node, ast.Slice):
            self.slice(node)
        self.children(node)

    def constant(self, parent: ast.AST, field: str, at: int | None, node: ast.Constant) -> None:
        value = node.value
        if isinstance(value, bool):
            self.swap("constant", parent, field, at, ast.Constant(not value))
        elif isinstance(value, int | float):
            self.swap("constant", parent, field, at, ast.Constant(value + 1))
            self.swap("constant", parent, field, at, ast.Constant(value - 1))
        elif isinstance(value, str) and not (self.raising and " " in value):
            self.swap("constant", parent, field, at, ast.Constant("" if value else "~"))

    def compare(self, node: ast.Compare) -> None:
        for at, operator in enumerate(node.ops):
            for other in _COMPARE[type(operator)]:
                ops = [*node.ops[:at], other(), *node.ops[at + 1 :]]
                shown = ast.Compare(node.left, ops, node.comparators)
                self.note("comparison", node, node, shown, lambda ops=ops: setattr(node, "ops", ops))  # type: ignore[misc]

    def arithmetic(self, node: ast.BinOp | ast.AugAssign) -> None:
        other = _ARITHMETIC[type(node.op)]()
        if isinstance(node, ast.BinOp):
            shown: ast.AST = ast.BinOp(node.left, other, node.right)
        else:
            shown = ast.AugAssign(node.target, other, node.value)
        self.note("arithmetic", node, node, shown, lambda: setattr(node, "op", other))

    def slice(self, node: ast.Slice) -> None:
        for field in ("lower", "upper"):
            if getattr(node, field) is not None:
                shown = ast.Slice(*(None if name == field else getattr(node, name) for name in ("lower", "upper")))
                self.note("slice", node, node, shown, lambda field=field: setattr(node, field, None))  # type: ignore[misc]

    def condition(self, parent: ast.AST, field: str, at: int | None, *, loops: bool = False) -> None:
        test = getattr(parent, field) if at is None else getattr(parent, field)[at]
        if not isinstance(test, ast.Compare) and not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)):
            self.swap("not inserted", parent, field, at, ast.UnaryOp(ast.Not(), test))
        for value in (False,) if loops else (True, False):
            self.swap("condition", parent, field, at, ast.Constant(value))

    def result(self, parent: ast.AST, field: str, value: ast.expr) -> None:
        if _says_whether(value):
            for other in (True, False):
                self.swap("result", parent, field, None, ast.Constant(other))
        elif not isinstance(value, ast.Constant):
            self.swap("result", parent, field, None, ast.Constant(None))

    def elements(self, node: ast.AST) -> None:
        """Elements of the tables at the top of a module, dropped one at a time."""
        if isinstance(node, ast.Lambda | ast.Subscript | ast.JoinedStr):
            return
        if isinstance(node, ast.Dict):
            for at in range(len(node.values)):
                self.dropped(node, at, ("keys", "values"))
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            for at in range(len(node.elts)):
                self.dropped(node, at, ("elts",))
        for child in ast.iter_child_nodes(node):
            self.elements(child)

    def dropped(self, node: ast.AST, at: int, fields: tuple[str, ...]) -> None:
        parts = [getattr(node, field)[at] for field in fields]

        def plant() -> None:
            for field in fields:
                del getattr(node, field)[at]

        self.note("element dropped", parts[-1], parts[0] or parts[-1], "(nothing)", plant)


def _is_silent(node: ast.stmt) -> bool:
    """Whether nothing in a statement is mutated: imports, texts that document, aliases of types, lists of names."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.AnnAssign):
        return node.value is None or "TypeAlias" in ast.unparse(node.annotation)
    if isinstance(node, ast.Assign):
        names = {target.id for target in node.targets if isinstance(target, ast.Name)}
        return bool(names & {"__all__", "__slots__"}) or _is_alias(node.value)
    return isinstance(node, ast.Import | ast.ImportFrom | ast.Pass)


def _is_alias(node: ast.expr) -> bool:
    """Whether a value is a type with parameters, such as dict[str, int] or Literal["a", "b"]."""
    types = {"dict", "list", "tuple", "set", "Callable", "Mapping", "Literal", "Sequence", "Iterable"}
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in types


def _is_removable(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign | ast.AugAssign):  # a name not assigned is noticed by Python itself
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return isinstance(node, ast.AugAssign) or isinstance(targets[0], ast.Attribute | ast.Subscript)
    if isinstance(node, ast.Return):
        return node.value is None
    return isinstance(node, ast.Expr | ast.Raise | ast.Continue | ast.Break | ast.Delete)


def _says_whether(node: ast.expr) -> bool:
    if isinstance(node, ast.BoolOp):
        return all(_says_whether(value) for value in node.values)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not)
    if isinstance(node, ast.Constant):
        return False  # True and False are swapped as constants
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _SAYS_WHETHER
    return isinstance(node, ast.Compare)


def faults(source: str) -> Iterator[tuple[Mutation, ast.Module]]:
    """Each fault of a source with a tree of its own in which it is planted."""
    for at in range(len(mutations(ast.parse(source), source))):
        tree = ast.parse(source)
        mutation = mutations(tree, source)[at]
        mutation.plant()
        yield mutation, tree
