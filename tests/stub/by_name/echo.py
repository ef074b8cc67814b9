# A server that says back what it was asked and writes it to the file `seen`.
#
#   python3 echo.py ADDRESS PORT
import http.server
import ssl
import sys


class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        length = int(self.headers.get("content-length") or 0)
        said = f"{self.requestline}\n{self.headers}".encode() + self.rfile.read(length)
        with open("seen", "ab") as file:
            file.write(said)
        self.send_response(200)
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_POST = do_GET

    def log_message(self, *words):
        pass


server = http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Echo)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain("cert", "key")
server.socket = tls.wrap_socket(server.socket, server_side=True)
server.serve_forever()
