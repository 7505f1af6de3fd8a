"""The OpenAPI document: what every operation shares, said once."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

from catalog.api.permissions import READ, required_scope
from catalog.api.problems import MEDIA_TYPE
from catalog.api.serializers import MAX_ROWS

PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "Address of the error's explanation."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened, and what to do."},
        "code": {"type": "string", "description": "Stable, for programs."},
        "instance": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "field": {"type": "string"},
                    "pointer": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
ALWAYS = {
    "400": "A parameter or a field cannot be used; it is named.",
    "401": "The API key is missing, unknown, expired or revoked.",
    "403": "The API key lacks the scope, which is named.",
    "406": "Only JSON is answered.",
    "429": "Too many requests in this minute: wait Retry-After seconds.",
    "503": "A service that is needed is away: try again.",
}
WITH_BODY = {
    "411": "The body came without a Content-Length.",
    "413": "The body is too large: send several requests.",
    "415": "The body is not application/json.",
}
MISSING = {"404": "There is nothing under this id."}
METHODS = ("get", "post", "put", "patch", "delete")
OPEN_TAG = "health"


class ScopedSchema(AutoSchema):
    """Tells the scope of each operation, and that reading may need no key."""

    def get_serializer_name(self, serializer: Any, direction: str) -> str:
        """The class's name; of a class within a view with the view's before it: "ItemsInput"."""
        *outer, name = type(serializer).__qualname__.split(".")
        return "".join([*(part.removesuffix("Api") for part in outer), name])

    def get_auth(self) -> list[dict[str, Any]]:
        """The ways to authenticate; {} where it may be left out."""
        auth = super().get_auth()
        if required_scope(self.view, self.method) == READ and {} not in auth:
            auth = [*auth, {}]
        return auth

    def get_description(self) -> str:  # type: ignore[override]  # the base takes no more
        """The docstring, and the scope."""
        description = super().get_description() or ""
        if not getattr(self.view, "authentication_classes", ()):
            return description
        scope = required_scope(self.view, self.method)
        return f"{description}\n\nScope of the API key: `{scope}`.".strip()


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document speaks of keys."""

    target_class = "catalog.api.authentication.ApiKeyAuthentication"
    name = ["bearerKey", "headerKey"]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, Any]]:
        """Both ways to send a key."""
        return [
            {"type": "http", "scheme": "bearer", "description": "An API key: `Bearer fry_...`"},
            {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        ]


def refine(
    result: dict[str, Any], generator: SchemaGenerator, request: Any, public: bool
) -> dict[str, Any]:
    """Add the errors every operation may answer with, and close the bodies to unknown fields."""
    components = result.setdefault("components", {}).setdefault("schemas", {})
    components["Problem"] = PROBLEM
    for name, schema in components.items():
        if name.endswith("Request") and schema.get("type") == "object":
            schema["additionalProperties"] = False
            for part in schema["properties"].values():
                if part.get("items", {}).get("$ref"):  # rows of a bulk write
                    part |= {"minItems": 1, "maxItems": MAX_ROWS}
    for path, operations in result.get("paths", {}).items():
        for method in METHODS:
            if method in operations:
                _add_problems(path, operations[method])
    return result


def _add_problems(path: str, operation: dict[str, Any]) -> None:
    if OPEN_TAG in operation.get("tags", ()):
        return
    problems = dict(ALWAYS)
    names_an_item = any(p["name"] == "item_id" for p in operation.get("parameters", ()))
    if "{" in path or names_an_item or "requestBody" in operation:
        problems |= MISSING
    if "requestBody" in operation:
        problems |= WITH_BODY
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, description in problems.items():
        operation["responses"].setdefault(status, {"description": description, "content": content})
