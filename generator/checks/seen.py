"""A set of texts in 16 to 32 bytes each: what must be unique in a file of any size."""

from __future__ import annotations

from array import array

_EMPTY = 0
_START = 1 << 10


class Seen:
    """Remembers texts by a 64-bit hash.

    Two different texts share a hash with a probability of about n^2 / 4e19: one in a billion
    for the 200,000 rows of a 400 MB file.
    """

    __slots__ = ("_count", "_mask", "_slots")

    def __init__(self) -> None:
        """Start empty."""
        self._slots = array("q", bytes(8 * _START))
        self._mask = _START - 1
        self._count = 0

    def __len__(self) -> int:
        """How many texts are in it."""
        return self._count

    def __contains__(self, text: str) -> bool:
        """Whether `text` was added."""
        return self._slots[self._place(hash(text) or 1)] != _EMPTY

    def add(self, text: str) -> bool:
        """Add a text.

        Returns:
            Whether it is new.
        """
        key = hash(text) or 1
        place = self._place(key)
        if self._slots[place] != _EMPTY:
            return False
        self._slots[place] = key
        self._count += 1
        if self._count * 2 > self._mask:
            self._grow()
        return True

    def _place(self, key: int) -> int:
        slots, mask = self._slots, self._mask
        place = key & mask
        while slots[place] not in (_EMPTY, key):
            place = (place + 1) & mask
        return place

    def _grow(self) -> None:
        old = self._slots
        self._mask = self._mask * 2 + 1
        self._slots = array("q", bytes(8 * (self._mask + 1)))
        for key in old:
            if key != _EMPTY:
                self._slots[self._place(key)] = key
