"""What the environment says about this deployment; where it is silent, what the supervisor left."""

import json
from dataclasses import dataclass
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Addresses of the services this process talks to; empty where none is known."""

    database_url: str
    broker_url: str
    cache_url: str
    secret_key: str
    embedded: bool


def home() -> Path:
    """Folder for everything Foray writes: data of the embedded services, logs, uploads."""
    return Path(env.str("FORAY_HOME", default=str(BASE_DIR / "var"))).expanduser().resolve()


def read_services() -> Services:
    """Addresses from the environment, else those that the running supervisor left in its home."""
    found = _running_services(home() / "run" / "services.json")
    secret_file = Path(found.get("secret_key_file", "")) if found.get("secret_key_file") else None
    secret = env.str("SECRET_KEY", default="")
    if not secret and secret_file is not None and secret_file.is_file():
        secret = secret_file.read_text(encoding="utf-8").strip()
    return Services(
        database_url=env.str("DATABASE_URL", default=found.get("database_url") or ""),
        broker_url=env.str("BROKER_URL", default=found.get("broker_url") or ""),
        cache_url=env.str("CACHE_URL", default=found.get("cache_url") or ""),
        secret_key=secret,
        embedded=env.bool("FORAY_EMBEDDED", default=bool(found)),
    )


def _running_services(path: Path) -> dict[str, str]:
    """The supervisor's addresses, {} where it is not running or the file cannot be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    pid = str(found.get("supervisor_pid", ""))
    return found if pid and Path("/proc", pid).exists() else {}
