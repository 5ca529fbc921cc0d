"""The table of calls: which function answers which endpoint."""

from dataclasses import dataclass, field

from faults import ApiError

HANDLERS = {}
UPGRADED = object()  # the handler has used up the connection


@dataclass
class Reply:
    """Data with something beside it, as the total of a list."""
    data: object
    beside: dict = field(default_factory=dict)


@dataclass
class Call:
    world: object
    front: str  # the node that was asked
    node: str  # the node that works
    caller: object
    given: dict
    request: object
    endpoint: object

    def get(self, name, default=None):
        return self.given.get(name, default)

    def may(self, path, *wanted, any_of=False):
        return self.world.access.may(self.caller, path, wanted, any_of)

    def demand(self, path, *wanted, any_of=False):
        self.world.access.demand(self.caller, path, wanted, any_of)

    def task(self, kind, ident, work):
        return self.world.tasks.run(self.node, kind, ident, self.caller, work)


def call(name):
    def enter(handler):
        HANDLERS[name] = handler
        return handler
    return enter


def not_here(message):
    return ApiError(501, message)
