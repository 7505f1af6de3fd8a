"""The catalogs of the installation over REST."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import directory, scope
from catalog.api.base import Api
from catalog.models import ApiKey


class CatalogsApi(Api):
    """All catalogs, for keys of the main one."""

    required_scope = ApiKey.Scope.ADMIN

    class ListOutput(serializers.Serializer[Any]):
        """The catalog that answered, and, in the main one, those beside it."""

        class CatalogOutput(serializers.Serializer[Any]):
            """A catalog. Requests to no catalog's host names are the main one's."""

            name = serializers.CharField()
            hosts = serializers.ListField(child=serializers.CharField())
            state = serializers.ChoiceField(["making", "ready"])

        current = serializers.CharField()
        catalogs = CatalogOutput(many=True)

    @extend_schema(
        operation_id="list_catalogs", tags=["catalogs"], responses={200: ListOutput},
        summary="List the installation's catalogs",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """The main catalog knows the others; the others know themselves."""
        name = scope.current()
        rows = directory.known() if name == scope.MAIN else ()
        mine = {"name": name, "hosts": [], "state": "ready"}
        others = [
            {
                "name": one.name,
                "hosts": list(one.hosts),
                "state": "ready" if one.is_ready else "making",
            }
            for one in rows
        ]
        return Response({"current": name, "catalogs": [mine, *others]})
