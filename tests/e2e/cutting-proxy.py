#!/usr/bin/env python3
"""A link that breaks: forwards TCP to a server and cuts each connection after so many bytes of what comes back.

Usage: cutting-proxy.py PORT_FILE SERVER_PORT SEED MEAN_BYTES [CUTS]
The lengths are drawn at random (exponential, mean MEAN_BYTES) from SEED; after CUTS cuts (default: always) the link
holds.  Writes its port to PORT_FILE and, on SIGTERM, the number of cuts to stdout.
"""
import os
import random
import select
import signal
import socket
import struct
import sys
import threading

port_file, server_port = sys.argv[1], int(sys.argv[2])
draw = random.Random(int(sys.argv[3]))
mean = float(sys.argv[4])
cuts_left = int(sys.argv[5]) if len(sys.argv) > 5 else 10**9
cuts = 0
lock = threading.Lock()


def relay(client, server, left):
    """True when the connection is to be cut, after `left` bytes of what comes back (None: never)."""
    while left is None or left > 0:
        for source in select.select([client, server], [], [])[0]:
            wanted = 65536 if source is client or left is None else min(left, 65536)
            data = source.recv(wanted)
            if not data:
                return False
            (server if source is client else client).sendall(data)
            if source is server and left is not None:
                left -= len(data)
    return True


def serve(client):
    global cuts, cuts_left
    with lock:
        left = int(draw.expovariate(1 / mean)) if cuts_left > 0 else None
        cuts_left -= 1
    with client, socket.create_connection(("127.0.0.1", server_port)) as server:
        try:
            if not relay(client, server, left):
                return
        except OSError:
            return
        with lock:
            cuts += 1
        # a reset, as a link that broke gives: not the orderly end of a connection
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def stop(*_):
    print(cuts, flush=True)
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
listener = socket.create_server(("127.0.0.1", 0))
with open(port_file + ".tmp", "w", encoding="ascii") as f:
    f.write(f"{listener.getsockname()[1]}\n")


os.rename(port_file + ".tmp", port_file)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
