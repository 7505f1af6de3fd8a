"""`manage.py --catalog NAME COMMAND`: a command in another catalog than the main one."""

import sys

import django
from django.core.management import execute_from_command_line


def run_in_catalog(arguments: list[str]) -> None:
    """Run a command in a catalog; exits with 1 where there is no catalog of that name."""
    if len(arguments) < 4:
        sys.exit("Usage: manage.py --catalog NAME COMMAND")
    program, _, name, *rest = arguments
    # The settings tell by the command's name what may run without services.
    sys.argv = [program, *rest]
    django.setup()
    from catalog import directory, scope

    if name not in directory.ready():
        sys.exit(
            f"There is no catalog '{name}'. There are: {', '.join(directory.ready())}. "
            f"Make one: manage.py catalogs create {name}"
        )
    with scope.use(name):
        execute_from_command_line([program, *rest])
