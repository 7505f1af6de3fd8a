"""`run`: the whole product in one foreground process."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.embedded.child import ChildSpec
from config.embedded.home import Home
from config.embedded.output import Console
from config.embedded.ports import check_web_port
from config.embedded.process import Launch
from config.embedded.product import (
    PROJECT_ROOT,
    child_environment,
    end_leftover_children,
    product_children,
    setup_launch,
)
from config.embedded.services import Services, plan_services
from config.embedded.supervisor import StopRequested, Supervisor
from config.embedded.web import WebAddress, answers, web_address

PATIENCE = 90.0
Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """What runs beside the services.

    Attributes:
        setup: From the children's environment to the command that has to succeed first.
        children: From the same environment to what runs until the end.
        is_ready: Whether the site answers.
    """

    setup: Callable[[Environment], Launch]
    children: Callable[[Environment], list[ChildSpec]]
    is_ready: Callable[[], bool]


def home_of(environment: Environment) -> Home:
    """The home that FORAY_HOME names, else `var` in the project's folder."""
    named = environment.get("FORAY_HOME") or str(PROJECT_ROOT / "var")
    return Home(Path(named).expanduser().resolve())


def run(environment: Environment) -> int:
    """Start everything, keep it running, stop everything at Ctrl-C; returns the exit status."""
    web = web_address(environment)
    own_broker = not environment.get("BROKER_URL")
    product = Product(
        setup=setup_launch,
        children=lambda child_env: product_children(child_env, web=web, own_broker=own_broker),
        is_ready=lambda: answers(web),
    )
    return run_product(product, environment=environment, web=web)


def run_product(product: Product, *, environment: Environment, web: WebAddress) -> int:
    """`run` with any set-up and children."""
    home = home_of(environment)
    home.prepare()
    with home.lock("run"):
        end_leftover_children(home)
        check_web_port(host=web.host, port=web.port)
        services = plan_services(home, environment)
        child_env = child_environment(environment, home=home, urls=services.urls)
        console = Console()
        supervisor = Supervisor(home=home, console=console)
        running = _Run(services, product, web, child_env, console, supervisor)
        with supervisor.signals():
            try:
                return running.until_stopped()
            except StopRequested:
                return 0
            finally:
                console.line("Stopping ...")
                supervisor.stop_all()
                supervisor.close()
                console.line("Foray is stopped.")


@dataclass(frozen=True, slots=True)
class _Run:
    """One run, step by step."""

    services: Services
    product: Product
    web: WebAddress
    child_environment: Environment
    console: Console
    supervisor: Supervisor

    def until_stopped(self) -> int:
        self.console.line(f"Foray starts in {self.services.home.root}")
        self.services.start(self.supervisor)
        self.services.publish(web_url=self.web.url)
        status = self._set_up()
        if status == 0:
            self._serve()
        return status

    def _set_up(self) -> int:
        begin = time.monotonic()
        status = self.supervisor.run_command(self.product.setup(self.child_environment))
        if status:
            self.console.line("The set-up did not finish; `make run` goes on where it stopped.")
            return status if status > 0 else 128 - status
        self.console.done("Database and data", time.monotonic() - begin)
        return 0

    def _serve(self) -> None:
        begin = time.monotonic()
        if self.supervisor.stop_requests:
            return
        for spec in self.product.children(self.child_environment):
            self.supervisor.start(spec)
        if not self._wait_for_site():
            return
        self.console.done("Web, workers, scheduler", time.monotonic() - begin)
        for line in self._welcome():
            self.console.line(line)
        self.supervisor.run_until_stopped()

    def _wait_for_site(self) -> bool:
        """Whether the site answered before somebody asked for the end."""
        if self.supervisor.wait_until(self.product.is_ready, seconds=PATIENCE):
            return True
        if not self.supervisor.stop_requests:
            log = self.services.home.log_folder / "web.log"
            self.console.line(f"The site does not answer yet; {log} may say why. Still waiting.")
        return self.supervisor.wait_until(self.product.is_ready, seconds=float("inf"))

    def _welcome(self) -> tuple[str, ...]:
        return (
            "",
            f"Foray is ready: {self.web.url}",
            f"  Admin   {self.web.url}admin/",
            f"  Home    {self.services.home.root} (data, logs)",
            "Ctrl-C stops everything.",
            "",
        )
