"""The HTTP side of the fake model, on a port of the loopback interface or with TLS at another address.

It also answers as a proxy that refuses everything: an agent that is pointed at it (`HTTPS_PROXY`) leaves the names of
the hosts it wanted, and reaches none.
"""

from __future__ import annotations

import gzip
import json
import ssl
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

from ..isolation import entered
from . import anthropic, gemini, openai_chat, openai_responses
from .script import Script


# Fields in which agents show their key.
CREDENTIALS = ("Authorization", "X-Api-Key", "X-Goog-Api-Key")


@dataclass(frozen=True)
class Tls:
    """A model that is a host of its own: its network and address there, its name, its certificate and the key of that."""

    network: Path
    address: str
    host: str
    certificate: Path
    key: Path


class ModelServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Agents end without closing their connections: that is no news. Anything else is a fault of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Model:
    """The server of one run of an agent. Use as a context manager."""

    def __init__(self, script: Script, tls: Tls | None = None, port: int = 0):
        self.script = script
        # The fields with a credential of the requests that were answered by the script.
        self.credentials: list[str] = []
        # Bodies of the requests that were answered by the script, and "METHOD path" of all others.
        self.bodies: list[str] = []
        self.unanswered: list[str] = []
        # When the first of them came.
        self.first: float | None = None
        # "host:port" of what an agent wanted to reach beyond us.
        self.wanted_hosts: set[str] = set()
        model = self

        class Handler(ModelHandler):
            pass

        Handler.model = model
        if tls is None:
            self.http = ModelServer(("127.0.0.1", port), Handler)
            self.authority = f"127.0.0.1:{self.http.server_address[1]}"
            self.url = f"http://{self.authority}"
            return
        with entered(tls.network):
            self.http = ModelServer((tls.address, 443), Handler)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tls.certificate, tls.key)
        # The handshake is the handler's, not the listener's: a client that does not speak holds up no other.
        self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        self.authority = tls.host
        self.url = f"https://{tls.host}"

    def __enter__(self) -> Model:
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.http.shutdown()
        self.http.server_close()


def interface(path: str) -> tuple[ModuleType, bool | None] | None:
    """The wire format that a path speaks, and whether the path itself says that the answer is a stream."""
    if path.endswith("/messages"):
        return anthropic, None
    if path.endswith("/chat/completions"):
        return openai_chat, None
    if path.endswith("/responses"):
        return openai_responses, None
    if path.endswith(":generateContent"):
        return gemini, False
    if path.endswith(":streamGenerateContent"):
        return gemini, True
    return None


class ModelHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: Model

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing: what is worth telling is recorded in the model."""

    def do_CONNECT(self) -> None:
        """Some agents ask the proxy for a tunnel to the proxy itself: the connection then simply goes on."""
        if self.path == self.model.authority:
            self.close_connection = False
            self.send_response(200)
            self.end_headers()
            return
        self.model.wanted_hosts.add(self.path)
        self.refuse(403)

    def do_GET(self) -> None:
        self.other()

    def do_HEAD(self) -> None:
        self.other()

    def do_PUT(self) -> None:
        self.body()
        self.other()

    def do_POST(self) -> None:
        body = self.body()
        path = urlsplit(self.path).path
        found = interface(path)
        if found is None or urlsplit(self.path).netloc not in ("", self.model.authority):
            self.other()
            return
        wire, path_streams = found
        try:
            request = json.loads(body)
        except ValueError:
            self.refuse(400)
            return
        self.model.first = self.model.first or time.monotonic()
        self.model.bodies.append(body.decode("utf-8", "replace"))
        self.model.credentials += [self.headers[name] for name in CREDENTIALS if name in self.headers]
        reply = self.model.script.reply(wire.read(request))
        streams = request.get("stream", False) if path_streams is None else path_streams
        if streams:
            self.send(200, "text/event-stream", wire.stream(reply))
        else:
            self.send(200, "application/json", json.dumps(wire.whole(reply)).encode())

    def other(self) -> None:
        """Token counts, model lists, health checks; and, through the proxy, somebody else's hosts."""
        host = urlsplit(self.path).netloc
        if host not in ("", self.model.authority):
            self.model.wanted_hosts.add(host)
            self.refuse(403)
            return
        self.model.unanswered.append(f"{self.command} {self.path}")
        self.refuse(404)

    def refuse(self, status: int) -> None:
        error = {"error": {"type": "not_found", "message": "the fake model does not answer this"}}
        self.send(status, "application/json", json.dumps(error).encode())

    def send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            raw = b"".join(iter(self.chunk, b""))
        else:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw

    def chunk(self) -> bytes:
        data = self.rfile.read(int(self.rfile.readline().split(b";")[0], 16))
        self.rfile.readline()
        return data
