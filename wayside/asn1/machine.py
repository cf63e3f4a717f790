"""The kernel that reads batches of frames into columns by the instructions of a `Program`.

Cells of all levels lie in one flat array, column by column: the cell of a column in a row is at `place + row`,
and the next column of that level is one `stride` further on. A frame that is refused leaves no rows behind.
"""

from __future__ import annotations

from typing import TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from wayside.asn1.bits import Whole, join, measure, part_of, take, take_count, take_odd, take_small
from wayside.asn1.errors import Fault
from wayside.asn1.program import ABSENT, FREE_COUNT, Operation
from wayside.table import I64, U8, U64

I8: TypeAlias = NDArray[np.int8]

OTHER = -1  # of a frame: another message than the one that is asked for

# what the kernel knows has to be plain numbers
_OPTIONAL, _PREAMBLE, _OPTION = int(Operation.OPTIONAL), int(Operation.PREAMBLE), int(Operation.OPTION)
_LIST, _NEXT, _CHOICE, _JUMP = int(Operation.LIST), int(Operation.NEXT), int(Operation.CHOICE), int(Operation.JUMP)
_TEXT, _CONSTANT, _SELECT = int(Operation.TEXT), int(Operation.CONSTANT), int(Operation.SELECT)
_ADDITIONS, _ADDITION, _UNKNOWN = int(Operation.ADDITIONS), int(Operation.ADDITION), int(Operation.UNKNOWN)
_OPEN, _CLOSE = int(Operation.OPEN), int(Operation.CLOSE)
_TRUNCATED, _MALFORMED = int(Fault.TRUNCATED), int(Fault.MALFORMED)
_OUT_OF_RANGE, _TRAILING = int(Fault.OUT_OF_RANGE), int(Fault.TRAILING_BITS)
_UNKNOWN_MESSAGE = int(Fault.UNKNOWN_MESSAGE)
_DEEPEST = 8  # open types within one another


@numba.njit(cache=True)
def read_frames(  # noqa: PLR0915  one kernel, as calls would cost more than what they do
    words: U64,
    starts: I64,
    head: I64,
    code: I64,
    targets: I64,
    levels: I64,
    cells: I64,
    pool: U8,
    scratch: I64,
    done: I64,
    fault: I8,
    fault_bit: I64,
    fault_at: I64,
    extended: U8,
) -> Whole:
    """Read frames from `done[0]` on; return the level that has no room for another row, or -1 at the end.

    Args:
        words: the octets as big-endian words, two to spare.
        starts: octet at which each frame begins, and the end of the last.
        head: bits of the message's index, whether an extension bit stands before it, how many there are, and the
            index that is asked for.
        code, targets: the program, with columns replaced by places in `cells`.
        levels: place of the first column, stride, rows there is room for and rows used, for each level.
        cells: all columns.
        pool: characters and octets of texts.
        scratch: registers, and three numbers for each loop: rows left, row of the level above, further parts.
        done: frames that are done, octets of the pool that are used, first loop in `scratch`, and the bit in
            `words` from which on open types that came in parts are put together.
        fault, fault_bit, fault_at: why, where, and at which instruction each frame was refused; 0 where it was
            read, OTHER where it is another message.
        extended: 1 for frames with something the edition does not know.
    """
    count = len(starts) - 1
    loops = done[2]
    outer = np.empty((_DEEPEST, 5), np.int64)  # limit, bit behind, tail, header of parts or -1, first bit
    kept = np.empty(len(levels), np.int64)
    for frame in range(done[0], count):
        bit, limit = 8 * starts[frame], 8 * starts[frame + 1]
        for level in range(len(levels)):
            kept[level] = levels[level, 3]
        pooled = done[1]
        wrong, at, here, more, depth, tail = 0, 0, np.uint64(len(code) - 1), 0, 0, done[3]
        # --- which message ---
        if bit + head[0] + head[1] > limit and bit >= limit:
            wrong = _TRUNCATED
        elif head[1] == 1 and take(words, bit, 1) == 1:
            index, bit, wrong = take_small(words, bit + 1, limit)
            if wrong == 0 and index + head[2] != head[3]:
                wrong = OTHER
        elif bit + head[0] + head[1] > limit:
            wrong, bit = _TRUNCATED, bit + head[1]
        else:
            index = np.int64(take(words, bit, head[0] + head[1])) if head[0] + head[1] > 0 else 0
            bit += head[0] + head[1]
            if index >= head[2]:
                wrong = _UNKNOWN_MESSAGE
            elif index != head[3]:
                wrong = OTHER
        if wrong == 0:
            # --- the message ---
            if levels[0, 3] >= levels[0, 2]:
                done[0] = frame
                return 0
            row = levels[0, 3]
            levels[0, 3] = row + 1
            stride = levels[0, 1]
            cells[levels[0, 0] + row] = frame
            cells[levels[0, 0] + stride + row] = frame
            while True:
                here = np.uint64(at)
                at += 1
                operation = code[here, 0]
                if operation <= _OPTIONAL:  # a FIELD too
                    if operation == _OPTIONAL:
                        option = code[here, 7]
                        if scratch[option >> 6] << (option & 63) + 1 >= 0:
                            cells[np.uint64(code[here, 1] + row)] = ABSENT
                            continue
                    width = code[here, 2]
                    if bit + width <= limit:
                        number = take(words, bit, width)
                        if number <= np.uint64(code[here, 4]):
                            cells[np.uint64(code[here, 1] + row)] = np.int64(number) + code[here, 3]
                            bit += width
                            continue
                    odd, bit, wrong, is_extended = take_odd(words, bit, limit, code, here)
                    if wrong != 0:
                        break
                    more |= is_extended
                    cells[np.uint64(code[here, 1] + row)] = odd + code[here, 3]
                elif operation == _PREAMBLE:
                    width = code[here, 2] + code[here, 3]
                    if bit + width > limit:
                        wrong, bit = _TRUNCATED, limit
                        break
                    scratch[code[here, 4]] = np.int64(take(words, bit, width)) << (63 - code[here, 3])
                    bit += width
                elif operation in (_OPTION, _ADDITION):
                    # a preamble keeps the extension bit in the sign and the first option below it
                    if scratch[code[here, 2]] << code[here, 3] + (operation == _OPTION) < 0:
                        cells[np.uint64(code[here, 1] + row)] = 1
                    else:
                        for column in range(code[here, 6]):
                            cells[np.uint64(code[here, 5] + column * stride + row)] = ABSENT
                        at = code[here, 4]
                elif operation == _CHOICE:
                    for column in range(code[here, 7]):
                        cells[np.uint64(code[here, 6] + column * stride + row)] = ABSENT
                    width = code[here, 2] + code[here, 4]
                    if code[here, 4] == 1 and bit < limit and take(words, bit, 1) == 1:
                        index, bit, wrong = take_small(words, bit + 1, limit)
                        if wrong != 0:
                            break
                        cells[np.uint64(code[here, 1] + row)] = code[here, 3] + index
                        known = targets[code[here, 5] - 1]
                        if index >= known:
                            more = 1
                            _, _, bit, wrong = measure(words, bit, limit, 8)
                            if wrong != 0:
                                break
                            index = known
                        at = targets[code[here, 5] + code[here, 3] + index]
                        continue
                    if bit + width > limit:
                        wrong, bit = _TRUNCATED, min(bit + code[here, 4], limit)
                        break
                    index = np.int64(take(words, bit, width)) if width > 0 else 0
                    bit += width
                    if index >= code[here, 3]:
                        wrong = _OUT_OF_RANGE
                        break
                    cells[np.uint64(code[here, 1] + row)] = index
                    at = targets[code[here, 5] + index]
                elif operation == _JUMP:
                    at = code[here, 2]
                elif operation == _LIST:
                    number, more_parts = np.uint64(0), -1
                    if code[here, 2] == FREE_COUNT:
                        items, bit, wrong, more_parts = take_count(words, bit, limit, 4)
                        if wrong != 0:
                            break
                        number = np.uint64(items - code[here, 3])
                        if items < code[here, 3]:
                            wrong = _OUT_OF_RANGE
                            break
                    elif code[here, 2] > 0:
                        if bit + code[here, 2] > limit:
                            wrong = _TRUNCATED
                            break
                        number = take(words, bit, code[here, 2])
                        bit += code[here, 2]
                        if number > np.uint64(code[here, 4]):
                            wrong = _OUT_OF_RANGE
                            break
                    items = np.int64(number) + code[here, 3]
                    cells[np.uint64(code[here, 1] + row)] = items
                    if items == 0:
                        at = code[here, 7]
                        continue
                    level = code[here, 5]
                    new = levels[level, 3]
                    if new >= levels[level, 2]:
                        for undone in range(len(levels)):
                            levels[undone, 3] = kept[undone]
                        done[0] = frame
                        return level
                    levels[level, 3] = new + 1
                    loop = loops + 3 * code[here, 6]
                    scratch[loop], scratch[loop + 1], scratch[loop + 2] = items, row, more_parts
                    stride = levels[level, 1]
                    cells[levels[level, 0] + new] = frame
                    cells[levels[level, 0] + stride + new] = row
                    row = new
                elif operation == _NEXT:
                    loop = loops + 3 * code[here, 3]
                    left = scratch[loop] - 1
                    if left == 0 and scratch[loop + 2] >= 0:
                        left, bit, wrong, scratch[loop + 2] = take_count(words, bit, limit, scratch[loop + 2])
                        if wrong != 0:
                            here = np.uint64(code[here, 5])
                            break
                        cells[code[code[here, 5], 1] + scratch[loop + 1]] += left
                    if left == 0:
                        row = scratch[loop + 1]
                        stride = levels[code[here, 1], 1]
                        continue
                    level = code[here, 2]
                    new = levels[level, 3]
                    if new >= levels[level, 2]:
                        for undone in range(len(levels)):
                            levels[undone, 3] = kept[undone]
                        done[0] = frame
                        return level
                    levels[level, 3] = new + 1
                    scratch[loop] = left
                    cells[levels[level, 0] + new] = frame
                    cells[levels[level, 0] + stride + new] = scratch[loop + 1]
                    row = new
                    at = code[here, 4]
                elif operation == _TEXT:
                    number, width = np.uint64(0), code[here, 5]
                    if code[here, 7] == 1:
                        if bit >= limit:
                            wrong = _TRUNCATED
                            break
                        bit += 1
                        if take(words, bit - 1, 1) == 1:
                            header = bit
                            items, _, bit, wrong = measure(words, bit, limit, 8)
                            if wrong == 0 and 0 <= items - code[here, 3] <= code[here, 4]:
                                wrong = _MALFORMED
                            if wrong != 0:
                                break
                            for item in range(items):
                                octet = take(words, part_of(words, header, 8 * item), 8)
                                pool[pooled + item] = np.uint8(octet)
                            cells[np.uint64(code[here, 1] + row)] = items
                            cells[np.uint64(code[here, 6] + row)] = pooled
                            pooled += items
                            continue
                    if code[here, 2] > 0:
                        if bit + code[here, 2] > limit:
                            wrong = _TRUNCATED
                            break
                        number = take(words, bit, code[here, 2])
                        bit += code[here, 2]
                        if number > np.uint64(code[here, 4]):
                            wrong = _OUT_OF_RANGE
                            break
                    items = np.int64(number) + code[here, 3]
                    if bit + items * width > limit:
                        wrong = _TRUNCATED
                        if width == 7:  # characters are read one by one
                            bit += (limit - bit) // 7 * 7
                        break
                    for item in range(items):
                        pool[pooled + item] = np.uint8(take(words, bit + item * width, width))
                    cells[np.uint64(code[here, 1] + row)] = items
                    cells[np.uint64(code[here, 6] + row)] = pooled
                    pooled += items
                    bit += items * width
                elif operation == _CONSTANT:
                    cells[np.uint64(code[here, 1] + row)] = code[here, 2]
                elif operation == _ADDITIONS:
                    if scratch[code[here, 2]] >= 0:
                        for column in range(code[here, 6]):
                            cells[np.uint64(code[here, 5] + column * stride + row)] = ABSENT
                        at = code[here, 4]
                        continue
                    if bit >= limit:
                        wrong = _TRUNCATED
                        break
                    if take(words, bit, 1) == 1:
                        wrong, bit = _MALFORMED, bit + 1
                        break
                    if bit + 7 > limit:
                        wrong, bit = _TRUNCATED, bit + 1
                        break
                    items = np.int64(take(words, bit, 7)) + 1
                    bit += 7
                    if bit + items > limit:
                        wrong, bit = _TRUNCATED, limit
                        break
                    flags = np.int64(take(words, bit, items) << np.uint64(64 - items))
                    bit += items
                    scratch[code[here, 2]] = items
                    scratch[code[here, 2] + 1] = flags
                elif operation == _UNKNOWN:
                    listed, items = np.uint64(scratch[code[here, 2]]), scratch[code[here, 2] - 1]
                    if items != code[here, 3] or listed == 0:
                        more = 1
                    for item in range(code[here, 3], items):
                        if listed << np.uint64(item) >> np.uint64(63) == 1:
                            _, _, bit, wrong = measure(words, bit, limit, 8)
                            if wrong != 0:
                                break
                    if wrong != 0:
                        break
                elif operation == _OPEN:
                    header = bit
                    octets, first, bit, wrong = measure(words, bit, limit, 8)
                    if wrong != 0:
                        break
                    outer[depth, 0], outer[depth, 1] = limit, bit
                    outer[depth, 2], outer[depth, 3] = tail, -1
                    if bit != first + 8 * octets:
                        join(words, header, octets, tail)
                        outer[depth, 3] = header
                        first = tail
                        tail = (tail + 8 * octets + 127) // 64 * 64
                    outer[depth, 4] = first
                    depth += 1
                    bit, limit = first, first + 8 * octets
                elif operation == _CLOSE:
                    depth -= 1
                    left, first = limit - bit, outer[depth, 4]
                    if limit == first:
                        wrong = _TRUNCATED
                    elif left > (7 if bit > first else 8) or (left > 0 and take(words, bit, left) != 0):
                        wrong = _TRAILING
                    if wrong != 0:
                        depth += 1
                        break
                    limit, bit, tail = outer[depth, 0], outer[depth, 1], outer[depth, 2]
                elif operation == _SELECT:
                    width = code[here, 2]
                    if bit + width > limit:
                        wrong = _TRUNCATED
                        break
                    number = take(words, bit, width)
                    bit += width
                    if number > np.uint64(code[here, 4]):
                        wrong = _OUT_OF_RANGE
                        break
                    cells[np.uint64(code[here, 1] + row)] = np.int64(number) + code[here, 3]
                    if np.int64(number) + code[here, 3] != code[here, 5]:
                        wrong = OTHER
                        break
                else:
                    left = limit - bit
                    if left > 7 or (left > 0 and take(words, bit, left) != 0):
                        wrong = _TRAILING
                    break
        if wrong != 0:
            for level in range(len(levels)):
                levels[level, 3] = kept[level]
            for inner in range(depth - 1, -1, -1):
                if outer[inner, 3] >= 0:
                    bit = part_of(words, outer[inner, 3], bit - outer[inner, 4])
        else:
            done[1] = pooled
        extended[frame] = more
        fault[frame] = wrong
        fault_bit[frame] = bit - 8 * starts[frame]
        fault_at[frame] = here
    done[0] = count
    return -1
