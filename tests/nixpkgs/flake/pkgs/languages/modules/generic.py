"""A stand-in of jailgen's tests for the Python package @name@: it can be imported, no more."""

__standin__ = "@name@"
__version__ = "0"


def __getattr__(attribute: str) -> object:
    raise AttributeError(f"this @name@ is a stand-in of jailgen's tests and has no {attribute}")
