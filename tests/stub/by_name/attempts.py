# Makes attempts in a jail, each a list of words, one on a line of input; prints one answer a line.
#
#   send HOST PORT HEX...   connects and sends each piece after an answer came; the end of what comes back
import json
import socket
import sys


def send(host, port, *pieces):
    try:
        connection = socket.create_connection((host, int(port)), timeout=5)
    except OSError as error:
        return f"no connection: {error.strerror or error}"
    text = b""
    try:
        for piece in pieces:
            connection.sendall(bytes.fromhex(piece))
            part = connection.recv(4096)
            text += part
            if not part:
                break
        connection.settimeout(1)
        while part := connection.recv(4096):
            text += part
    except TimeoutError:
        return f"open: {text.decode('latin-1')}"
    except OSError:
        return f"reset: {text.decode('latin-1')}"
    return f"closed: {text.decode('latin-1')}"


for line in sys.stdin:
    print(json.dumps(send(*json.loads(line))), flush=True)
