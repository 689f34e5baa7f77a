#!/usr/bin/env python3
"""Something between a device and its server that changes answers.

Usage: altering-proxy.py PORT_FILE SERVER_PORT RULES_FILE
Forwards HTTP requests.  RULES_FILE is read at each of them: lines of "METHOD PATH-PATTERN ACTION ARGUMENT"; the first
line that fits the request changes the body of its answer: "replay FILE" puts the file's content in its place, "flip BIT"
turns one bit of it (modulo its length).  Lengths stay right, entity tags and digests are left as they come.
"""
import http.client
import http.server
import os
import re
import sys

port_file, server_port, rules_file = sys.argv[1], int(sys.argv[2]), sys.argv[3]
PASSED_ON = ("Accept", "Content-Type", "Range", "If-Range")
DROPPED = ("content-length", "connection", "transfer-encoding", "date")


def altered(method, path, body):
    with open(rules_file, encoding="utf-8") as f:
        rules = [line.split() for line in f if line.strip()]
    for rule_method, pattern, action, argument in rules:
        if method != rule_method or not re.fullmatch(pattern, path):
            continue
        if action == "replay":
            with open(argument, "rb") as f:
                return f.read()
        bit = int(argument) % (8 * len(body))
        body = bytearray(body)
        body[bit // 8] ^= 1 << bit % 8
        return bytes(body)
    return body


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("Content-Length", 0))
        server = http.client.HTTPConnection("127.0.0.1", server_port)
        headers = {name: self.headers[name] for name in PASSED_ON if self.headers[name]}
        server.request(self.command, self.path, self.rfile.read(length) if length else None, headers)
        reply = server.getresponse()
        body = reply.read()
        if reply.status < 300:
            body = altered(self.command, self.path, body)
        self.send_response_only(reply.status)
        for name, value in reply.getheaders():
            if name.lower() not in DROPPED:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        server.close()

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(port_file + ".tmp", "w", encoding="ascii") as f:
    f.write(f"{proxy.server_port}\n")
os.rename(port_file + ".tmp", port_file)
proxy.serve_forever()
