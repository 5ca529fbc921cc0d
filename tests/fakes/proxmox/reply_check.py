"""The fake's own answers against the published schema of its version, where FLYT_SHARED names a folder that has it.

An answer that is not as promised is a mistake of the fake: it is told on standard error, by `GET /mistakes` of the
control port, and by the fake's exit status.
"""

import json
import os
from pathlib import Path

FILES = {"8.4": "pve-8.4.5.schema.json", "9.1": "pve-9.1.3.schema.json"}
# Where the real server itself does not keep to its schema, as the recordings show.
KNOWN = {("GET /nodes/{node}/storage/{storage}/import-metadata", "source"),
         ("GET /nodes/{node}/qemu/{vmid}/migrate", "size")}


def load(version, folder=None):
    """{"GET /version": the schema of its answer}; empty without the file."""
    file = Path(folder or os.environ.get("FLYT_SHARED", "/nonexistent")) / "specs/proxmox" / FILES[version]
    if not file.is_file():
        return {}
    found = {}

    def walk(part):
        for method, info in (part.get("info") or {}).items():
            found[f"{method} {part['path']}"] = info.get("returns") or {}
        for child in part.get("children") or []:
            walk(child)
    content = json.loads(file.read_text())
    for part in content if isinstance(content, list) else content.get("children") or [content]:
        walk(part)
    return found


def problems(name, schema, data, path=""):
    """[what is not as the schema says]."""
    kind = schema.get("type")
    if data is None:
        return []  # Perl's undef stands for everything that is not set
    if kind == "array" and not isinstance(data, list):
        return [f"{path or '.'}: no array"]
    if kind == "array":
        return [line for number, item in enumerate(data)
                for line in problems(name, schema.get("items") or {}, item, f"{path}[{number}]")]
    if kind == "object" and not isinstance(data, dict):
        return [f"{path or '.'}: no object"]
    if kind == "object":
        return object_problems(name, schema, data, path)
    return scalar_problems(schema, data, path)


def object_problems(name, schema, data, path):
    properties = schema.get("properties") or {}
    found = [f"{path}.{key}: missing" for key, spec in properties.items()
             if not spec.get("optional") and key not in data and "[n]" not in key and (name, key) not in KNOWN]
    for key, value in data.items():
        if key in properties and (name, key) not in KNOWN:
            found += problems(name, properties[key], value, f"{path}.{key}")
    return found


def scalar_problems(schema, data, path):
    kind = schema.get("type")
    wrong = {"string": not isinstance(data, (str, int, float)), "integer": not is_integer(data),
             "number": not is_number(data), "boolean": data not in (0, 1, "0", "1", "")}.get(kind, False)
    if wrong:
        return [f"{path or '.'}: {data!r} is no {kind}"]
    if "enum" in schema and str(data) not in [str(item) for item in schema["enum"]]:
        return [f"{path}: {data!r} is none of {schema['enum']}"]
    return []


def is_integer(data):
    return isinstance(data, int) or (isinstance(data, str) and data.lstrip("-").isdigit())


def is_number(data):
    try:
        float(data)
    except (TypeError, ValueError):
        return False
    return True
