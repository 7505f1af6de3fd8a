"""The supervisor with small real children: restarts, shutdown, and what a kill leaves behind."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

import psycopg
import pytest

from config.embedded.child import Child, ChildSpec
from config.embedded.errors import EmbeddedError
from config.embedded.home import Home
from config.embedded.output import LOG_LIMIT, Console, LineReader
from config.embedded.ports import free_port
from config.embedded.process import Launch, running_processes
from config.embedded.product import PROJECT_ROOT, product_children
from config.embedded.supervisor import Supervisor, describe
from config.embedded.web import WebAddress

# The whole of `run`, but with a stub for each process of the product.
STUB = """
import os, sys
from config.embedded.child import ChildSpec
from config.embedded.errors import EmbeddedError
from config.embedded.process import Launch
from config.embedded.product import PROJECT_ROOT
from config.embedded.run import Product, run_product
from config.embedded.web import answers, web_address

SERVER = '''
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["FORAY_PORT"])), Handler).serve_forever()
'''
WORKER = "echo $$ > $FORAY_HOME/worker.pid; sleep 987654 & echo working; wait"

def child(name, stage, *command):
    def launch(environment):
        return Launch(command=command, environment=environment, folder=PROJECT_ROOT)
    return lambda environment: ChildSpec(name=name, launch=launch(environment), stage=stage)

web = web_address(os.environ)
makers = [child("web", 2, sys.executable, "-c", SERVER), child("worker", 3, "sh", "-c", WORKER)]
product = Product(
    setup=lambda env: Launch(
        command=["sh", "-c", os.environ["STUB_SETUP"]], environment=env, folder=PROJECT_ROOT
    ),
    children=lambda env: [make(env) for make in makers],
    is_ready=lambda: answers(web),
)
sys.exit(run_product(product, environment=os.environ, web=web))
"""


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def console():
    return Console(stream=io.StringIO())


@pytest.fixture
def supervisor(home, console):
    supervisor = Supervisor(home=home, console=console)
    yield supervisor
    supervisor.stop_all()
    supervisor.close()


def spec(name, script, **options):
    launch = Launch(command=["sh", "-c", script], environment=dict(os.environ), folder=PROJECT_ROOT)
    return ChildSpec(name=name, launch=launch, **options)


def processes_with(mark):
    return [p for p in running_processes() if any(mark in part for part in p.environment)]


def test_a_child_that_dies_is_started_again_and_it_is_said(supervisor, console):
    child = supervisor.start(spec("sleeper", "echo started; sleep 600"))
    assert supervisor.wait_until(lambda: "started" in console.stream.getvalue(), seconds=5)
    first = child.pid
    os.kill(first, signal.SIGKILL)
    assert supervisor.wait_until(lambda: child.pid not in (None, first), seconds=10)
    text = console.stream.getvalue()
    assert "sleeper ended (by SIGKILL); it starts again in 1 s" in text
    assert supervisor.wait_until(lambda: console.stream.getvalue().count("started") == 2, seconds=5)


def test_each_quick_death_is_followed_by_a_longer_pause_and_a_healthy_minute_ends_that(
    home, console
):
    child = Child(spec("short", "exit 1"), home=home, console=console)
    child.started_at = time.monotonic()
    assert [child.plan_restart() for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    child.started_at = time.monotonic() - 61
    assert child.plan_restart() == 1


def test_what_a_dead_child_started_is_killed_with_it(supervisor, tmp_path):
    pid_file = tmp_path / "grandchild"
    child = supervisor.start(spec("parent", f"sleep 600 & echo $! > {pid_file}; wait"))
    assert supervisor.wait_until(lambda: pid_file.is_file() and pid_file.read_text(), seconds=5)
    grandchild = int(pid_file.read_text())
    os.kill(child.pid, signal.SIGKILL)
    assert supervisor.wait_until(lambda: child.pid is None, seconds=5)

    def is_gone():
        return grandchild not in [p.pid for p in running_processes() if p.is_running]

    # The signal is sent with the parent's end; the kernel may take a moment to carry it out.
    assert supervisor.wait_until(is_gone, seconds=5)


def test_a_child_that_ignores_the_stop_signals_is_killed(supervisor, console):
    stubborn = "trap '' TERM QUIT; echo ready; while :; do sleep 1; done"
    stop = ((signal.SIGTERM, 0.3), (signal.SIGQUIT, 0.3))
    child = supervisor.start(spec("stubborn", stubborn, stop=stop))
    assert supervisor.wait_until(lambda: "ready" in console.stream.getvalue(), seconds=5)
    begin = time.monotonic()
    supervisor.stop_all()
    assert child.pid is None
    assert 0.5 < time.monotonic() - begin < 5


def test_a_second_stop_signal_kills_what_does_not_stop(supervisor, console):
    stubborn = "trap '' TERM; echo ready; while :; do sleep 1; done"
    child = supervisor.start(spec("stubborn", stubborn, stop=((signal.SIGTERM, 60.0),)))
    assert supervisor.wait_until(lambda: "ready" in console.stream.getvalue(), seconds=5)
    with supervisor.signals():
        impatient = subprocess.Popen(["sh", "-c", f"sleep 0.3; kill -INT {os.getpid()}"])
        begin = time.monotonic()
        supervisor.stop_all()
        assert time.monotonic() - begin < 20
    impatient.wait()
    assert child.pid is None


def test_stages_are_stopped_from_the_last_to_the_first(supervisor, tmp_path):
    order = tmp_path / "order"
    for name, stage in (("first", 0), ("second", 1), ("third", 2)):
        script = f"trap 'sleep 0.2; echo {name} >> {order}; exit' TERM; echo up; sleep 600 & wait"
        child = supervisor.start(spec(name, script, stage=stage))
        assert supervisor.wait_until(
            lambda log=child.log: log.is_file() and "up" in log.read_text(), seconds=5
        )
    supervisor.stop_all()
    assert order.read_text().split() == ["third", "second", "first"]


def test_a_service_that_ends_while_it_starts_is_told_with_its_last_words(supervisor):
    broken = spec("broken", "echo no space left; exit 1", to_console=False)
    with pytest.raises(EmbeddedError, match="no space left"):
        supervisor.start_and_wait({"Broken": (broken, lambda: False)})


def test_a_child_writes_its_lines_to_the_console_and_to_its_log(supervisor, console):
    child = supervisor.start(spec("talker", "echo one; printf 'two\\nthr'; sleep 0.2; echo ee; :"))
    child.restarts = False
    assert supervisor.wait_until(lambda: child.pid is None, seconds=5)
    shown = [line.split("| ")[1] for line in console.stream.getvalue().splitlines()]
    assert shown == ["one", "two", "three"]
    assert child.log.read_text() == "one\ntwo\nthree\n"


def test_a_log_over_the_limit_is_set_aside(tmp_path, console):
    log = tmp_path / "web.log"
    log.write_bytes(b"x" * (LOG_LIMIT + 1))
    LineReader("web", console, log).feed(b"new\n")
    assert log.read_bytes() == b"new\n"
    assert (tmp_path / "web.log.1").stat().st_size == LOG_LIMIT + 1


def test_a_line_without_an_end_does_not_fill_the_memory(tmp_path, console):
    reader = LineReader("web", console, tmp_path / "web.log")
    for _ in range(10):
        reader.feed(b"x" * 50_000)
    assert len(console.stream.getvalue()) > 400_000


def test_a_status_is_told_in_words():
    assert describe(3) == "status 3"
    assert describe(-9) == "by SIGKILL"


def test_the_product_has_the_queues_that_the_tasks_name():
    children = product_children({}, web=WebAddress("127.0.0.1", 8000), own_broker=True)
    assert [child.name for child in children] == [
        "web",
        "worker-default",
        "worker-training",
        "scheduler",
    ]
    queues = [c.launch.command[c.launch.command.index("-Q") + 1] for c in children[1:3]]
    assert queues == ["default", "training"]


class Instance:
    """One `run` with stubs in a process of its own."""

    def __init__(self, home, *, setup="true", port=None):
        self.home, self.port = home, port or free_port()
        self.log = home.root / "output"
        environment = {
            "PATH": os.environ["PATH"],
            "FORAY_HOME": str(home.root),
            "FORAY_PORT": str(self.port),
            "STUB_SETUP": setup,
        }
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", STUB],
                cwd=PROJECT_ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, text, seconds=40):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if text in self.log.read_text():
                return
            time.sleep(0.05)
        pytest.fail(f"{text!r} did not appear in:\n{self.log.read_text()}")

    def web_pid(self):
        url = f"http://127.0.0.1:{self.port}/"
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.read())

    def family(self):
        return processes_with(str(self.home.root)) + [
            p for p in running_processes() if any(str(self.home.root) in c for c in p.command)
        ]

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for process in self.family():
            os.kill(process.pid, signal.SIGKILL)


@pytest.fixture
def start(home):
    instances = []

    def start_one(**options):
        instances.append(Instance(options.pop("home", home), **options))
        return instances[-1]

    yield start_one
    for instance in instances:
        instance.kill()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_one_signal_stops_everything_and_leaves_no_process(start, home, number):
    instance = start()
    instance.wait_for("Foray is ready")
    assert home.services_file.stat().st_mode & 0o077 == 0
    assert len(instance.family()) >= 4
    instance.process.send_signal(number)
    assert instance.process.wait(timeout=20) == 0
    assert instance.family() == []
    assert not home.services_file.exists()


@pytest.mark.slow
def test_killed_children_come_back_on_their_ports(start, home):
    instance = start()
    instance.wait_for("Foray is ready")
    web = instance.web_pid()
    postmaster_file = home.postgres_data / "postmaster.pid"
    postmaster = int(postmaster_file.read_text().split()[0])
    for pid in (web, postmaster):
        os.kill(pid, signal.SIGKILL)
    instance.wait_for("web ended (by SIGKILL)")
    instance.wait_for("postgres ended (by SIGKILL)")
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            assert instance.web_pid() != web
            break
        except OSError:
            time.sleep(0.1)
    addresses = json.loads(home.services_file.read_text())
    connection = None
    while connection is None and time.monotonic() < deadline:
        with contextlib.suppress(psycopg.OperationalError):
            connection = psycopg.connect(addresses["database_url"])
    assert connection is not None
    connection.close()


@pytest.mark.slow
def test_nothing_outlives_a_killed_supervisor_for_long_and_the_next_start_works(start, home):
    first = start()
    first.wait_for("Foray is ready")
    first.process.kill()
    first.process.wait()
    second = start(port=first.port)
    second.wait_for("Foray is ready")
    # The worker's own child gets no death signal; the next start has to have ended it.
    sleepers = [p for p in first.family() if "987654" in p.command]
    assert len(sleepers) == 1


@pytest.mark.slow
def test_two_run_side_by_side_in_homes_of_their_own(start, home, tmp_path):
    other = Home(tmp_path / "other")
    other.prepare()
    instances = [start(), start(home=other)]
    for instance in instances:
        instance.wait_for("Foray is ready")
    assert len({instance.web_pid() for instance in instances}) == 2
    [first, second] = [json.loads(h.services_file.read_text()) for h in (home, other)]
    assert first["database_url"] != second["database_url"]
    assert first["broker_url"] != second["broker_url"]


@pytest.mark.slow
def test_a_failed_set_up_stops_everything_with_its_status(start, home):
    instance = start(setup="echo half; exit 5")
    assert instance.process.wait(timeout=40) == 5
    output = instance.log.read_text()
    assert "half" in output
    assert "goes on where it stopped" in output
    assert instance.family() == []


@pytest.mark.slow
def test_a_set_up_that_is_interrupted_ends_and_everything_with_it(start, home):
    instance = start(setup="trap 'echo interrupted; exit 1' INT; echo begun; sleep 600 & wait")
    instance.wait_for("begun")
    instance.process.send_signal(signal.SIGINT)
    assert instance.process.wait(timeout=20) == 1
    assert "interrupted" in instance.log.read_text()
    assert instance.family() == []


@pytest.mark.slow
def test_a_command_borrows_the_services_of_another_command(home):
    environment = {"PATH": os.environ["PATH"], "FORAY_HOME": str(home.root)}
    command = [sys.executable, "-m", "config.embedded", "exec", "--", "sh", "-c"]
    options = {"cwd": PROJECT_ROOT, "env": environment, "text": True, "timeout": 60}
    nested = f"echo $DATABASE_URL; {' '.join(command)} 'echo $DATABASE_URL'"
    done = subprocess.run([*command, nested], capture_output=True, **options)
    outer, inner = done.stdout.split()
    assert outer == inner
    assert outer.startswith("postgres://foray:")
