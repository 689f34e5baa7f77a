"""Usage: distance.py A.safetensors B.safetensors
How far the float32 tensors of two files of one shape are from each other: norm of the difference, relative to A's."""
import array
import json
import math
import struct
import sys


def load(path):
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(size)), file.read()
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = entry["data_offsets"]
            tensors[name] = array.array("f", data[begin:end])
    return tensors


a, b = load(sys.argv[1]), load(sys.argv[2])
assert a and a.keys() == b.keys()
difference = sum((x - y) ** 2 for name in a for x, y in zip(a[name], b[name], strict=True))
print(math.sqrt(difference / sum(x * x for values in a.values() for x in values)))
