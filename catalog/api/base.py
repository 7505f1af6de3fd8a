"""The base of API views: what every answer carries and every request is checked for."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog import values
from catalog.api.parsers import LengthRequired


class Api(APIView):
    """Set `required_scope`, or `required_scopes` by method, where reading is not what is done."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse a body of unknown length: the server would show it as an empty one."""
        super().initial(request, *args, **kwargs)
        if request.META.get("HTTP_TRANSFER_ENCODING") and not request.META.get("CONTENT_LENGTH"):
            raise LengthRequired

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Add what the throttle counted."""
        response = super().finalize_response(request, response, *args, **kwargs)
        for name, value in getattr(request, "rate_headers", {}).items():
            response[name] = value
        return response


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
