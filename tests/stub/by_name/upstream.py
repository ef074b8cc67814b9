# The internet of a test: a DNS server with the test's answers, and servers that say who they are. It waits for the interface that the
# test gives it, and says `ready`.
#
#   python3 upstream.py '{"addresses": [...], "names": {"api.test": ["11.0.0.2"]}, "asked": FILE, "folder": FOLDER, "cert": FILE, "key": FILE}'
import http.server
import ipaddress
import json
import os
import socket
import socketserver
import ssl
import struct
import subprocess
import sys
import threading
import time

world = json.loads(sys.argv[1])
asked = open(world["asked"], "a", buffering=1)


def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True).returncode == 0


while not ip("link", "show", "dev", "n0"):
    time.sleep(0.01)
for address in world["addresses"]:
    assert ip("address", "add", address, "dev", "n0", *(["nodad"] if ":" in address else [])), address
assert ip("link", "set", "lo", "up") and ip("link", "set", "n0", "up")


def answer(query):
    name, at = [], 12
    while query[at]:
        name.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    (kind,) = struct.unpack("!H", query[at + 1 : at + 3])
    name = ".".join(name).lower()
    print(name, file=asked)
    answers = world["names"].get(name)
    found = [ipaddress.ip_address(one) for one in answers or []]
    found = [one for one in found if one.version == {1: 4, 28: 6}.get(kind)]
    records = b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 5, len(one.packed)) + one.packed for one in found
    )
    code = 3 if answers is None else 0
    head = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(found), 0, 0)
    return head + query[12 : at + 5] + records


class Datagram(socketserver.BaseRequestHandler):
    def handle(self):
        data, server = self.request
        server.sendto(answer(data), self.client_address)


class Stream(socketserver.BaseRequestHandler):
    def handle(self):
        (length,) = struct.unpack("!H", self.request.recv(2))
        found = answer(self.request.recv(length))
        self.request.sendall(struct.pack("!H", len(found)) + found)


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"hello\n")
        while data := self.request.recv(65536):
            self.request.sendall(b"got " + data)


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/repo.git/"):
            return self.file(os.path.join(world["folder"], self.path.split("?")[0].lstrip("/")))
        where = f" at {self.server.server_address[0]}" if self.path == "/where" else ""
        body = f"page of {self.headers['Host']}{where}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def file(self, path):
        body = open(path, "rb").read() if os.path.isfile(path) else b""
        self.send_response(200 if os.path.isfile(path) else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    # Whichever way the body ends, it is not read: what follows it would be the next request.
    def do_POST(self):
        ways = [name for name in ("Content-Length", "Transfer-Encoding") if name in self.headers]
        self.path = "/"
        self.close_connection = True
        body = f"post with {' and '.join(ways)}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Threads(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024


class Threads6(Threads):
    address_family = socket.AF_INET6


class Datagrams(socketserver.ThreadingMixIn, socketserver.UDPServer):
    daemon_threads = True


def start(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(world["cert"], world["key"])
for address in world["addresses"]:
    address = address.split("/")[0]
    kind = Threads6 if ":" in address else Threads
    if address.endswith(".53"):
        start(Datagrams((address, 53), Datagram))
        start(kind((address, 53), Stream))
        continue
    start(kind((address, 22), Echo))
    start(kind((address, 80), Page))
    secure = kind((address, 443), Page)
    secure.socket = tls.wrap_socket(secure.socket, server_side=True, do_handshake_on_connect=False)
    start(secure)
print("ready", flush=True)
threading.Event().wait()
