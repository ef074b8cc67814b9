"""A stand-in of jailgen's tests for numpy: ranges and sums, enough to see that it runs."""

__standin__ = "@name@"
__version__ = "0"


class ndarray:
    """A list with the methods that the tests call."""

    def __init__(self, values: list) -> None:
        self.values = values

    def sum(self) -> float:
        return sum(self.values)

    def tolist(self) -> list:
        return list(self.values)


def array(values: list) -> ndarray:
    return ndarray(list(values))


def arange(end: int) -> ndarray:
    return ndarray(list(range(end)))
