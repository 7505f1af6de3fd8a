"""Health over REST: whether this process lives, and whether it can answer."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.base import check_parameters
from catalog.health import check_services


class OpenApi(APIView):
    """Asks for no key and counts nothing: neither needs a service that may be away."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """No parameter is read here."""
        super().initial(request, *args, **kwargs)
        check_parameters(request, allowed=())


class LiveApi(OpenApi):
    """Whether the process answers at all."""

    class OutputSerializer(serializers.Serializer[Any]):
        """Always the same."""

        status = serializers.ChoiceField(choices=["ok"])

    @extend_schema(
        operation_id="health_live", tags=["health"], responses={200: OutputSerializer},
        summary="Whether the process lives",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """200, whatever else is away."""
        return Response({"status": "ok"})


class ReadyApi(OpenApi):
    """Whether requests can be answered now."""

    class OutputSerializer(serializers.Serializer[Any]):
        """The whole, and each service."""

        status = serializers.ChoiceField(choices=["ok", "degraded", "unavailable"])
        checks = serializers.DictField(
            child=serializers.CharField(), help_text='By service: "ok", or what is wrong.'
        )

    @extend_schema(
        operation_id="health_ready", tags=["health"], summary="Whether requests can be answered",
        responses={200: OutputSerializer, 503: OutputSerializer},
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """503 without the database; "degraded" where something else is away."""
        checks = check_services()
        if any(not check.is_ok and check.is_needed for check in checks):
            status = "unavailable"
        else:
            status = "ok" if all(check.is_ok for check in checks) else "degraded"
        told = {check.name: "ok" if check.is_ok else check.detail for check in checks}
        return Response(
            {"status": status, "checks": told}, status=503 if status == "unavailable" else 200
        )
