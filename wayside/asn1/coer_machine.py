"""Finding places in objects of canonical OER: one kernel for any schema, as strict as the record codec.

`find_places` follows a program of `coer_program.py` through an object, refuses what the record codec refuses, for
the same reason, and notes first octet and end of what is marked. Of octets and numbers whose length is sent, the
place is that of what follows the length.
"""

from __future__ import annotations

import numba

from wayside.asn1.coer_program import FREE, Operation
from wayside.asn1.coer_reading import DEEPEST
from wayside.asn1.coer_schema import LONGEST_NUMBER
from wayside.asn1.coer_steps import (
    MALFORMED,
    OUT_OF_RANGE,
    TRAILING,
    TRUNCATED,
    after_enumerated,
    after_integer,
    bits_at,
    content_at,
    count_characters,
    is_any_set,
    is_padded,
    is_same,
    is_set,
    is_seven_bit,
    is_shortest,
    items_at,
    tag_at,
)
from wayside.table import I64, U8

FIXED, SIZED, INTEGER, NUMBER = (
    Operation.FIXED.value,
    Operation.SIZED.value,
    Operation.INTEGER.value,
    Operation.NUMBER.value,
)
ENUMERATED, BOOLEAN, SEVEN_BIT = Operation.ENUMERATED.value, Operation.BOOLEAN.value, Operation.SEVEN_BIT.value
CHARACTERS, BITS, BEGIN, END = (
    Operation.CHARACTERS.value,
    Operation.BITS.value,
    Operation.BEGIN.value,
    Operation.END.value,
)
CHOICE, JUMP, FLAGS, FIELD = (
    Operation.CHOICE.value,
    Operation.JUMP.value,
    Operation.FLAGS.value,
    Operation.FIELD.value,
)
DEFAULT, ADDITIONS, ADDITION = Operation.DEFAULT.value, Operation.ADDITIONS.value, Operation.ADDITION.value
CLOSE, UNKNOWN, DROP, LIST = (
    Operation.CLOSE.value,
    Operation.UNKNOWN.value,
    Operation.DROP.value,
    Operation.LIST.value,
)
AGAIN, CALL, RETURN, OPEN = (
    Operation.AGAIN.value,
    Operation.CALL.value,
    Operation.RETURN.value,
    Operation.OPEN.value,
)


@numba.njit(cache=True)
def find_places(  # noqa: PLR0911, PLR0915
    code: I64, defaults: U8, stack: I64, octets: U8, first: int, last: int, spans: I64
) -> int:
    """Note the places of what is marked in one object; for kernels.

    Args:
        code: of a `PlacesProgram`, as `defaults` is.
        defaults: octets of defaults.
        stack: room for as many numbers as the program pushes.
        octets: many objects.
        first: where this one begins.
        last: where it ends.
        spans: first octet and end of each mark; -1 where it is not there. Filled.

    Returns:
        0, or the `Fault`; the places found before a fault stay.
    """
    spans[:] = -1
    here, at, end, top, depth = 0, first, last, 0, 0
    while True:
        operation = code[here]
        if operation == FIXED:
            start = at
            at += code[here + 1]
            if at > end:
                return -TRUNCATED
            mark = code[here + 2]
            here += 3
        elif operation == FIELD:
            if not is_set(octets, stack[top - 2], code[here + 1]):
                here = code[here + 2]
                continue
            stack[top - 1] = at
            here += 3
            continue
        elif operation == CHOICE:
            index, at = tag_at(octets, at, end)
            if index < 0:
                return -index
            if index < code[here + 1]:
                here = code[here + 4 + index]
                continue
            if not code[here + 2]:
                return -OUT_OF_RANGE
            length, at = content_at(octets, at, end)
            if length < 0:
                return -length
            at += length
            here = code[here + 3]
            continue
        elif operation == JUMP:
            here = code[here + 1]
            continue
        elif operation == FLAGS:
            size = code[here + 1]
            stack[top] = at
            top += 2
            at += (size + 7) >> 3
            if at > end:
                return -TRUNCATED
            if not is_padded(octets, at - ((size + 7) >> 3), size):
                return -MALFORMED
            here += 2
            continue
        elif operation == DROP:
            top -= 2
            here += 1
            continue
        elif operation == INTEGER:
            start = at
            at = after_integer(octets, at, end, code, here)
            if at < 0:
                return -at
            mark = code[here + 5]
            here += 6
        elif operation == SIZED:
            length, start = content_at(octets, at, end)
            if length < 0:
                return -length
            at = start + length
            if length < code[here + 1] or (code[here + 2] != FREE and length > code[here + 2]):
                return -OUT_OF_RANGE
            if code[here + 3] and not is_seven_bit(octets, start, at):
                return -MALFORMED
            mark = code[here + 4]
            here += 5
        elif operation == NUMBER:
            length, start = content_at(octets, at, end)
            if length < 0:
                return -length
            if not is_shortest(octets, start, length, code[here + 1] != 0):
                return -MALFORMED
            if length > LONGEST_NUMBER:
                return -OUT_OF_RANGE
            at = start + length
            mark = code[here + 2]
            here += 3
        elif operation == ENUMERATED:
            start = at
            at = after_enumerated(octets, at, end, code[here + 1], code[here + 2])
            if at < 0:
                return -at
            mark = code[here + 3]
            here += 4
        elif operation == BEGIN:
            spans[code[here + 1], 0] = at
            here += 2
            continue
        elif operation == END:
            spans[code[here + 1], 1] = at
            here += 2
            continue
        elif operation in (OPEN, ADDITION):
            if operation == ADDITION:
                number = code[here + 1]
                if number >= stack[top - 1] or not is_set(octets, stack[top - 2], number):
                    here = code[here + 2]
                    continue
                here += 3
            else:
                here += 1
            length, at = content_at(octets, at, end)
            if length < 0:
                return -length
            stack[top] = end
            top += 1
            end = at + length
            continue
        elif operation == CLOSE:
            if at != end:
                return -TRAILING
            top -= 1
            end = stack[top]
            here += 1
            continue
        elif operation == LIST:
            count, at = items_at(octets, at, end, code[here + 1], code[here + 2])
            if count < 0:
                return -count
            if count == 0:
                here = code[here + 3]
            else:
                stack[top] = count
                top += 1
                here += 4
            continue
        elif operation == AGAIN:
            stack[top - 1] -= 1
            if stack[top - 1] > 0:
                here = code[here + 1]
            else:
                top -= 1
                here += 2
            continue
        elif operation == DEFAULT:
            begin = stack[top - 1]
            if at - begin == code[here + 2] and is_same(octets, begin, defaults, code[here + 1], at - begin):
                return -MALFORMED
            here += 3
            continue
        elif operation == ADDITIONS:
            if octets[stack[top - 2]] < 0x80:
                here = code[here + 1]
                continue
            size, bits = bits_at(octets, at, end)
            if size < 0:
                return -size
            at = bits + ((size + 7) >> 3)
            if not is_any_set(octets, bits, at):
                return -MALFORMED
            stack[top], stack[top + 1] = bits, size
            top += 2
            here += 2
            continue
        elif operation == UNKNOWN:
            for number in range(code[here + 1], stack[top - 1]):
                if is_set(octets, stack[top - 2], number):
                    length, at = content_at(octets, at, end)
                    if length < 0:
                        return -length
                    at += length
            top -= 2
            here += 2
            continue
        elif operation == CALL:
            depth += 1
            if depth > DEEPEST:
                return -MALFORMED
            stack[top] = here + 2
            top += 1
            here = code[here + 1]
            continue
        elif operation == RETURN:
            if depth == 0:
                return 0 if at == last else -TRAILING
            depth -= 1
            top -= 1
            here = stack[top]
            continue
        elif operation == BITS:
            size, start = code[here + 1], at
            if (size + 7) >> 3 > end - at:
                return -TRUNCATED
            if not is_padded(octets, at, size):
                return -MALFORMED
            at = start + ((size + 7) >> 3)
            mark = code[here + 2]
            here += 3
        elif operation == CHARACTERS:
            length, start = content_at(octets, at, end)
            if length < 0:
                return -length
            at = start + length
            count = count_characters(octets, start, at)
            if count < 0:
                return -count
            if count < code[here + 1] or (code[here + 2] != FREE and count > code[here + 2]):
                return -OUT_OF_RANGE
            mark = code[here + 3]
            here += 4
        elif operation == SEVEN_BIT:
            start = at
            at += code[here + 1]
            if at > end:
                return -TRUNCATED
            if not is_seven_bit(octets, start, at):
                return -MALFORMED
            mark = code[here + 2]
            here += 3
        else:  # BOOLEAN
            if at >= end:
                return -TRUNCATED
            if octets[at] != 0 and octets[at] != 0xFF:
                return -MALFORMED
            start = at
            at += 1
            mark = code[here + 1]
            here += 2
        if mark >= 0:
            spans[mark, 0], spans[mark, 1] = start, at
