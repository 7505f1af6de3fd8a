"""Static files, collected and compressed once for each state of their sources."""

import hashlib
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.core.management import call_command

# Packages whose static files are served beside our own.
PACKAGES = ("django", "django-unfold", "drf-spectacular-sidecar", "django-htmx")


def collect_static() -> None:
    """Run collectstatic where our files or the packages' versions changed since the last time."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    now = fingerprint()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == now:
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(now, encoding="utf-8")


def fingerprint() -> str:
    """Hash of the packages' versions and of name, size and time of each of our files."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        digest.update(f"{package}=={version(package)}\n".encode())
    for folder in settings.STATICFILES_DIRS:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                stat = path.stat()
                digest.update(f"{path}:{stat.st_size}:{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
