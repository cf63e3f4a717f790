"""Numbers of 256 bits modulo a prime, for compiled kernels.

A number is four words of 64 bits, the least first. Products are those of Montgomery: `multiply(a, b, m)` is
a b / 2^256 modulo m, so numbers are kept multiplied by 2^256 while they are worked with. Sums and products are
given to LLVM as chains of carries and multiplications to 128 bits, for which most processors have instructions.
Products become functions that are called, which saves most of the time of compiling; only the two formulas in
which nearly all time is spent copy them.

Time depends on the numbers in places; for public numbers and for test keys only.

Reference: Montgomery 1985, Modular multiplication without trial division.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic

from wayside.table import U8, U64

Words: TypeAlias = tuple[np.uint64, np.uint64, np.uint64, np.uint64]

# numba's own modules are not annotated
_intrinsic: Any = intrinsic
cgutils: Any = _cgutils
_WORDS: Any = types.UniTuple(types.uint64, 4)  # type: ignore[no-untyped-call]
_WORD, _PRODUCT = ir.IntType(64), ir.IntType(128)
_RESULT = ir.LiteralStructType([_WORD] * 4)
_ZERO = _WORD(0)


def _chain(builder: Any, overflowing: Any, a: list[Any], b: list[Any]) -> tuple[list[Any], Any]:
    """Return the words of a + b or a - b, of as many words, and the carry or borrow out of the last."""
    found, carry = [], None
    for one, other in zip(a, b, strict=True):
        pair = overflowing(one, other)
        word, out = builder.extract_value(pair, 0), builder.extract_value(pair, 1)
        if carry is not None:
            pair = overflowing(word, builder.zext(carry, _WORD))
            word, out = builder.extract_value(pair, 0), builder.or_(out, builder.extract_value(pair, 1))
        found.append(word)
        carry = out
    return found, carry


def _sum(builder: Any, a: list[Any], b: list[Any]) -> tuple[list[Any], Any]:
    return _chain(builder, builder.uadd_with_overflow, a, b)


def _difference(builder: Any, a: list[Any], b: list[Any]) -> tuple[list[Any], Any]:
    return _chain(builder, builder.usub_with_overflow, a, b)


def _row(builder: Any, factor: Any, words: list[Any]) -> list[Any]:
    """Return factor times words, one word more."""
    wide = [builder.mul(builder.zext(factor, _PRODUCT), builder.zext(word, _PRODUCT)) for word in words]
    low = [builder.trunc(product, _WORD) for product in wide]
    high = [builder.trunc(builder.lshr(product, _PRODUCT(64)), _WORD) for product in wide]
    upper, _ = _sum(builder, [*low[1:], _ZERO], high)
    return [low[0], *upper]


def _once_less(builder: Any, a: list[Any], above: Any, modulus: list[Any]) -> list[Any]:
    """Return a + above * 2^256 less modulus where that is not negative, else a."""
    less, borrow = _difference(builder, [*a, above], [*modulus, _ZERO])
    return [builder.select(borrow, word, other) for word, other in zip(a, less[:4], strict=True)]


def _operation(name: str, arguments: tuple[Any, ...], build: Any, called: bool = False) -> tuple[Any, Any]:
    """Return signature and code generator of an intrinsic on `Words`: a function that is called or copied."""

    def define(function: Any) -> None:
        function.linkage, function.calling_convention = "linkonce_odr", "fastcc"
        for attribute in ("nounwind", "noinline" if called else "alwaysinline"):
            function.attributes.add(attribute)
        builder = ir.IRBuilder(function.append_basic_block())
        words, given = iter(function.args), []
        for kind in arguments:
            given.append([next(words) for _ in range(4)] if kind == _WORDS else next(words))
        found = ir.Constant(_RESULT, ir.Undefined)
        for place, word in enumerate(build(builder, *given)):
            found = builder.insert_value(found, word, place)
        builder.ret(found)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        words: list[Any] = []
        for value, kind in zip(values, arguments, strict=True):
            words += cgutils.unpack_tuple(builder, value) if kind == _WORDS else [value]
        shape = ir.FunctionType(_RESULT, [_WORD] * len(words))
        function = cgutils.get_or_insert_function(builder.module, shape, f"wayside_{name}")
        if function.is_declaration:
            define(function)
        found = builder.call(function, words, cconv="fastcc")
        parts = [builder.extract_value(found, place) for place in range(4)]
        return context.make_tuple(builder, signature.return_type, parts)

    return _WORDS(*arguments), generate


def _product(builder: Any, a: list[Any], b: list[Any], prime: list[Any]) -> list[Any]:
    # adding low * prime clears the lowest word; what remains of it is low * (prime + 1) / 2^64
    upper, _ = _sum(builder, prime[1:], [_WORD(1), _ZERO, _ZERO])
    total = [_ZERO] * 5
    for word in a:
        total, _ = _sum(builder, total, _row(builder, word, b))
        four, carry = _sum(builder, total[1:], _row(builder, total[0], upper))
        total = [*four, builder.zext(carry, _WORD)]
    return _once_less(builder, total[:4], total[4], prime)


@_intrinsic
def multiply(typing: Any, a: Any, b: Any, prime: Any) -> Any:
    """Return a b / 2^256 modulo a prime that is -1 modulo 2^64 and at most 2^256 - 2^224, as both fields' are."""
    return _operation("multiply", (_WORDS, _WORDS, _WORDS), _product, called=True)


@_intrinsic
def multiply_copied(typing: Any, a: Any, b: Any, prime: Any) -> Any:
    """Return the same as `multiply`; a fifth faster, and slow to compile."""
    return _operation("multiply_copied", (_WORDS, _WORDS, _WORDS), _product)


@_intrinsic
def multiply_any(typing: Any, a: Any, b: Any, modulus: Any, inverse: Any) -> Any:
    """Return a b / 2^256 modulo an odd number from 2^255 to 2^256 - 2^224.

    `inverse` is -1 / modulus modulo 2^64.
    """

    def build(builder: Any, a: Any, b: Any, modulus: Any, inverse: Any) -> Any:
        total = [_ZERO] * 5
        for word in a:
            total, _ = _sum(builder, total, _row(builder, word, b))
            low = builder.mul(total[0], inverse)
            five, carry = _sum(builder, total, _row(builder, low, modulus))
            total = [*five[1:], builder.zext(carry, _WORD)]
        return _once_less(builder, total[:4], total[4], modulus)

    return _operation("multiply_any", (_WORDS, _WORDS, _WORDS, types.uint64), build, called=True)


@_intrinsic
def add(typing: Any, a: Any, b: Any, modulus: Any) -> Any:
    """Return a + b modulo modulus; both are below it."""

    def build(builder: Any, a: Any, b: Any, modulus: Any) -> Any:
        total, carry = _sum(builder, a, b)
        return _once_less(builder, total, builder.zext(carry, _WORD), modulus)

    return _operation("add", (_WORDS, _WORDS, _WORDS), build)


@_intrinsic
def subtract(typing: Any, a: Any, b: Any, modulus: Any) -> Any:
    """Return a - b modulo modulus; both are below it."""

    def build(builder: Any, a: Any, b: Any, modulus: Any) -> Any:
        less, borrow = _difference(builder, a, b)
        back, _ = _sum(builder, less, modulus)
        return [builder.select(borrow, word, other) for word, other in zip(back, less, strict=True)]

    return _operation("subtract", (_WORDS, _WORDS, _WORDS), build)


@_intrinsic
def reduced(typing: Any, a: Any, modulus: Any) -> Any:
    """Return a modulo a modulus of at least 2^255, for any a of four words."""

    def build(builder: Any, a: Any, modulus: Any) -> Any:
        return _once_less(builder, a, _ZERO, modulus)

    return _operation("reduced", (_WORDS, _WORDS), build)


@_intrinsic
def stay_apart(typing: Any) -> Any:
    """Keep the function it stands in from being copied into its callers, whose compilation would take long."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.function.attributes.add("noinline")
        return context.get_dummy_value()

    return types.none(), generate


@numba.njit(cache=True)
def is_zero(a: Words) -> bool:
    """Return whether all words are 0."""
    return bool((a[0] | a[1] | a[2] | a[3]) == 0)


@numba.njit(cache=True)
def equal(a: Words, b: Words) -> bool:
    """Return whether two numbers are the same."""
    return bool(((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])) == 0)


@numba.njit(cache=True)
def below(a: Words, b: Words) -> bool:
    """Return whether a < b."""
    for word in (3, 2, 1, 0):
        if a[word] != b[word]:
            return bool(a[word] < b[word])
    return False


@numba.njit(cache=True)
def load(row: U64, at: int) -> Words:
    """Return the four words of a row from `at` on."""
    return row[at], row[at + 1], row[at + 2], row[at + 3]


@numba.njit(cache=True)
def store(a: Words, row: U64, at: int) -> None:
    """Put four words into a row from `at` on."""
    row[at], row[at + 1], row[at + 2], row[at + 3] = a


@numba.njit(cache=True)
def read(octets: U8, at: int) -> Words:
    """Return the number of 32 octets from `at` on, the greatest first."""
    words = (np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(0))
    for _ in range(4):
        word = np.uint64(0)
        for n in range(8):
            word = word << np.uint64(8) | np.uint64(octets[at + n])
        words = (word, words[0], words[1], words[2])
        at += 8
    return words


@numba.njit(cache=True)
def write(a: Words, octets: U8, at: int) -> None:
    """Put a number into 32 octets from `at` on, the greatest first."""
    for word in range(4):
        for n in range(8):
            octets[at + 8 * (3 - word) + n] = a[word] >> np.uint64(56 - 8 * n) & np.uint64(0xFF)


@numba.njit(cache=True)
def power(a: Words, exponent: Words, modulus: Words, inverse: np.uint64, one: Words) -> Words:
    """Return a to the power of a public exponent, four bits at a time; `one` is 2^256 modulo modulus."""
    stay_apart()
    table = np.empty((16, 4), np.uint64)
    store(one, table[0], 0)
    for n in range(1, 16):
        store(multiply_any(load(table[n - 1], 0), a, modulus, inverse), table[n], 0)
    found = one
    for word in (3, 2, 1, 0):
        for place in range(60, -4, -4):
            for _ in range(4):
                found = multiply_any(found, found, modulus, inverse)
            four = exponent[word] >> np.uint64(place) & np.uint64(15)
            if four:
                found = multiply_any(found, load(table[four], 0), modulus, inverse)
    return found


@numba.njit(cache=True)
def invert_all(numbers: U64, below_two: Words, modulus: Words, inverse: np.uint64, one: Words) -> None:
    """Replace each row of words by its inverse, with a single power for all; none may be 0.

    `below_two` is the modulus less 2. Reference: Montgomery 1987, Speeding the Pollard and elliptic curve methods.
    """
    stay_apart()
    products, product = np.empty_like(numbers), one
    for k in range(len(numbers)):
        store(product, products[k], 0)
        product = multiply_any(product, load(numbers[k], 0), modulus, inverse)
    product = power(product, below_two, modulus, inverse, one)
    for k in range(len(numbers) - 1, -1, -1):
        found = multiply_any(product, load(products[k], 0), modulus, inverse)
        product = multiply_any(product, load(numbers[k], 0), modulus, inverse)
        store(found, numbers[k], 0)
