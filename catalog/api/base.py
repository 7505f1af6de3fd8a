"""The base of API views: what every answer carries and every request is checked for."""

from collections.abc import Sequence
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog import values
from catalog.api.parsers import LengthRequired
from catalog.errors import InvalidInput
from catalog.filters import ATTRIBUTE, FACETS, LIST_FACETS
from catalog.profiles import filtered_attributes

# Parameters that may be repeated: several values are alternatives.
REPEATED = (*LIST_FACETS, "item_ids", "as_words")


class Api(APIView):
    """Set `required_scope`, or `required_scopes` by method, where reading is not what is done.

    `parameters` names what GET takes in its address; the other methods take nothing there.
    """

    parameters: tuple[str, ...] = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse parameters that nobody reads, and a body of unknown length.

        The server would show such a body as an empty one.
        """
        super().initial(request, *args, **kwargs)
        is_reading = request.method in ("GET", "HEAD")
        check_parameters(request, allowed=self.accepted() if is_reading else ())
        if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
            raise LengthRequired

    def accepted(self) -> tuple[str, ...]:
        """The parameters of GET, with the catalog's attributes where it can be filtered."""
        if not set(FACETS) <= set(self.parameters):
            return self.parameters
        return (*self.parameters, *(f"{ATTRIBUTE}{key}" for key in filtered_attributes()))

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Add what the throttle counted."""
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in getattr(request, "rate_headers", {}).items():
            response[name] = value
        return response


def check_parameters(request: Request, *, allowed: Sequence[str]) -> None:
    """Refuse parameters of the address that nobody would read, and second values of one.

    Raises:
        InvalidInput: names the parameter.
    """
    for name, given in request.query_params.lists():
        if name not in allowed:
            raise values.unknown_parameter(name, allowed=allowed)
        if len(given) > 1 and name not in REPEATED and not name.startswith(ATTRIBUTE):
            raise InvalidInput(f"'{name}' is given {len(given)} times: send it once.", field=name)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it does not know, by name and with the nearest one it does."""

    def to_internal_value(self, data: Any) -> Any:
        """The validated values."""
        if isinstance(data, dict):
            for name in data:
                if name not in self.fields:
                    error = values.unknown_field(name, allowed=list(self.fields))
                    raise serializers.ValidationError({error.field: [error.detail]})
        return super().to_internal_value(data)


def read(serializer_class: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """The validated values of a body or of query parameters.

    Raises:
        ValidationError: names the fields.
    """
    serializer = serializer_class(data=data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
