"""Errors that a caller can act on. The API and the pages turn them into answers."""


class ProjectError(Exception):
    """Base of Foray's own errors: a stable code, an HTTP status, and words that say what to do."""

    code = "error"
    http_status = 400

    def __init__(self, detail: str, *, field: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class InvalidInput(ProjectError):
    """A value cannot be used; `field` names it."""

    code = "invalid_input"


class NotFound(ProjectError):
    """Nothing is stored under that id."""

    code = "not_found"
    http_status = 404


class Conflict(ProjectError):
    """Something else holds what was asked for."""

    code = "conflict"
    http_status = 409


class Unavailable(ProjectError):
    """A service that is needed cannot be reached now."""

    code = "unavailable"
    http_status = 503
