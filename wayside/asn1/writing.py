"""The kernel that writes batches of frames from columns by the instructions of a `Program`; see `machine.py`."""

from __future__ import annotations

import numba
import numpy as np

from wayside.asn1.bits import LONGEST, SMALL, Whole, take
from wayside.asn1.errors import Fault
from wayside.asn1.program import ABSENT, EXTENSIBLE_NAME, EXTENSIBLE_NUMBER, FREE_COUNT, Operation
from wayside.table import I64, U8, U64

_OPTIONAL, _PREAMBLE, _OPTION = int(Operation.OPTIONAL), int(Operation.PREAMBLE), int(Operation.OPTION)
_LIST, _NEXT, _CHOICE, _JUMP = int(Operation.LIST), int(Operation.NEXT), int(Operation.CHOICE), int(Operation.JUMP)
_TEXT, _CONSTANT, _SELECT = int(Operation.TEXT), int(Operation.CONSTANT), int(Operation.SELECT)
_ADDITIONS, _ADDITION, _UNKNOWN = int(Operation.ADDITIONS), int(Operation.ADDITION), int(Operation.UNKNOWN)
_OPEN, _CLOSE = int(Operation.OPEN), int(Operation.CLOSE)
_MALFORMED, _OUT_OF_RANGE = int(Fault.MALFORMED), int(Fault.OUT_OF_RANGE)
_DEEPEST = 8  # open types within one another


@numba.njit(cache=True)
def put(words: U64, bit: Whole, width: Whole, number: Whole) -> None:
    """Write 1 to 64 bits where all bits are zero; `number` has no more bits than that."""
    index = np.uint64(bit) >> np.uint64(6)
    place = np.uint64(bit) & np.uint64(63)
    held = number << np.uint64(64 - width)
    words[index] |= held >> place
    words[index + np.uint64(1)] |= (held << np.uint64(1)) << (np.uint64(63) - place)


@numba.njit(cache=True)
def put_over(words: U64, bit: Whole, width: Whole, number: Whole) -> None:
    """Write 1 to 64 bits over whatever is there."""
    index = np.uint64(bit) >> np.uint64(6)
    place = np.uint64(bit) & np.uint64(63)
    mask = np.uint64(0xFFFFFFFFFFFFFFFF) << np.uint64(64 - width)
    words[index] &= ~(mask >> place)
    words[index + np.uint64(1)] &= ~((mask << np.uint64(1)) << (np.uint64(63) - place))
    put(words, bit, width, number)


@numba.njit(cache=True)
def put_small(words: U64, bit: Whole, number: Whole) -> Whole:
    """Write a normally small number, and return the bit behind it."""
    if number < SMALL:
        put(words, bit, 7, np.uint64(number))
        return bit + 7
    octets = 1 if number < 256 else 2
    put(words, bit, 9, np.uint64(256 + octets))
    put(words, bit + 9, 8 * octets, np.uint64(number))
    return bit + 9 + 8 * octets


@numba.njit(cache=True)
def header(items: Whole) -> tuple[Whole, Whole, Whole]:
    """Return how many of these items the next length announces, and that length's bits and their number."""
    if items < 128:
        return items, items, 8
    if items < LONGEST:
        return items, 2 << 14 | items, 16
    fold = min(4, items // LONGEST)
    return fold * LONGEST, 3 << 6 | fold, 8


@numba.njit(cache=True)
def move(words: U64, source: Whole, target: Whole, count: Whole) -> None:
    """Move bits to a later place, which they may overlap."""
    while count > 0:
        width = min(64, count)
        count -= width
        put_over(words, target + count, width, take(words, source + count, width))


@numba.njit(cache=True)
def close_open(words: U64, begin: Whole, octets: Whole) -> Whole:
    """Write the length of an open type whose octets stand 8 bits behind `begin`; return the bit behind them.

    Long ones are moved on to make room for their length, or lengths.
    """
    if octets < 128:
        put(words, begin, 8, np.uint64(octets))
        return begin + 8 + 8 * octets
    parts, left, room = 0, octets, 0
    while True:
        size, _, width = header(left)
        room += width
        left -= size
        parts += 1
        if size < LONGEST:
            break
    end = begin + room + 8 * octets
    done, stop = octets, end
    for part in range(parts - 1, -1, -1):  # the last part first, so that none is written over
        left = octets
        for _ in range(part):
            left -= header(left)[0]
        size, bits, width = header(left)
        done -= size
        move(words, begin + 8 + 8 * done, stop - 8 * size, 8 * size)
        put_over(words, stop - 8 * size - width, width, np.uint64(bits))
        stop -= 8 * size + width
    return end


@numba.njit(cache=True)
def write_frames(  # noqa: PLR0915  one kernel, as calls would cost more than what they do
    words: U64,
    starts: I64,
    head: I64,
    code: I64,
    targets: I64,
    presence: I64,
    levels: I64,
    cells: I64,
    pool: U8,
    scratch: I64,
    stopped: I64,
) -> Whole:
    """Write one frame per row of the message; return 0, or the fault at which writing stopped.

    Args:
        words: zeros, enough of them, to be filled with the octets as big-endian words.
        starts: octet at which each frame begins; filled here.
        head: bits of the message's index, whether an extension bit stands before it, how many there are, and the
            index of this message.
        code, targets, presence: the program, with columns replaced by places in `cells`.
        levels: place of the first column, stride, rows and rows used, for each level.
        cells: all columns.
        pool: characters and octets of texts.
        scratch: registers, and three numbers for each loop: rows left, row of the level above, items still to be
            announced; -1 where none are.
        stopped: first loop in `scratch`; then, filled here, the instruction, the row and the bit of a fault.
    """
    loops, bit = stopped[0], 0
    outer = np.empty(_DEEPEST, np.int64)
    for frame in range(levels[0, 2]):
        starts[frame] = bit // 8
        if head[3] < head[2]:
            if head[0] + head[1] > 0:
                put(words, bit, head[0] + head[1], np.uint64(head[3]))
            bit += head[0] + head[1]
        else:
            put(words, bit, 1, np.uint64(1))
            bit = put_small(words, bit + 1, head[3] - head[2])
        wrong, at, here, depth = 0, 0, 0, 0
        row = levels[0, 3]
        levels[0, 3] = row + 1
        while True:
            here = at
            at += 1
            operation = code[here, 0]
            if operation <= _OPTIONAL:  # a FIELD too
                if operation == _OPTIONAL:
                    option = code[here, 7]
                    if scratch[option >> 6] << (option & 63) + 1 >= 0:
                        continue
                value = cells[code[here, 1] + row]
                number = np.uint64(value - code[here, 3])
                if number <= np.uint64(code[here, 4]):
                    put(words, bit, code[here, 2], number)
                    bit += code[here, 2]
                    continue
                form = code[here, 5]
                if value == ABSENT:
                    wrong = _MALFORMED
                    break
                if form == EXTENSIBLE_NAME and code[here, 4] < value <= code[here, 4] + LONGEST:
                    put(words, bit, 1, np.uint64(1))
                    bit = put_small(words, bit + 1, value - code[here, 4] - 1)
                elif form == EXTENSIBLE_NUMBER:
                    octets = 1
                    while octets < 8 and value << 64 - 8 * octets >> 64 - 8 * octets != value:
                        octets += 1
                    put(words, bit, 9, np.uint64(256 + octets))
                    spare = np.uint64(64 - 8 * octets)
                    put(words, bit + 9, 8 * octets, np.uint64(value) << spare >> spare)
                    bit += 9 + 8 * octets
                else:
                    wrong = _OUT_OF_RANGE
                    break
            elif operation == _PREAMBLE:
                options, table = code[here, 3], code[here, 5]
                flags = 0
                for option in range(options):
                    flags = flags << 1 | (cells[presence[table + option] + row] != ABSENT)
                for addition in range(code[here, 6]):
                    if cells[presence[table + options + addition] + row] != ABSENT:
                        flags |= 1 << options
                put(words, bit, options + code[here, 2], np.uint64(flags))
                bit += options + code[here, 2]
                scratch[code[here, 4]] = flags << 63 - options
            elif operation in (_OPTION, _ADDITION):
                if scratch[code[here, 2]] << code[here, 3] + (operation == _OPTION) >= 0:
                    at = code[here, 4]
            elif operation == _CHOICE:
                index = cells[code[here, 1] + row]
                if 0 <= index < code[here, 3]:
                    if code[here, 2] + code[here, 4] > 0:
                        put(words, bit, code[here, 2] + code[here, 4], np.uint64(index))
                    bit += code[here, 2] + code[here, 4]
                elif code[here, 3] <= index < code[here, 3] + targets[code[here, 5] - 1]:
                    put(words, bit, 1, np.uint64(1))
                    bit = put_small(words, bit + 1, index - code[here, 3])
                else:
                    wrong = _MALFORMED if index == ABSENT else _OUT_OF_RANGE
                    break
                at = targets[code[here, 5] + index]
            elif operation == _JUMP:
                at = code[here, 2]
            elif operation == _LIST:
                items = cells[code[here, 1] + row]
                if items < code[here, 3] or items - code[here, 3] > code[here, 4]:
                    wrong = _MALFORMED if items == ABSENT else _OUT_OF_RANGE
                    break
                left, rest = items, -1
                if code[here, 2] == FREE_COUNT:
                    left, bits, width = header(items)
                    put(words, bit, width, np.uint64(bits))
                    bit += width
                    rest = items - left if left >= LONGEST else -1
                elif code[here, 2] > 0:
                    put(words, bit, code[here, 2], np.uint64(items - code[here, 3]))
                    bit += code[here, 2]
                if items == 0:
                    at = code[here, 7]
                    continue
                level = code[here, 5]
                new = levels[level, 3]
                if new + items > levels[level, 2]:
                    wrong = _MALFORMED
                    break
                for item in range(items):
                    if cells[levels[level, 0] + levels[level, 1] + new + item] != row:
                        wrong = _MALFORMED
                if wrong != 0:
                    break
                loop = loops + 3 * code[here, 6]
                scratch[loop], scratch[loop + 1], scratch[loop + 2] = left, row, rest
                levels[level, 3] = new + 1
                row = new
            elif operation == _NEXT:
                loop = loops + 3 * code[here, 3]
                left = scratch[loop] - 1
                if left == 0 and scratch[loop + 2] >= 0:
                    rest = scratch[loop + 2]
                    left, bits, width = header(rest)
                    put(words, bit, width, np.uint64(bits))
                    bit += width
                    scratch[loop + 2] = rest - left if left >= LONGEST else -1
                if left == 0:
                    row = scratch[loop + 1]
                    continue
                scratch[loop] = left
                row = levels[code[here, 2], 3]
                levels[code[here, 2], 3] = row + 1
                at = code[here, 4]
            elif operation == _TEXT:
                items, start, width = cells[code[here, 1] + row], cells[code[here, 6] + row], code[here, 5]
                if items < 0 or start < 0 or items > len(pool) or start > len(pool) - items:
                    wrong = _MALFORMED
                    break
                outside = items < code[here, 3] or items - code[here, 3] > code[here, 4]
                if outside and code[here, 7] == 0:
                    wrong = _OUT_OF_RANGE
                    break
                if code[here, 7] == 1:
                    put(words, bit, 1, np.uint64(outside))
                    bit += 1
                if outside:
                    left = items
                    while True:
                        size, bits, wide = header(left)
                        put(words, bit, wide, np.uint64(bits))
                        bit += wide
                        for item in range(items - left, items - left + size):
                            put(words, bit, 8, np.uint64(pool[start + item]))
                            bit += 8
                        left -= size
                        if size < LONGEST:
                            break
                    continue
                if code[here, 2] > 0:
                    put(words, bit, code[here, 2], np.uint64(items - code[here, 3]))
                    bit += code[here, 2]
                for item in range(items):
                    character = np.uint64(pool[start + item])
                    if character >> np.uint64(width) != 0:
                        wrong = _OUT_OF_RANGE
                        break
                    put(words, bit, width, character)
                    bit += width
                if wrong != 0:
                    break
            elif operation == _ADDITIONS:
                known = code[here, 3]
                if scratch[code[here, 2]] >= 0:
                    at = code[here, 4]
                    continue
                flags = 0
                for addition in range(known):
                    flags = flags << 1 | (cells[presence[code[here, 7] + addition] + row] != ABSENT)
                put(words, bit, 7, np.uint64(known - 1))
                put(words, bit + 7, known, np.uint64(flags))
                bit += 7 + known
                scratch[code[here, 2] + 1] = flags << 64 - known
            elif operation == _OPEN:
                outer[depth] = bit
                depth += 1
                bit += 8
            elif operation == _CLOSE:
                depth -= 1
                octets = max(1, (bit - outer[depth] - 1) // 8)
                bit = close_open(words, outer[depth], octets)
            elif operation == _SELECT:
                value = cells[code[here, 1] + row]
                if value != ABSENT and value != code[here, 5]:
                    wrong = _OUT_OF_RANGE
                    break
                put(words, bit, code[here, 2], np.uint64(code[here, 5] - code[here, 3]))
                bit += code[here, 2]
            elif operation == _CONSTANT:
                value = cells[code[here, 1] + row]
                if value != code[here, 2]:
                    wrong = _MALFORMED if value == ABSENT else _OUT_OF_RANGE
                    break
            elif operation != _UNKNOWN:
                break
        if wrong != 0:
            stopped[1], stopped[2], stopped[3] = here, row, bit - 8 * starts[frame]
            return wrong
        bit = (bit + 7) // 8 * 8
    starts[levels[0, 2]] = bit // 8
    return 0
