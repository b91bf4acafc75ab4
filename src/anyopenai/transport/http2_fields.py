"""HPACK, the compression of header fields (RFC 7541), for peers that say the same again and again; no frames here.

h2 takes these in place of the classes of its own library, which spend 2 us on each field and write its value, secrets
included, into the log of whoever turns on debugging for all loggers. Here a field that was encoded or decoded before costs
one look into a dict. The tables of both directions are part of the protocol, so nothing is remembered that they could
contradict: what depends on the dynamic table is forgotten when that changes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

# Parts of h2's own requirement: tables of numbers, and the errors that h2 expects of a decoder.
from hpack.exceptions import HPACKDecodingError, InvalidTableSizeError, OversizedHeaderListError
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

__all__ = ("FieldDecoder", "FieldEncoder")

Field = tuple[bytes, bytes]

# RFC 9113, section 6.5.2: what both sides start with. More would hold more fields than a request has.
TABLE_BYTES: Final = 4096

_STATIC: Final[tuple[Field, ...]] = tuple((bytes(name), bytes(value)) for name, value in HeaderTable.STATIC_TABLE)
_STATIC_FIELDS: Final = {field: index for index, field in reversed(list(enumerate(_STATIC, 1)))}
_STATIC_NAMES: Final = {name: index for index, (name, _) in reversed(list(enumerate(_STATIC, 1)))}
_FIRST_DYNAMIC: Final = len(_STATIC) + 1

# RFC 7541, section 7.1.3: a proxy must not put these into a table either, where others could test for them.
_SECRET: Final = frozenset({b"authorization", b"proxy-authorization", b"cookie", b"api-key", b"x-api-key"})
# Differ from request to request: in the table they would only drive out others.
_VARYING: Final = frozenset({b"content-length", b"idempotency-key"})

_MANY: Final = 512
_LARGE_FIELD: Final = 1024
_OVERHEAD: Final = 32  # RFC 7541, section 4.1

_huffman = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)


class FieldEncoder:
    """Turns the fields of requests into blocks.

    A field goes into the table of the connection when it is sent for the second time: what is sent once, such as an
    identifier, would only drive out others.
    """

    def __init__(self) -> None:
        self._limit = TABLE_BYTES
        # Pairs to the number of their insertion, and the other way round, the oldest first.
        self._numbers: dict[Field, int] = {}
        self._entries: deque[Field] = deque()
        self._size = 0
        self._inserted = 0
        # What encoded fields look like: some depend on the table as it is now, others on nothing.
        self._current: dict[Field, bytes] = {}
        self._fixed: dict[Field, bytes] = {}
        self._seen: set[Field] = set()
        self._resized: list[int] = []

    @property
    def header_table_size(self) -> int:
        """How large the table may grow, in bytes as RFC 7541, section 4.1, counts them."""
        return self._limit

    @header_table_size.setter
    def header_table_size(self, size: int) -> None:
        """Follow the peer's setting, as far as that is less than the default."""
        size = min(size, TABLE_BYTES)
        if size == self._limit:
            return
        self._limit = size
        # Section 4.2: the smallest size in between must be told, then the last one.
        self._resized = [min([size, *self._resized]), size]
        self._evict(0)

    def encode(self, fields: Iterable[Field]) -> bytes:
        """Return the block for these fields, in their order."""
        parts: list[bytes] = []
        if self._resized:
            parts += [_integer(size, 5, 0x20) for size in dict.fromkeys(self._resized)]
            self._resized = []
        current, fixed = self._current, self._fixed
        for field in fields:
            part = current.get(field) or fixed.get(field)
            parts.append(part if part is not None else self._encode(field))
        return b"".join(parts)

    def _encode(self, field: Field) -> bytes:
        field = (bytes(field[0]), bytes(field[1]))  # h2 may hand over classes of its own
        name, value = field
        index = _STATIC_FIELDS.get(field)
        if index is not None:
            return self._keep(field, _integer(index, 7, 0x80))
        if name in _SECRET:
            return self._keep(field, _literal(name, value, 4, 0x10))
        if name in _VARYING or len(name) + len(value) > _LARGE_FIELD:
            return _literal(name, value, 4, 0, short=False)
        number = self._numbers.get(field)
        if number is not None:
            part = self._current[field] = _integer(_FIRST_DYNAMIC + self._inserted - 1 - number, 7, 0x80)
            return part
        if field not in self._seen:
            if len(self._seen) >= _MANY:
                self._seen.clear()
            self._seen.add(field)
            return _literal(name, value, 4, 0, short=False)
        size = len(name) + len(value) + _OVERHEAD
        if size > self._limit:
            return _literal(name, value, 4, 0, short=False)
        self._evict(size)
        self._numbers[field] = self._inserted
        self._entries.append(field)
        self._inserted += 1
        self._size += size
        self._current.clear()
        return _literal(name, value, 6, 0x40)

    def _keep(self, field: Field, part: bytes) -> bytes:
        if len(self._fixed) >= _MANY:
            self._fixed.clear()
        self._fixed[field] = part
        return part

    def _evict(self, room: int) -> None:
        """Drop the oldest entries until there is room."""
        while self._size + room > self._limit:
            field = self._entries.popleft()
            del self._numbers[field]
            self._current.pop(field, None)
            self._size -= len(field[0]) + len(field[1]) + _OVERHEAD


class FieldDecoder:
    """Turns blocks into the fields of responses.

    Attributes:
        max_header_list_size: Bytes of fields that one block may amount to; more is an attack.
        max_allowed_table_size: How large the peer may make the table.
    """

    def __init__(self) -> None:
        self.max_header_list_size: int = 65536
        self.max_allowed_table_size: int = TABLE_BYTES
        self._limit = TABLE_BYTES
        # The newest first, as it is numbered.
        self._entries: deque[Field] = deque()
        self._size = 0
        self._strings: dict[bytes, bytes] = {}

    def decode(self, data: bytes, raw: bool = True) -> list[Field]:
        """Return the fields of a block, in their order.

        Raises:
            HPACKError: The block is not one, or is more than the limits allow. The connection is of no more use then.
        """
        try:
            return self._decode(data)
        except IndexError:
            raise HPACKDecodingError("the block of fields is cut short") from None

    def _decode(self, data: bytes) -> list[Field]:
        fields: list[Field] = []
        total = position = 0
        end = len(data)
        while position < end:
            first = data[position]
            position += 1
            if first & 0x80:
                index = first & 0x7F
                if index == 0x7F:
                    index, position = _read_integer(data, position, 0x7F)
                field = self._field(index)
            elif first & 0xE0 == 0x20:
                size = first & 0x1F
                if size == 0x1F:
                    size, position = _read_integer(data, position, 0x1F)
                if fields:
                    raise HPACKDecodingError("the size of the table changes in the middle of a block")
                if size > self.max_allowed_table_size:
                    raise InvalidTableSizeError(f"a table of {size} bytes is more than was allowed")
                self._limit = size
                self._evict(0)
                continue
            else:
                mask = 0x3F if first & 0x40 else 0x0F
                index = first & mask
                if index == mask:
                    index, position = _read_integer(data, position, mask)
                if index:
                    name = self._field(index)[0]
                else:
                    name, position = self._string(data, position)
                value, position = self._string(data, position)
                field = (name, value)
                if first & 0x40:
                    self._insert(field)
            fields.append(field)
            total += len(field[0]) + len(field[1]) + _OVERHEAD
            if total > self.max_header_list_size:
                raise OversizedHeaderListError(f"the fields amount to more than {self.max_header_list_size} bytes")
        if self._limit > self.max_allowed_table_size:
            raise InvalidTableSizeError("the table was not made as small as it had to be")
        return fields

    def _field(self, index: int) -> Field:
        if 0 < index < _FIRST_DYNAMIC:
            return _STATIC[index - 1]
        index -= _FIRST_DYNAMIC
        if not 0 <= index < len(self._entries):
            raise HPACKDecodingError("a field refers to what the table does not have")
        return self._entries[index]

    def _string(self, data: bytes, position: int) -> tuple[bytes, int]:
        first = data[position]
        position += 1
        length = first & 0x7F
        if length == 0x7F:
            length, position = _read_integer(data, position, 0x7F)
        end = position + length
        if end > len(data):
            raise HPACKDecodingError("the block of fields is cut short")
        text = data[position:end]
        if not first & 0x80:
            return text, end
        known = self._strings.get(text)
        if known is None:
            known = bytes(decode_huffman(text))
            if len(self._strings) >= _MANY:
                self._strings.clear()
            if length <= _LARGE_FIELD:
                self._strings[text] = known
        return known, end

    def _insert(self, field: Field) -> None:
        size = len(field[0]) + len(field[1]) + _OVERHEAD
        self._evict(size)
        if size <= self._limit:
            self._entries.appendleft(field)
            self._size += size

    def _evict(self, room: int) -> None:
        while self._entries and self._size + room > self._limit:
            name, value = self._entries.pop()
            self._size -= len(name) + len(value) + _OVERHEAD


def _integer(value: int, bits: int, flags: int) -> bytes:
    """Encode an integer behind some bits of flags (RFC 7541, section 5.1)."""
    most = (1 << bits) - 1
    if value < most:
        return bytes((flags | value,))
    parts = [flags | most]
    value -= most
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _read_integer(data: bytes, position: int, value: int) -> tuple[int, int]:
    """Read the rest of an integer whose first byte was full."""
    shift = 0
    while True:
        byte = data[position]
        position += 1
        value += (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
        if shift > 28:
            raise HPACKDecodingError("a number in a block of fields is too large")


def _literal(name: bytes, value: bytes, bits: int, flags: int, *, short: bool = True) -> bytes:
    """Encode a field by its text.

    Args:
        name: Its name.
        value: Its value.
        bits: How many bits of the first byte number a known name.
        flags: The other bits: what becomes of the field.
        short: Spend time on Huffman's code: the result will be used again.
    """
    index = _STATIC_NAMES.get(name, 0)
    head = _integer(index, bits, flags)
    return head + (b"" if index else _text(name, short=short)) + _text(value, short=short)


def _text(text: bytes, *, short: bool) -> bytes:
    if short:
        packed = _huffman.encode(text)
        if len(packed) < len(text):
            return _integer(len(packed), 7, 0x80) + packed
    return _integer(len(text), 7, 0) + text
