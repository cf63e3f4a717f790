"""Failing inputs made small: fewer of them, then fewer octets, then plainer ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

Inputs = tuple[bytes, ...]


def smallest(
    inputs: Inputs, fails: Callable[[Inputs], bool], *, head: int = 0, tries: int = 400, seconds: float = 20.0
) -> Inputs:
    """Return inputs that still fail, as few and as short as some tries find.

    Args:
        inputs: that fail together.
        fails: tells whether inputs fail in the same way.
        head: octets at the front of each that are left alone.
        tries: how often `fails` is asked at most.
        seconds: and for how long.

    >>> smallest((b"abc", b"xxAxx"), lambda given: any(b"A" in one for one in given))
    (b'A',)
    """
    until, left = time.monotonic() + seconds, tries
    while left > 0:
        for smaller in _smaller(inputs, head):
            left -= 1
            if fails(smaller):
                inputs = smaller
                break
            if left <= 0 or time.monotonic() > until:
                return inputs
        else:
            break
    return inputs


def _smaller(inputs: Inputs, head: int) -> Iterator[Inputs]:
    """Yield what may be tried next, the smallest first."""
    count = len(inputs)
    if count > 1:
        for parts in (2, 8, 64):
            size = max(1, count // parts)
            yield from (inputs[start : start + size] for start in range(0, count, size))
            yield from (inputs[:start] + inputs[start + size :] for start in range(0, count, size))
        return
    (octets,) = inputs
    size = (len(octets) - head) // 2
    while size:
        for start in range(head, len(octets), size):
            yield (octets[:start] + octets[start + size :],)
        size //= 2
    for place in range(head, len(octets)):
        if octets[place]:
            yield (octets[:place] + b"\0" + octets[place + 1 :],)
