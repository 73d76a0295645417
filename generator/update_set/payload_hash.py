"""`payload_hash`: how the platform tells whether two captures hold the same content.

Java's `String.hashCode()` of the payload text without the parts that differ between two
captures of the same content (`spec/update-set-format.md` section 8: measured, 4,630 of 4,647
rows of genuine exports; the rest were edited after the export or are layout rows).
"""

from __future__ import annotations

import re
from functools import cache

_STAMPS = (
    "sys_created_by|sys_created_on|sys_updated_by|sys_updated_on|sys_mod_count"
    "|sys_id|sys_update_name|sys_customer_update|sys_code"
)
_CUT = re.compile(
    # A stamp, empty or a leaf; sys_package as a filled leaf; an attachment field that is not a
    # record; every empty element whose first attribute says delete_multiple.
    rf"<({_STAMPS})(?: [^<>]*?)?(?:/>|>[^<]*</\1>)"
    r"|<sys_package(?: [^<>]*?)?(?<!/)>[^<]*</sys_package>"
    r"|<sys_attachment(?! action=)(?: [^<>]*?)?(?<!/)>[^<]*</sys_attachment>"
    r'|<[A-Za-z_]\w* action="delete_multiple"[^<>]*?/>'
)

_LANES = 4
_POWER = tuple(pow(31, exponent, 1 << 32) for exponent in range(_LANES + 1))


def hashed_text(payload: str) -> str:
    """The part of the payload that the hash is taken over; CDATA is not protected from the cut."""
    return _CUT.sub("", payload)


def java_string_hash(text: str) -> int:
    """`java.lang.String.hashCode()`: over UTF-16 units, as a signed 32-bit number.

    The sum is folded in halves over one big integer with a 64-bit lane per four units: a lane
    below 2^32 times a factor below 2^32, plus a lane, still fits, so that no lane ever spills
    into its neighbour. Leading zero units add nothing to the sum, so the text is padded in front.
    """
    units = text.encode("utf-16-le", "surrogatepass")
    if not units:
        return 0
    lanes = 1
    while lanes * 2 * _LANES < len(units):
        lanes *= 2
    whole = int.from_bytes(units.rjust(lanes * 2 * _LANES, b"\0"), "little")
    unit = _mask(lanes, 0xFFFF)
    folded = (
        (whole & unit) * _POWER[3]
        + (whole >> 16 & unit) * _POWER[2]
        + (whole >> 32 & unit) * _POWER[1]
        + (whole >> 48 & unit)
    ) & _mask(lanes, 0xFFFFFFFF)
    factor = _POWER[4]
    factors = []
    for _ in range(lanes.bit_length() - 1):
        factors.append(factor)
        factor = factor * factor & 0xFFFFFFFF
    for factor in reversed(factors):
        lanes //= 2
        bits = lanes * 64
        low = folded & ((1 << bits) - 1)
        folded = (low * factor + (folded >> bits)) & _mask(lanes, 0xFFFFFFFF)
    return folded - 0x100000000 if folded & 0x80000000 else folded


@cache
def _mask(lanes: int, lane: int) -> int:
    """A big integer with the same value in each of `lanes` 64-bit lanes."""
    return int.from_bytes(lane.to_bytes(8, "little") * lanes, "little")


def payload_hash(payload: str) -> str:
    """The hash of a payload as the decimal number that stands in the file."""
    return str(java_string_hash(hashed_text(payload)))
