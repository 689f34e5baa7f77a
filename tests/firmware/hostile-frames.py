#!/usr/bin/env python3
"""Frames that a host must not send: hostile-frames.py SOCKET PACKAGE.

Each gets the answer that doc/firmware.md says, none stops the firmware, and after all of them a package is taken, checked
and run."""
import random
import socket
import struct
import sys
import zlib

SYNC = b"\xa5\x5a"
HELLO, BEGIN, WRITE, FILL, LOAD, RUN = range(1, 7)
ANSWER, REFUSAL = 0x40, 0x7f
FRAME, TYPE, LENGTH, RANGE, ROOM, ORDER, PACKAGE = range(1, 8)
MOST = 1024


class Device:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.sequence = 0

    def take(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            assert more, "the device is gone"
            data += more
        return data

    def answer(self):
        assert self.take(2) == SYNC
        head = self.take(4)
        kind, sequence, n = struct.unpack("<BBH", head)
        payload = self.take(n)
        assert self.take(4) == struct.pack("<I", zlib.crc32(head + payload))
        return kind, sequence, payload

    def send_raw(self, data):
        self.socket.sendall(data)

    def frame(self, kind, payload=b""):
        self.sequence = (self.sequence + 1) % 256
        body = struct.pack("<BBH", kind, self.sequence, len(payload)) + payload
        return SYNC + body + struct.pack("<I", zlib.crc32(body))

    def ask(self, kind, payload=b""):
        """The answer's payload, or the number of the error."""
        self.send_raw(self.frame(kind, payload))
        got, sequence, answer = self.answer()
        assert sequence == self.sequence
        if got == REFUSAL:
            return answer[0]
        assert got == kind + ANSWER
        return answer


def u32(*numbers):
    return struct.pack(f"<{len(numbers)}I", *numbers)


def expect(what, got, wanted):
    assert got == wanted, f"{what}: {got}, not {wanted}"


def damage(device):
    whole = device.frame(HELLO)
    device.send_raw(whole[:-1] + bytes([whole[-1] ^ 1]))
    expect("a CRC that does not hold", device.answer()[2][0], FRAME)
    device.send_raw(SYNC + struct.pack("<BBH", HELLO, 0, MOST + 1))
    expect("a length past the most", device.answer()[2][0], FRAME)
    device.send_raw(SYNC + struct.pack("<BBH", WRITE, 0, 100) + b"half")
    expect("a frame that breaks off", device.answer()[2][0], FRAME)
    device.send_raw(bytes(random.randrange(256) for _ in range(64)).replace(SYNC, b"") + b"\xa5")
    assert isinstance(device.ask(HELLO), bytes), "noise before a frame"


def disorder(device):
    expect("no such request", device.ask(0), TYPE)
    expect("no such request", device.ask(200), TYPE)
    expect("bytes too many", device.ask(HELLO, b"x"), LENGTH)
    expect("bytes too few", device.ask(RUN, u32(0, 1)), LENGTH)
    expect("write before begin", device.ask(WRITE, u32(0) + b"x" * 64), ORDER)
    expect("load before begin", device.ask(LOAD), ORDER)
    expect("run before load", device.ask(RUN, u32(0, 1, 1)), ORDER)
    expect("a package too large", device.ask(BEGIN, u32(0x7fffffff)), ROOM)
    expect("a package of 1000", device.ask(BEGIN, u32(1000)), b"")
    expect("a gap", device.ask(WRITE, u32(64) + b"x" * 64), RANGE)
    expect("past the end", device.ask(FILL, u32(0, 1001) + b"x"), RANGE)
    expect("far past the end", device.ask(FILL, u32(0, 0xffffffff) + b"x"), RANGE)
    expect("an offset that wraps around", device.ask(FILL, u32(0xffffffc0, 0x80) + b"x"), RANGE)
    expect("what fits", device.ask(FILL, u32(0, 960) + b"x"), b"")
    expect("the same again", device.ask(FILL, u32(0, 960) + b"x"), b"")
    expect("load before the end", device.ask(LOAD), ORDER)
    expect("the rest", device.ask(WRITE, u32(960) + b"x" * 40), b"")
    expect("what is no package", device.ask(LOAD), PACKAGE)
    expect("run what was refused", device.ask(RUN, u32(0, 1, 1)), ORDER)


def send_package(device, package):
    expect("begin", device.ask(BEGIN, u32(len(package))), b"")
    for at in range(0, len(package), 960):
        expect("write", device.ask(WRITE, u32(at) + package[at:at + 960]), b"")


def run_package(device, package):
    send_package(device, package)
    loaded = device.ask(LOAD)
    assert isinstance(loaded, bytes), f"the package is refused: {loaded}"
    operations, = struct.unpack("<I", loaded[:4])
    expect("operations past the last", device.ask(RUN, u32(0, operations + 1, 1)), RANGE)
    expect("a range that wraps around", device.ask(RUN, u32(1, 0xffffffff, 1)), RANGE)
    expect("no runs", device.ask(RUN, u32(0, operations, 0)), RANGE)
    expect("runs without end", device.ask(RUN, u32(0, operations, 0xffffffff)), RANGE)
    total, least, most = struct.unpack("<3Q", device.ask(RUN, u32(0, operations, 2)))
    assert 0 < least <= most and 2 * least <= total <= 2 * most


def main():
    random.seed(5)
    device = Device(sys.argv[1])
    with open(sys.argv[2], "rb") as f:
        package = f.read()
    damage(device)
    disorder(device)
    # The size and the arena in the header, both in the tables' way.
    for at in (16, 20, 24, 36, 64, 92):
        broken = bytearray(package[:8192])
        broken[at + 1] ^= 0xff
        send_package(device, bytes(broken))
        expect(f"byte {at + 1} changed", device.ask(LOAD), PACKAGE)
    run_package(device, package)


if __name__ == "__main__":
    main()
