"""The web server's address, and whether it answers."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass

from config.embedded.errors import EmbeddedError

READY_PATH = "/api/v1/health/ready"
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  told apart, not bound


@dataclass(frozen=True, slots=True)
class WebAddress:
    """Where the web server listens."""

    host: str
    port: int

    @property
    def bind(self) -> str:
        """As gunicorn wants it."""
        return f"{_bracketed(self.host)}:{self.port}"

    @property
    def reachable_host(self) -> str:
        """The host under which this machine itself reaches it."""
        return ANY_ADDRESS.get(self.host, self.host)

    @property
    def url(self) -> str:
        """What to open in a browser."""
        return f"http://{_bracketed(self.reachable_host)}:{self.port}/"


def web_address(environment: Mapping[str, str]) -> WebAddress:
    """The address that FORAY_HOST and FORAY_PORT name."""
    host = environment.get("FORAY_HOST") or "127.0.0.1"
    text = environment.get("FORAY_PORT") or "8000"
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise EmbeddedError(
            f"FORAY_PORT={text} is not a port.",
            "Set it to a number from 1 to 65535: FORAY_PORT=8001 make run",
        )
    return WebAddress(host, int(text))


def answers(web: WebAddress) -> bool:
    """Whether the site says that it is ready."""
    connection = http.client.HTTPConnection(web.reachable_host, web.port, timeout=5)
    # A deployment that insists on HTTPS would send the plain request elsewhere.
    headers = {"Host": "localhost", "X-Forwarded-Proto": "https"}
    try:
        connection.request("GET", READY_PATH, headers=headers)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
