"""What can stand in the way of a start, told as plain lines instead of a traceback."""


class EmbeddedError(Exception):
    """A start that cannot go on; each argument is one line: what is wrong, then what to do."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines

    def __str__(self) -> str:
        return "\n".join(self.lines)


class HomeInUse(EmbeddedError):
    """Another process already runs the services of this home."""

    def __init__(self, *lines: str, pid: int) -> None:
        super().__init__(*lines)
        self.pid = pid
