"""Options that are lists of key=value, as `virtio=52:54:00:12:34:56,bridge=vmbr0`."""

import re

import validate

# Formats that the schemas only name.
NAMED = {
    "pve-qm-watchdog": {"model": {"type": "string", "enum": ["i6300esb", "ib700"], "optional": 1, "default_key": 1},
                        "action": {"type": "string", "optional": 1, "enum": [
                            "reset", "shutdown", "poweroff", "pause", "debug", "none"]}},
    "pve-qm-rng": {"source": {"type": "string", "enum": ["/dev/urandom", "/dev/random", "/dev/hwrng"],
                              "default_key": 1},
                   "max_bytes": {"type": "integer", "optional": 1}, "period": {"type": "integer", "optional": 1}},
    "pve-qm-ipconfig": {key: {"type": "string", "optional": 1} for key in ("ip", "gw", "ip6", "gw6")},
    "proxmox-remote": {"host": {"type": "string"}, "port": {"type": "integer", "optional": 1},
                       "apitoken": {"type": "string"}, "fingerprint": {"type": "string", "optional": 1}},
}


class Malformed(Exception):
    """The text is no list of keys and values."""


def parse(description, text):
    """{key: value}, aliases resolved, values as text; raises Malformed."""
    found = {}
    default = next((key for key, spec in description.items() if spec.get("default_key")), None)
    for part in text.split(","):
        if re.fullmatch(r"\s*", part):
            continue
        named = re.fullmatch(r"([^=]+)=(.+)", part, re.DOTALL)
        key, value = (named[1], named[2]) if named else (default, part)
        if not named and "=" in part:
            raise Malformed("missing key in comma-separated list property")
        if key is None:
            raise Malformed("value without key, but schema does not define a default key")
        put(description, found, key, value)
    return found


def put(description, found, key, value):
    spec = description.get(key)
    if spec is None:
        raise Malformed(f"invalid key in comma-separated list property: {key}")
    if "keyAlias" in spec:
        put(description, found, spec["keyAlias"], key)
    if "alias" in spec:
        key = spec["alias"]
    if key in found:
        raise Malformed(f"duplicate key in comma-separated list property: {key}")
    found[key] = value


def problem(description, text, path):
    """None, or what is wrong with `text` as the value of `path`."""
    try:
        found = parse(description, str(text))
    except Malformed as error:
        return str(error)
    errors = {}
    real = {key: spec for key, spec in description.items() if "alias" not in spec and "keyAlias" not in spec}
    validate.judge(real.get, required(real), found, errors, f"{path}." if path else "")
    if not errors:
        return None
    return "format error\n" + "".join(f"{key}: {told}\n" for key, told in errors.items())


def required(description):
    return [key for key, spec in description.items() if not spec.get("optional")]


def write(values, first):
    """The text of `values`: that of key `first` without its name, the rest in order of names."""
    rest = [f"{key}={values[key]}" for key in sorted(values) if key != first]
    return ",".join([str(values[first])] * (first in values) + rest)
