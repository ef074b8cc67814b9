# A site at one address, with a page, a secret, and what programs of packages take from a server: git, pip, npm and cargo. It serves the
# folder `site` of the folder that it is started in, by TLS, and takes posts.
#
#   python3 site.py ADDRESS PORT
import hashlib
import http.server
import io
import json
import os
import shutil
import ssl
import sys
import tarfile
import zipfile

HOST = "https://real.test"


def write(path, content):
    path = os.path.join("site", path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def archive(files):
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w:gz") as packed:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content.encode()))
    return memory.getvalue()


def wheel():
    memory = io.BytesIO()
    info = "tiny-1.0.dist-info"
    with zipfile.ZipFile(memory, "w") as packed:
        packed.writestr("tiny.py", "print('tiny')\n")
        packed.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        packed.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        packed.writestr(f"{info}/RECORD", f"tiny.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return memory.getvalue()


write("page", "a page\n")
write("secret", "a secret\n")
if os.path.isdir("repo.git"):
    shutil.copytree("repo.git", "site/repo.git", dirs_exist_ok=True)
name = "tiny-1.0-py3-none-any.whl"
write("simple/tiny/index.html", f'<!DOCTYPE html><a href="/files/{name}">{name}</a>\n')
write(f"files/{name}", wheel())
packed = archive({"package/package.json": '{"name":"tiny","version":"1.0.0","main":"i.js"}', "package/i.js": "module.exports = 'tiny'\n"})
version = {
    "name": "tiny",
    "version": "1.0.0",
    "dist": {"tarball": f"{HOST}/npm/-/tiny-1.0.0.tgz", "shasum": hashlib.sha1(packed).hexdigest()},
}
write("npm/-/tiny-1.0.0.tgz", packed)
write("npm/tiny", json.dumps({"name": "tiny", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}))
crate = archive(
    {
        "tiny-0.1.0/Cargo.toml": '[package]\nname = "tiny"\nversion = "0.1.0"\n',
        "tiny-0.1.0/src/lib.rs": "",
    }
)
write("crates/tiny/0.1.0/download", crate)
write("index/config.json", json.dumps({"dl": f"{HOST}/crates"}))
entry = {"name": "tiny", "vers": "0.1.0", "deps": [], "cksum": hashlib.sha256(crate).hexdigest(), "features": {}, "yanked": False}
write("index/ti/ny/tiny", json.dumps(entry) + "\n")


class Site(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments):
        super().__init__(*arguments, directory="site")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = f"got {len(body)}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


# GUARD
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain("cert", "key")
server = http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Site)
server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
