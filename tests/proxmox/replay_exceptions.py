"""What of the recordings a fake cannot answer the same, and why; and what happened between the recorded exchanges."""

EXCEPTIONS = {}
NO_BODY = {}
BEFORE = {}
