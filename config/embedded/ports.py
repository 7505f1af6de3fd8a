"""Ports: which are free, and which the services had the last time."""

import errno
import json
import random
import socket
from pathlib import Path

from config.embedded.errors import EmbeddedError

# Below the range that the kernel gives to outgoing connections (32768 and up): a client that keeps
# trying a dead service there can end up connected to itself and hold the service's own port.
FIRST_PORT, LAST_PORT = 20_000, 32_000
LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(*, preferred: int | None = None) -> int:
    """The preferred port where it is free, else some other free one.

    Random, not the first free one: two clones that start at the same moment must not both find it.
    """
    if preferred is not None and is_free(preferred):
        return preferred
    system_random = random.SystemRandom()
    for _ in range(200):
        port = system_random.randrange(FIRST_PORT, LAST_PORT)
        if is_free(port):
            return port
    raise EmbeddedError(f"No free port was found between {FIRST_PORT} and {LAST_PORT}.")


def remembered_ports(path: Path) -> dict[str, int]:
    """The ports of the last start by service name; none where the file is missing or broken."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: port for name, port in found.items() if isinstance(port, int)}


def check_web_port(*, host: str, port: int) -> None:
    """Raise a plain explanation where the web server could not listen on host and port."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        raise EmbeddedError(
            f"FORAY_HOST={host} is not an address of this machine.",
            "Set it to 127.0.0.1 (this machine only) or 0.0.0.0 (every network).",
        ) from None
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise EmbeddedError(*_why_not(error, host=host, port=port)) from None


def _why_not(error: OSError, *, host: str, port: int) -> tuple[str, str]:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is taken by another program, perhaps another Foray.",
            f"Stop that program, or choose another port: FORAY_PORT={port + 1} make run",
        )
    if error.errno == errno.EACCES:
        return (
            f"This user may not listen on port {port}.",
            "Choose one above 1023: FORAY_PORT=8000 make run",
        )
    return (
        f"The web server cannot listen on {host}, port {port}: {error.strerror}.",
        "Set FORAY_HOST to an address of this machine, such as 127.0.0.1.",
    )
