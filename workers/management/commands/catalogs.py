"""Several catalogs in one installation: list, create, hosts, remove."""

import shutil
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from catalog import directory, scope
from catalog.errors import Conflict, ProjectError
from catalog.schemas import drop_schema
from workers.new_catalog import make_catalog


class Command(BaseCommand):
    """`manage.py catalogs create store --host store.localhost`."""

    help = (
        "Several catalogs in one installation, each with its own items, people, events, models, "
        "accounts and keys. Other commands work in one of them: manage.py --catalog NAME COMMAND."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One of four things to do."""
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="the catalogs and their host names")
        create = actions.add_parser("create", help="make one, or go on with one half made")
        create.add_argument("name", help="small letters and digits")
        create.add_argument("--demo", choices=["films", "store", "none"], default="none")
        hosts = actions.add_parser("hosts", help="set the host names that lead to one")
        hosts.add_argument("name")
        for each in (create, hosts):
            each.add_argument("--host", action="append", default=[], dest="hosts")
        remove = actions.add_parser("remove", help="drop one with everything in it")
        remove.add_argument("name")
        remove.add_argument("--yes", action="store_true", help="really drop its data")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it; only in the main catalog, which keeps the list."""
        if scope.current() != scope.MAIN:
            raise CommandError("Catalogs are kept in the main one: leave out --catalog.")
        try:
            getattr(self, f"_{options['action']}")(options)
        except ProjectError as error:
            raise CommandError(error.detail) from error

    def _list(self, options: dict[str, Any]) -> None:
        self.stdout.write(f"{scope.MAIN}: every host name that leads to no other")
        for one in directory.known():
            state = "" if one.is_ready else " (being made)"
            self.stdout.write(f"{one.name}: {', '.join(one.hosts) or 'keys only'}{state}")

    def _create(self, options: dict[str, Any]) -> None:
        name, hosts = options["name"], options["hosts"]
        known = directory.of_name(name)
        if known is not None and known.is_ready:
            raise Conflict(f"There is a catalog '{name}' already.")
        if known is None:
            directory.register(name=name, hosts=hosts)
        elif hosts:
            directory.set_hosts(name=name, hosts=hosts)
        make_catalog(name=name, demo=options["demo"], bar=options["verbosity"] > 0)
        self.stdout.write(
            f"The catalog '{name}' is ready. Work in it with: manage.py --catalog {name} COMMAND"
        )

    def _hosts(self, options: dict[str, Any]) -> None:
        row = directory.set_hosts(name=options["name"], hosts=options["hosts"])
        self.stdout.write(f"{row.name}: {', '.join(row.hosts) or 'keys only'}")

    def _remove(self, options: dict[str, Any]) -> None:
        name = options["name"]
        if not options["yes"]:
            raise CommandError(
                f"This drops the catalog '{name}' with its items, people, events and models: "
                "say it with --yes."
            )
        # Its row goes last, so that a removal that was cut off can be gone on with.
        directory.withdraw(name)
        drop_schema(name)
        with scope.use(name):
            for root in (settings.RECS_ARTIFACT_DIR, settings.FORAY_HOME):
                shutil.rmtree(scope.folder(root), ignore_errors=True)
        directory.unregister(name)
        self.stdout.write(f"The catalog '{name}' is gone.")
