"""Errors as the server tells them: a status, a reason phrase, and what stands in the body."""


class ApiError(Exception):
    """An answer that is no success. `message` has no newline at its end."""

    def __init__(self, status, message, errors=None):
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors


class Unsaid(ApiError):
    """An answer whose body is empty (`plain` None) or plain text; `late`: held back as failed logins are."""

    def __init__(self, status, message, plain=None, late=False):
        super().__init__(status, message)
        self.plain, self.late = plain, late


class Hangup(Exception):
    """The connection is closed without an answer."""


def died(message):
    """What the server makes of most mistakes of its user: 500."""
    return ApiError(500, message)


def denied(path=None, privilege=None):
    return ApiError(403, "Permission check failed" + (f" ({path}, {privilege})" if path else ""))


def bad(**errors):
    """A parameter is wrong. An underscore in a name stands for the hyphen."""
    return ApiError(400, "Parameter verification failed.", {k.replace("_", "-"): v for k, v in errors.items()})


def bad_parameters(errors):
    return ApiError(400, "Parameter verification failed.", errors)
