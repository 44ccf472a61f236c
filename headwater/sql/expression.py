"""Which parts of an expression are known. Whatever else stands in one leaves its output open."""

from __future__ import annotations

from sqlglot import exp

_KNOWN = (
    # what is made from its parts
    *(exp.Alias, exp.Binary, exp.Unary, exp.Func, exp.Tuple, exp.Bracket, exp.Slice, exp.Between),
    *(exp.In, exp.SubqueryPredicate, exp.Subquery, exp.AtTimeZone, exp.Lambda, exp.Comprehension),
    *(exp.Window, exp.WindowSpec, exp.Order, exp.Ordered, exp.Filter, exp.WithinGroup),
    *(exp.Where, exp.Having, exp.Qualify, exp.Limit, exp.Offset),
    *(exp.Fetch, exp.LimitOptions, exp.TableAlias),
    *(exp.Distinct, exp.IgnoreNulls, exp.RespectNulls, exp.HavingMax, exp.Aliases),
    *(exp.Interval, exp.JSONKeyValue, exp.JSONValue, exp.OnCondition, exp.FormatJson, exp.Variadic),
    # what is made from no column
    *(exp.Literal, exp.Null, exp.Boolean, exp.Var, exp.DataType, exp.Placeholder, exp.Star),
    *(exp.HexString, exp.BitString, exp.ByteString, exp.National, exp.RawString, exp.UnicodeString),
    *(exp.IntervalSpan, exp.JSON, exp.JSONPath, exp.JSONPathPart),
)
_NAMING = (
    *(exp.Alias, exp.Aliases, exp.TableAlias, exp.Subquery, exp.PropertyEQ, exp.Kwarg, exp.Collate),
    *(exp.Anonymous, exp.XMLElement),
)
_BINDING = (exp.Lambda, exp.Comprehension)


def is_known(node: exp.Expr) -> bool:
    """Whether nothing comes from a node but what comes from its parts."""
    if isinstance(node, exp.Identifier):
        return _is_name(node)
    if isinstance(node, exp.Parameter):  # $1; but @x is a variable, or a sign before a column
        return isinstance(node.this, exp.Literal)
    return isinstance(node, _KNOWN)


def _is_name(name: exp.Identifier) -> bool:
    """Whether an identifier is a name in a part that is known, and reads nothing itself."""
    around = name.parent
    if isinstance(around, exp.Dot):  # a field; or the schema of a function
        is_called = isinstance(around.expression, exp.Func)
        return name is around.expression or is_called or is_bound(name)
    return isinstance(around, _NAMING) or is_bound(name)


def is_bound(name: exp.Identifier) -> bool:
    """Whether a name is that of a parameter, in a function that the expression itself spells."""
    around = name.find_ancestor(*_BINDING)
    while around is not None:
        bound = around.expressions if isinstance(around, exp.Lambda) else [around.expression]
        if name.name in [each.name for each in bound]:
            return True
        around = around.find_ancestor(*_BINDING)
    return False
