"""Writes every_dtype.safetensors with the standard library alone; see README.md."""

import json
import pathlib
import struct

# Name of the dtype, bits of one element: in the order in which the Python library sorts them.
DTYPES = [
    ("BOOL", 8), ("F4", 4), ("F6_E2M3", 6), ("F6_E3M2", 6), ("U8", 8), ("I8", 8), ("F8_E5M2", 8), ("F8_E4M3", 8),
    ("F8_E8M0", 8), ("I16", 16), ("U16", 16), ("F16", 16), ("BF16", 16), ("I32", 32), ("U32", 32), ("F32", 32),
    ("C64", 64), ("F64", 64), ("I64", 64), ("U64", 64),
]
METADATA = {"format": "pt", "json": '{"a": "b\\n"}', "text": "tab\t quote\" slash/ bell\u0007 unit\u001f del\u007f \u00e9 \U0001d400"}


def tensors():
    for name, bits in DTYPES:
        yield f"dtype.{name}", name, [2, 4], bits  # eight elements
    yield "scalar", "F32", [], 4
    yield "empty", "F32", [0, 3], 0
    yield "\uff21", "U8", [1], 1  # before the next one by code point, behind it by UTF-16 unit
    yield "\U0001d400", "U8", [1], 1
    yield "quote\" back\\ line\n", "U8", [1], 1


rank = {name: index for index, (name, _) in enumerate(DTYPES)}
ordered = sorted(tensors(), key=lambda t: (-rank[t[1]], t[0]))
header, data = {"__metadata__": METADATA}, b""
for name, dtype, shape, size in ordered:
    start = len(data)
    data += bytes((start + i) * 7 % 251 for i in range(size))
    header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [start, len(data)]}
text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
text += b" " * (-len(text) % 8)
target = pathlib.Path(__file__).with_name("every_dtype.safetensors")
target.write_bytes(struct.pack("<Q", len(text)) + text + data)
