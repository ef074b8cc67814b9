import base64


def let_in(site):
    """Whether a request has the user and the password of the command line; what it has is written down."""
    said = site.headers.get("authorization")
    kind, _, rest = (said or "- ").partition(" ")
    pair = base64.b64decode(rest).decode() if kind == "Basic" else said or "-"
    with open("credentials", "a") as file:
        file.write(pair + "\n")
    if pair == sys.argv[3]:
        return True
    site.send_response(401)
    site.send_header("WWW-Authenticate", 'Basic realm="site"')
    site.send_header("Content-Length", "0")
    site.end_headers()
    return False


class Guarded(Site):
    def do_GET(self):
        if let_in(self):
            super().do_GET()


Site = Guarded
