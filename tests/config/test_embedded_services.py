"""The real PostgreSQL and Valkey: they work, and they come back after every kind of death."""

import os
import shutil
import signal
import subprocess
import sys
import time

import kombu
import psycopg
import pytest
import redis

from config.embedded.errors import EmbeddedError, HomeInUse
from config.embedded.home import Home
from config.embedded.postgres import Postgres, choose_account, programs_folder
from config.embedded.process import NOBODY, NOBODY_BY_ID, NOBODY_BY_NAMESPACE, OURSELVES
from config.embedded.product import PROJECT_ROOT
from config.embedded.redelivery import redeliver
from config.embedded.services import embedded_services

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")

with_namespaces = pytest.mark.skipif(
    subprocess.run(
        ["unshare", "-U", "--map-user=65534", "--map-group=65534", "true"], capture_output=True
    ).returncode
    != 0,
    reason="this machine allows no user namespaces",
)


@pytest.fixture
def root(tmp_path):
    """A home folder that every user can reach; pytest's own folders are closed to others."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith(("pytest-", "popen-")) or folder == tmp_path:
            folder.chmod(0o755)
    return tmp_path / "home"


def postmaster_of(root):
    return int((root / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(check, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if check():
            return True
        time.sleep(0.05)
    return False


def rows(urls, statement):
    with psycopg.connect(urls.database_url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.slow
def test_the_services_give_a_database_with_vectors_and_a_broker(root):
    with embedded_services(root, durable=False) as urls:
        rows(urls, "CREATE EXTENSION vector")
        assert rows(urls, "SELECT '[1,2]'::vector <-> '[1,4]'::vector") == [(2.0,)]
        assert rows(urls, "SELECT current_user, current_database()") == [("foray", "foray")]
        assert redis.Redis.from_url(urls.broker_url).ping() is True
        assert redis.Redis.from_url(urls.cache_url).set("key", "value") is True
        assert redis.Redis.from_url(urls.broker_url).get("key") is None
        postmaster = postmaster_of(root)
    assert not is_running(postmaster)


@pytest.mark.slow
def test_a_second_start_keeps_the_data_the_ports_and_the_passwords(root):
    with embedded_services(root) as first:
        rows(first, "CREATE TABLE kept AS SELECT 42 AS answer")
        redis.Redis.from_url(first.broker_url).set("kept", "42")
        with pytest.raises(HomeInUse), embedded_services(root):
            pass
    with embedded_services(root) as second:
        assert second == first
        assert rows(second, "SELECT answer FROM kept") == [(42,)]
        assert redis.Redis.from_url(second.broker_url).get("kept") == b"42"


@pytest.mark.slow
def test_neither_service_lets_anybody_in_without_its_password(root):
    with embedded_services(root, durable=False) as urls:
        port = urls.database_url.rpartition(":")[2].partition("/")[0]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgres://foray:wrong@127.0.0.1:{port}/foray")
        client = redis.Redis(port=int(urls.broker_url.rpartition(":")[2].partition("/")[0]))
        with pytest.raises(redis.AuthenticationError):
            client.ping()


HOLDER = """
import sys, time
from pathlib import Path
from config.embedded.redelivery import redeliver
from config.embedded.services import embedded_services
with embedded_services(Path(sys.argv[1])) as urls:
    print(urls.database_url, flush=True)
    time.sleep(600)
"""


def start_holder(root, *, prefix=(), **options):
    holder = subprocess.Popen(
        [*prefix, sys.executable, "-c", HOLDER, str(root)],
        cwd=PROJECT_ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )
    url = holder.stdout.readline().strip()
    assert url.startswith("postgres://")
    return holder, url


@pytest.mark.slow
def test_both_end_with_a_killed_holder_and_the_next_start_recovers(root):
    holder, url = start_holder(root)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    postmaster = postmaster_of(root)
    holder.kill()
    holder.wait()
    assert wait_for(lambda: not is_running(postmaster))
    with embedded_services(root) as urls:
        assert rows(urls, "SELECT answer FROM kept") == [(42,)]


@pytest.mark.slow
def test_a_killed_postmaster_whose_backend_lives_on_is_recovered_from(root):
    holder, url = start_holder(root)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        [[backend]] = connection.execute("SELECT pg_backend_pid()").fetchall()
        os.kill(backend, signal.SIGSTOP)  # it cannot notice the postmaster's end by itself
        postmaster = postmaster_of(root)
        for pid in (postmaster, holder.pid):
            os.kill(pid, signal.SIGKILL)
        holder.wait()
        assert is_running(backend)
        with embedded_services(root) as urls:
            assert rows(urls, "SELECT answer FROM kept") == [(42,)]
        assert not is_running(backend)


@pytest.mark.slow
def test_a_lock_file_with_the_id_of_somebody_elses_process_does_not_stop_the_start(root):
    with embedded_services(root):
        postmaster_file = root / "postgres" / "postmaster.pid"
        left_behind = postmaster_file.read_text().splitlines()
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        postmaster_file.write_text("\n".join([str(stranger.pid), *left_behind[1:]]) + "\n")
        shutil.chown(postmaster_file, *[os.stat(root / "postgres").st_uid] * 2)
        with embedded_services(root) as urls:
            assert rows(urls, "SELECT 1") == [(1,)]
        assert is_running(stranger.pid)
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.slow
def test_a_first_start_that_was_killed_half_way_is_begun_again(root):
    home = Home(root)
    home.prepare()
    (root / "postgres.unfinished").mkdir()
    (root / "postgres.unfinished" / "base").mkdir()
    with embedded_services(root, durable=False) as urls:
        assert rows(urls, "SELECT 1") == [(1,)]
    assert not (root / "postgres.unfinished").exists()


@pytest.mark.slow
def test_a_cut_off_file_does_not_stop_the_broker(root):
    with embedded_services(root) as urls:
        client = redis.Redis.from_url(urls.broker_url)
        client.set("first", "1")
        client.set("second", "2" * 1000)
    [log] = (root / "valkey" / "appendonlydir").glob("*.incr.aof")
    os.truncate(log, log.stat().st_size - 500)
    with embedded_services(root) as urls:
        client = redis.Redis.from_url(urls.broker_url)
        assert client.get("first") == b"1"
        assert client.get("second") is None


@pytest.mark.slow
def test_the_tasks_of_a_dead_worker_go_back_to_their_own_queue(root):
    with embedded_services(root, durable=False) as urls:
        with kombu.Connection(urls.broker_url) as dead, dead.channel() as channel:
            for name in ("default", "training"):
                queue = kombu.Queue(name, kombu.Exchange(name), routing_key=name)(channel)
                queue.declare()
                kombu.Producer(channel).publish(
                    {"task": name}, exchange=queue.exchange, routing_key=name
                )
                assert queue.get().payload == {"task": name}
                assert queue.get() is None
            channel.qos.restore_at_shutdown = False  # a killed worker restores nothing
        assert redeliver(broker_url=urls.broker_url, queue="default") == 1
        assert redeliver(broker_url=urls.broker_url, queue="default") == 0
        client = redis.Redis.from_url(urls.broker_url)
        assert (client.llen("default"), client.llen("training")) == (1, 0)
    with pytest.raises(EmbeddedError, match="does not answer"):
        redeliver(broker_url=urls.broker_url, queue="default")


def test_only_the_processes_of_our_own_data_folder_count_as_leftovers(root, tmp_path):
    ours = Postgres(home=Home(root), port=1)
    program = tmp_path / "postgres"
    program.symlink_to(shutil.which("sleep"))
    other = subprocess.Popen([program, "600", "-D", str(root / "postgres-2")], executable="/bin/sh")
    try:
        assert list(ours._leftovers()) == []
    finally:
        other.kill()
        other.wait()


@as_root
@with_namespaces
def test_root_hands_the_server_to_nobody_or_to_a_namespace_as_the_folders_allow(root, tmp_path):
    programs = programs_folder()
    root.mkdir(mode=0o711)
    assert choose_account(programs=programs, home=root) == NOBODY_BY_ID
    closed = tmp_path / "closed" / "home"
    closed.mkdir(parents=True)
    closed.parent.chmod(0o700)
    assert choose_account(programs=programs, home=closed) == NOBODY_BY_NAMESPACE


@as_root
@with_namespaces
@pytest.mark.slow
def test_root_can_run_in_a_folder_that_others_cannot_enter_and_move_out_of_it(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with embedded_services(closed / "home", durable=False) as urls:
        rows(urls, "CREATE TABLE kept AS SELECT 42 AS answer")
        assert (closed / "home" / "postgres").stat().st_uid == 0
    for folder in (closed, tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    with embedded_services(closed / "home", durable=False) as urls:
        assert rows(urls, "SELECT answer FROM kept") == [(42,)]
        assert (closed / "home" / "postgres").stat().st_uid == NOBODY


@as_root
@with_namespaces
@pytest.mark.slow
def test_an_ordinary_user_runs_them_too(root):
    identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        subprocess.run([sys.executable, "-c", "import psycopg"], check=True, **identity)
        root.mkdir()
        os.chown(root, NOBODY, NOBODY)
        holder, url = start_holder(root, **identity)
    except (PermissionError, subprocess.CalledProcessError):
        # This Python is in a folder of root's own: be ordinary inside a user namespace.
        prefix = ["unshare", "-U", "--map-user=1000", "--map-group=1000", "--"]
        identity = {"user": 0}
        holder, url = start_holder(root, prefix=prefix)
    try:
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert os.stat(root / "postgres").st_uid == identity["user"]
    finally:
        holder.kill()
        holder.wait()


def test_an_ordinary_user_needs_no_other_account(root):
    if os.geteuid() == 0:
        pytest.skip("this test is for ordinary users")
    assert choose_account(programs=programs_folder(), home=root) == OURSELVES
