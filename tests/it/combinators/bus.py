"""A small D-Bus client and service, of the standard library alone, for the probes of `dbus`.

    bus.py serve NAME       owns NAME and answers every call with a string; says `ready` first
    bus.py call NAME        calls a method of NAME and prints the answer; status 1 where it is refused
    bus.py own NAME         status 0 where the bus gives it NAME
    bus.py owned NAME       status 0 where the bus says that NAME has an owner
"""

import contextlib
import os
import socket
import struct
import sys

CALL, RETURN, ERROR = 1, 2, 3
PATH, INTERFACE, MEMBER, REPLY, DESTINATION, SIGNATURE = 1, 2, 3, 5, 6, 8
BUS = "org.freedesktop.DBus"


def text(value):
    data = value.encode()
    return struct.pack("<I", len(data)) + data + b"\0"


def padded(data, to):
    return data + b"\0" * (-len(data) % to)


def message(kind, serial, fields, body=b""):
    header = b""
    for code, (signature, value) in fields.items():
        header = padded(header, 8) + bytes([code, 1]) + signature.encode() + b"\0"
        if signature == "u":
            header = padded(header, 4) + struct.pack("<I", value)
        elif signature == "g":
            header += bytes([len(value)]) + value.encode() + b"\0"
        else:
            header = padded(header, 4) + text(value)
    head = struct.pack("<cBBBIII", b"l", kind, 0, 1, len(body), serial, len(header))
    return padded(head + header, 8) + body


class Bus:
    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(address.split("unix:path=")[1].split(",")[0].split(";")[0])
        self.serial = 0
        self.socket.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
        assert self.socket.recv(1024).startswith(b"OK")
        self.socket.sendall(b"BEGIN\r\n")
        self.call(BUS, "Hello")

    def exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                sys.exit("the bus has gone")
            data += more
        return data

    def receive(self):
        head = self.exactly(16)
        _, kind, _, _, length, serial, fields = struct.unpack("<cBBBIII", head)
        rest = self.exactly(fields + -fields % 8)
        return kind, serial, self.fields(rest[:fields]), self.exactly(length)

    def fields(self, data):
        found, at = {}, 0
        while at < len(data):
            at += -at % 8
            code, signature = data[at], chr(data[at + 2])
            at += 4
            if signature == "g":
                length = data[at]
                found[code] = data[at + 1 : at + 1 + length].decode()
                at += length + 2
                continue
            at += -at % 4
            (value,) = struct.unpack_from("<I", data, at)
            at += 4
            if signature == "u":
                found[code] = value
            else:
                found[code] = data[at : at + value].decode()
                at += value + 1
        return found

    def call(self, name, member, body=b"", signature=""):
        self.serial += 1
        fields = {
            PATH: ("o", "/"),
            INTERFACE: ("s", BUS if name == BUS else "org.example.Row"),
            MEMBER: ("s", member),
            DESTINATION: ("s", name),
        }
        if signature:
            fields[SIGNATURE] = ("g", signature)
        try:
            self.socket.sendall(message(CALL, self.serial, fields, body))
        except BrokenPipeError:
            sys.exit("the bus has hung up")
        while True:
            kind, _, fields, body = self.receive()
            if kind in (RETURN, ERROR) and fields.get(REPLY) == self.serial:
                return kind, body

    def own(self, name):
        body = padded(text(name), 4) + struct.pack("<I", 0)
        return self.call(BUS, "RequestName", body, "su")[0] == RETURN

    def serve(self, name):
        assert self.own(name)
        print("ready", flush=True)
        while True:
            kind, serial, fields, _ = self.receive()
            if kind == CALL:
                self.serial += 1
                answer = {REPLY: ("u", serial), DESTINATION: ("s", fields[7]), SIGNATURE: ("g", "s")}
                self.socket.sendall(message(RETURN, self.serial, answer, text("pong")))


def main():
    mode, name = sys.argv[1:]
    bus = Bus(os.environ["DBUS_SESSION_BUS_ADDRESS"])
    if mode == "serve":
        # It ends with its bus.
        with contextlib.suppress(SystemExit, OSError):
            bus.serve(name)
    elif mode == "own":
        sys.exit(0 if bus.own(name) else 1)
    elif mode == "owned":
        kind, body = bus.call(BUS, "NameHasOwner", text(name), "s")
        sys.exit(0 if kind == RETURN and struct.unpack("<I", body)[0] else 1)
    kind, body = bus.call(name, "Ping")
    print(body)
    sys.exit(0 if kind == RETURN else 1)


main()
