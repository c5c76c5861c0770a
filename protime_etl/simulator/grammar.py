"""The filter grammar of the API, exactly as documented; what the fields mean is left to `selection`.

https://documentation.myprotime.eu/protimeapi/reference/filtering/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args

__all__ = ["AllOf", "AnyOf", "Comparison", "Constant", "Expression", "FilterError", "Values", "parse_expression"]

# The basic lexer reads the longest word first: `inside` is an identifier, not `in` and a rest.
GRAMMAR = r"""
?start: expression
?expression: term
    | term ("or" term)+ -> any_of
?term: condition
    | condition ("and" condition)+ -> all_of
?condition: comparison
    | "(" expression ")"
comparison: IDENTIFIER operator factor
!operator: "eq" | "ge" | "le" | "in"
?factor: constant | list
list: [IDENTIFIER] "(" constant ("," constant)* ")"
?constant: INTEGER -> integer
    | STRING -> string
    | "true" -> true
    | "false" -> false

IDENTIFIER: /[A-Za-z][A-Za-z0-9_-]*/
INTEGER: /-?[0-9]{1,19}/
STRING: /'[^']*'/
%ignore /[ \t]+/
"""

Constant = bool | int | str


class FilterError(ValueError):
    """A filter that the API answers with status 400; the text is the reason."""


@dataclass(frozen=True)
class Values:
    """A list of constants, or the members of the named collection that they identify."""

    collection: str | None
    constants: tuple[Constant, ...]


@dataclass(frozen=True)
class Comparison:
    """One condition on one field."""

    identifier: str
    operator: str
    factor: Constant | Values


@dataclass(frozen=True)
class AllOf:
    """Conditions joined by `and`."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True)
class AnyOf:
    """Conditions joined by `or`."""

    parts: tuple[Expression, ...]


Expression = Comparison | AllOf | AnyOf


@v_args(inline=True)
class _TreeBuilder(Transformer[Token, Expression]):
    def integer(self, token: Token) -> int:
        return int(token)

    def string(self, token: Token) -> str:
        return str(token)[1:-1]

    def true(self) -> bool:
        return True

    def false(self) -> bool:
        return False

    def operator(self, token: Token) -> str:
        return str(token)

    def list(self, collection: Token | None, *constants: Constant) -> Values:
        return Values(None if collection is None else str(collection), constants)

    def comparison(self, identifier: Token, operator: str, factor: Constant | Values) -> Comparison:
        return Comparison(str(identifier), operator, factor)

    def all_of(self, *parts: Expression) -> AllOf:
        return AllOf(parts)

    def any_of(self, *parts: Expression) -> AnyOf:
        return AnyOf(parts)


_PARSER = Lark(GRAMMAR, parser="lalr", lexer="basic", maybe_placeholders=True, transformer=_TreeBuilder())


def parse_expression(text: str) -> Expression:
    """Read a filter by the documented grammar alone, whatever the fields are called.

    Raises:
        FilterError: the text is not an expression.
    """
    try:
        # The transformer is embedded in the parser, which therefore returns another type than it declares.
        return cast("Expression", _PARSER.parse(text))
    except UnexpectedInput as error:
        raise FilterError(_syntax_reason(text, error)) from None


def _syntax_reason(text: str, error: UnexpectedInput) -> str:
    if isinstance(error, UnexpectedToken):
        if error.token.type == "$END":
            return "The filter ends too early."
        if "EQ" in error.expected:
            return f"'{error.token}' is not an operator; the operators are eq, ge, le and in."
        return f"'{error.token}' is not expected at position {error.pos_in_stream}."
    position = error.pos_in_stream
    return f"The character at position {position} cannot be read: {text[position:][:1]!r}."
