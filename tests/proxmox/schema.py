#!/usr/bin/env python3
"""The fake's tables of parameters against the published schemas of both versions, and the check of its answers against
the recorded ones: what a real server says must pass it."""

import importlib
import json
import re
import sys

import fake_server

sys.path.insert(0, str(fake_server.PROGRAM.parent))
import calls  # noqa: E402
import pve  # noqa: E402
import reply_check  # noqa: E402
import tables  # noqa: E402

KEPT = {"type", "optional", "format", "minimum", "maximum", "minLength", "maxLength", "enum", "pattern", "requires",
        "alias", "keyAlias", "default_key", "items"}


def endpoints(file):
    found = {}

    def walk(part):
        for method, info in (part.get("info") or {}).items():
            found[f"{method} {part['path']}"] = info
        for child in part.get("children") or []:
            walk(child)
    content = json.loads(file.read_text())
    for part in content if isinstance(content, list) else [content]:
        walk(part)
    return found


def facts(spec):
    """What of a parameter's description the tables keep."""
    kept = {}
    for key, value in spec.items():
        if key in ("minimum", "maximum", "minLength", "maxLength"):
            value = float(value)
        elif key == "format" and isinstance(value, dict):
            value = {name: facts(part) for name, part in value.items()}
        elif key == "items":
            value = facts(value)
        if key in KEPT:
            kept[key] = value
    return kept


def compare_table(version, file):
    wanted = endpoints(file)
    for endpoint in tables.Table(version).endpoints:
        name = f"{endpoint.method} {endpoint.path}"
        if name not in wanted:
            yield f"{version}: {name}: not in the schema"
            continue
        info = wanted[name]
        properties = info["parameters"].get("properties") or {}
        yield from (f"{version}: {name}: no parameter {key}" for key in sorted(set(properties) - set(endpoint.params)))
        yield from (f"{version}: {name}: {key} is not in the schema" for key in sorted(set(endpoint.params) - set(properties)))
        yield from (f"{version}: {name}: {key}: {facts(endpoint.params[key])} is {facts(properties[key])} in the schema"
                    for key in sorted(set(properties) & set(endpoint.params))
                    if facts(endpoint.params[key]) != facts(properties[key]))
        permissions = info.get("permissions") or {}
        if endpoint.check != permissions.get("check") or endpoint.world != (permissions.get("user") == "world"):
            yield f"{version}: {name}: {endpoint.check} is {permissions.get('check')} in the schema"
        if endpoint.protected != bool(info.get("protected")) or endpoint.proxied != (info.get("proxyto") == "node"):
            yield f"{version}: {name}: protected or proxied otherwise"


def recorded_answers(folder, shared):
    """(name, problems) of each recorded success."""
    returns, table = reply_check.load("8.4", shared), tables.Table("8.4")
    for file in sorted(folder.glob("[0-9]*.json")):
        exchange = json.loads(file.read_text())
        if exchange["kind"] != "http" or exchange["response"]["status"] != 200:
            continue
        path = re.match(r"/api2/json(/[^?]*)", exchange["request"]["path"])
        endpoint, _ = table.route(exchange["request"]["method"], fake_server.urllib.request.unquote(path[1])) if path else (None, 0)
        if endpoint:
            name = f"{endpoint.method} {endpoint.path}"
            content = json.loads(exchange["response"]["body"])
            yield file.name, reply_check.problems(name, returns[name], content["data"])


def main():
    folder = fake_server.shared()
    found = [line for version in reply_check.FILES for line in compare_table(version, folder / reply_check.FILES[version])]
    for module in pve.CALLS:
        importlib.import_module(module)
    named = {f"{one.method} {one.path}" for version in reply_check.FILES for one in tables.Table(version).endpoints}
    found += [f"{name}: in the tables, but nobody answers it" for name in sorted(named - set(calls.HANDLERS))]
    found += [f"{name}: answered, but in no table" for name in sorted(set(calls.HANDLERS) - named)]
    count = 0
    for name, told in recorded_answers(folder / "recordings", folder.parent.parent):
        count += 1
        found += [f"the real server's answer {name} does not pass the check: {line}" for line in told]
    for line in found:
        print(line)
    numbers = {version: len(tables.Table(version).endpoints) for version in reply_check.FILES}
    print(f"endpoints compared: {numbers}; {count} recorded answers checked; {len(found)} differences")
    return 1 if found or not count else 0


if __name__ == "__main__":
    sys.exit(main())
