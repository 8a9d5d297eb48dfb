"""Whole rows of the working memory at once: the few operations that a compiler does not find in short loops itself.

A loop over so few replicates is unrolled into single numbers before it could become vectors, and arrays that may
overlap are copied number by number. These work on a row vector by vector. Arrays hold single-precision numbers without
gaps; a place is that of a row's first number. Rows are equal or apart, never shifted against each other.
"""

from collections.abc import Callable
from typing import Any, Final

from numba.core import cgutils, types
from numba.extending import intrinsic

from analysis.touch.layout import BLOCK, LANES

__all__ = ["add_row", "any_in_block", "any_in_row", "copy_row", "keep_below"]

_cgutils: Any = cgutils
ir: Any = _cgutils.ir  # the compiler's own vocabulary
_REAL: Final = ir.FloatType()
_VECTOR: Final = ir.VectorType(_REAL, BLOCK)
_ANY_ORDER: Final = ("fast",)
_REAL_BYTES: Final = 4
_DATA: Final = 4  # place of the numbers' address among the members of a compiled array


def _vector(builder: Any, array: Any, place: Any) -> Any:
    """Return the address of the vector that begins at a place of an array."""
    return builder.bitcast(builder.gep(builder.extract_value(array, _DATA), [place]), _VECTOR.as_pointer())


def _vectors(builder: Any, array: Any, place: Any) -> list[Any]:
    """Return the addresses of a row's vectors."""
    steps = [ir.Constant(ir.IntType(64), n) for n in range(0, LANES, BLOCK)]
    return [_vector(builder, array, builder.add(place, step)) for step in steps]


def _loaded(builder: Any, address: Any) -> Any:
    return builder.load(address, align=_REAL_BYTES)


def _is_any(builder: Any, vectors: list[Any]) -> Any:
    """Return whether any number of some vectors is above 0; none is below."""
    together = vectors[0]
    for vector in vectors[1:]:
        together = builder.fadd(together, vector, flags=_ANY_ORDER)
    kind = ir.FunctionType(_REAL, [_REAL, _VECTOR])
    add = _cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fadd.v{BLOCK}f32")
    total = builder.call(add, [ir.Constant(_REAL, 0.0), together], fastmath=_ANY_ORDER)
    return builder.fcmp_ordered(">", total, ir.Constant(_REAL, 0.0))


def _written(result: Callable[..., Any]) -> Callable[..., Any]:
    """Return the code that writes ``result(builder, own vector, source's vector, …)`` over a row."""

    def emit(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        to, to_place, source, source_place, *more = values
        own, others = _vectors(builder, to, to_place), _vectors(builder, source, source_place)
        found = [
            result(builder, _loaded(builder, a), _loaded(builder, b), *more) for a, b in zip(own, others, strict=True)
        ]
        for address, vector in zip(own, found, strict=True):
            builder.store(vector, address, align=_REAL_BYTES)
        return context.get_dummy_value()

    return emit


def _copy_row(_context: Any, to: Any, place: Any, source: Any, source_place: Any) -> Any:
    """Write a row over another."""
    del place, source_place
    return types.void(to, types.intp, source, types.intp), _written(lambda _builder, _own, other: other)


def _add_row(_context: Any, to: Any, place: Any, source: Any, source_place: Any) -> Any:
    """Add a row to another."""
    del place, source_place
    return types.void(to, types.intp, source, types.intp), _written(
        lambda builder, own, other: builder.fadd(own, other)
    )


def _keep_below(_context: Any, to: Any, place: Any, source: Any, source_place: Any, limit: Any) -> Any:
    """Set a row to 0 where another is not below a limit."""
    del place, source_place, limit

    def below(builder: Any, own: Any, other: Any, limit: Any) -> Any:
        limits = ir.Constant(_VECTOR, ir.Undefined)
        for n in range(BLOCK):
            limits = builder.insert_element(limits, limit, ir.Constant(ir.IntType(32), n))
        is_below = builder.fcmp_ordered("<", other, limits)
        return builder.select(is_below, own, ir.Constant(_VECTOR, [0.0] * BLOCK))

    return types.void(to, types.intp, source, types.intp, types.float32), _written(below)


def _any_in_row(_context: Any, array: Any, place: Any) -> Any:
    """Return whether any number of a row is above 0; none may be below."""
    del place

    def emit(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return _is_any(builder, [_loaded(builder, a) for a in _vectors(builder, *values)])

    return types.boolean(array, types.intp), emit


def _any_in_block(_context: Any, array: Any, place: Any) -> Any:
    """Return whether any number of the block that begins at a place is above 0; none may be below."""
    del place

    def emit(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return _is_any(builder, [_loaded(builder, _vector(builder, *values))])

    return types.boolean(array, types.intp), emit


copy_row: Any = intrinsic(_copy_row)
add_row: Any = intrinsic(_add_row)
keep_below: Any = intrinsic(_keep_below)
any_in_row: Any = intrinsic(_any_in_row)
any_in_block: Any = intrinsic(_any_in_block)
