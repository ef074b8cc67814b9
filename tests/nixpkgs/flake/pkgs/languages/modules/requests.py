"""A stand-in of jailgen's tests for requests: really gets, with the standard library."""

import json as _json
import urllib.error as _error
import urllib.request as _request

__standin__ = "@name@"
__version__ = "0"


class Response:
    """What a server answered."""

    def __init__(self, status_code: int, content: bytes) -> None:
        self.status_code = status_code
        self.content = content

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> object:
        return _json.loads(self.content)


def request(method: str, url: str, data: bytes | None = None, timeout: float = 30) -> Response:
    """Sends one request; a status of 400 and above is an answer, too, as in requests."""
    call = _request.Request(url, data=data, method=method)
    try:
        with _request.urlopen(call, timeout=timeout) as answer:
            return Response(answer.status, answer.read())
    except _error.HTTPError as answer:
        return Response(answer.code, answer.read())


def get(url: str, **options) -> Response:
    return request("GET", url, **options)


def post(url: str, **options) -> Response:
    return request("POST", url, **options)
