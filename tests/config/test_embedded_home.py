"""The home folder, its lock and secrets, the ports, and what a start says that cannot go on."""

import os
import socket
import stat
import subprocess
import sys

import pytest

from config.embedded.errors import EmbeddedError, HomeInUse
from config.embedded.exec import execute
from config.embedded.home import Home
from config.embedded.ports import check_web_port, free_port, is_free, remembered_ports
from config.embedded.product import PROJECT_ROOT
from config.embedded.services import cache_beside, plan_services
from config.embedded.web import web_address


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def run_cli(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "config.embedded", *arguments],
        cwd=PROJECT_ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_secret_stays_the_same_and_is_readable_by_its_owner_only(home):
    first = home.secret("secret_key")
    assert len(first) >= 50
    assert home.secret("secret_key") == first
    assert home.secret("other") != first
    assert stat.S_IMODE((home.root / "secret_key").stat().st_mode) == 0o600


def test_a_secret_that_others_could_read_is_closed_to_them(home):
    home.secret("secret_key")
    (home.root / "secret_key").chmod(0o644)
    home.secret("secret_key")
    assert stat.S_IMODE((home.root / "secret_key").stat().st_mode) == 0o600


def test_a_second_start_on_a_locked_home_names_the_process_and_the_way_out(home):
    with home.lock("run"):
        second = run_cli("run", FORAY_HOME=str(home.root), FORAY_PORT=str(free_port()))
    assert second.returncode == 2
    assert str(os.getpid()) in second.stderr
    assert "FORAY_HOME=" in second.stderr
    assert "Traceback" not in second.stderr
    assert len(second.stderr.splitlines()) == 3


def test_the_lock_ends_with_its_holder_and_the_addresses_with_the_lock(home):
    with home.lock("run"):
        home.services_file.write_text("{}")
        with pytest.raises(HomeInUse) as refused, home.lock("run"):
            pass
        assert refused.value.pid == os.getpid()
    assert not home.services_file.exists()
    with home.lock("run"):
        pass


def test_a_taken_web_port_is_told_before_anything_is_started(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run_cli("run", FORAY_HOME=str(tmp_path / "home"), FORAY_PORT=str(port))
    assert done.returncode == 2
    assert f"Port {port}" in done.stderr
    assert f"FORAY_PORT={port + 1} make run" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home" / "postgres").exists()


@pytest.mark.parametrize("value", ["abc", "0", "65536", "-1", "80 80", "\u0663"])
def test_a_web_port_that_is_no_port_is_refused(value):
    with pytest.raises(EmbeddedError, match="is not a port"):
        web_address({"FORAY_PORT": value})


def test_a_foreign_web_host_is_refused():
    with pytest.raises(EmbeddedError, match="FORAY_HOST"):
        check_web_port(host="192.0.2.1", port=free_port())


def test_the_web_address_is_one_that_a_browser_can_open():
    web = web_address({"FORAY_HOST": "0.0.0.0", "FORAY_PORT": "8123"})
    assert (web.bind, web.url) == ("0.0.0.0:8123", "http://127.0.0.1:8123/")
    assert web_address({"FORAY_HOST": "::1"}).url == "http://[::1]:8000/"


def test_a_home_that_is_a_file_is_told(tmp_path):
    (tmp_path / "home").write_text("mine")
    done = run_cli("run", FORAY_HOME=str(tmp_path / "home"))
    assert done.returncode == 2
    assert "is a file" in done.stderr
    assert (tmp_path / "home").read_text() == "mine"


def test_a_home_that_cannot_be_written_is_told():
    done = run_cli("run", FORAY_HOME="/proc/foray")
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_remembered_port_is_used_again_while_it_is_free():
    port = free_port()
    assert free_port(preferred=port) == port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert not is_free(port)
        assert free_port(preferred=port) != port


@pytest.mark.parametrize("text", ["", "no json", "[1]", '{"postgres": "x"}'])
def test_a_broken_file_of_ports_is_the_same_as_none(tmp_path, text):
    path = tmp_path / "ports.json"
    path.write_text(text)
    assert remembered_ports(path) == {}


def test_a_service_that_the_environment_names_is_not_planned(home):
    given = {"DATABASE_URL": "postgres://db/x", "BROKER_URL": "redis://:pw@broker:6379/5"}
    services = plan_services(home, given)
    assert (services.postgres, services.valkey) == (None, None)
    assert services.urls.database_url == "postgres://db/x"
    assert services.urls.cache_url == "redis://:pw@broker:6379/1"
    assert [path.name for path in home.root.iterdir() if "postgres" in path.name] == []
    assert [path.name for path in home.root.iterdir() if "valkey" in path.name] == []


def test_a_broker_that_is_no_redis_gives_no_cache(home):
    assert cache_beside("amqp://guest@rabbit/") == ""
    given = {"DATABASE_URL": "postgres://db/x", "BROKER_URL": "amqp://guest@rabbit/"}
    assert "CACHE_URL" not in plan_services(home, given).urls.environment()


def test_a_command_runs_on_given_services_and_its_status_comes_back(home, tmp_path):
    given = {
        "PATH": os.environ["PATH"],
        "FORAY_HOME": str(home.root),
        "DATABASE_URL": "postgres://db/x",
        "BROKER_URL": "redis://broker/0",
    }
    script = f'echo "$DATABASE_URL $CACHE_URL" > {tmp_path}/seen; exit 7'
    assert execute(["/bin/sh", "-c", script], given) == 7
    assert (tmp_path / "seen").read_text().split() == ["postgres://db/x", "redis://broker/1"]
    assert execute(["/bin/sh", "-c", "kill -9 $$"], given) == 128 + 9
    assert execute(["/no/such/command"], given) == 127
    assert not (home.root / "postgres").exists()
