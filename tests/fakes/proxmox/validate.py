"""Parameters against their descriptions, with the server's own words for what is wrong."""

import re

import formats
import propertystring
from faults import bad_parameters, died

NUMBERS = {"integer": r"[+-]?\d+", "number": r"[+-]?\d*\.?\d+(?:[eE][+-]?\d+)?"}


def parameters(endpoint, given, privileges):
    """The parameters as Python values (booleans 0 or 1); raises ApiError 400 with all that is wrong."""
    errors = {}
    required = [key for key, spec in endpoint.params.items() if not spec.get("optional")]
    values = judge(endpoint.find, required, given, errors, "", privileges)
    if errors:
        raise bad_parameters(errors)
    return values


def judge(find, required, given, errors, prefix, privileges=()):
    values = {}
    for key, value in given.items():
        spec = find(key)
        if spec is None:
            errors[prefix + key] = "property is not defined in schema and the schema does not allow additional properties"
            continue
        told = problem(spec, value, prefix + key, privileges)
        if told:
            errors[prefix + key] = told
        else:
            values[key] = convert(spec, value)
        needs = spec.get("requires")
        if needs and needs not in given:
            errors[prefix + needs] = f"missing property - '{key}' requires this property"
    for key in required:
        if key not in given and "[n]" not in key:
            errors[prefix + key] = "property is missing and it is not optional"
    return values


def problem(spec, value, path, privileges=()):
    kind = spec.get("type", "string")
    if value is None:
        raise died(f"unable to parse value of '{path}' - got undefined value")
    if kind == "array":
        values = value if isinstance(value, list) else [value]
        return next((told for item in values if (told := problem(spec.get("items", {}), item, path))), None)
    if isinstance(value, (list, dict)):
        return f"type check ('{kind}') failed - got {'ARRAY' if isinstance(value, list) else 'HASH'}"
    text = plain(value)
    return wrong_type(kind, text) or wrong_format(spec, text, path, privileges) or out_of_bounds(spec, text)


def plain(value):
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value)


def wrong_type(kind, text):
    if kind in NUMBERS and not re.fullmatch(NUMBERS[kind], text):
        return f"type check ('{kind}') failed - got '{text}'"
    if kind == "boolean" and not re.fullmatch(r"(?i:1|on|yes|true|0|off|no|false)", text):
        return f"type check ('boolean') failed - got '{text}'"
    if kind == "boolean" and text not in ("0", "1"):
        return f"type check ('boolean') failed - got '{text}'"
    return None


def wrong_format(spec, text, path, privileges):
    described = spec.get("format")
    if not described:
        return None
    if isinstance(described, dict):
        told = propertystring.problem(described, text, path)
    else:
        told = formats.check(described, text, privileges)
    return "invalid format - " + (told if told.endswith("\n") else told + "\n") if told else None


def out_of_bounds(spec, text):
    if spec.get("type") in NUMBERS:
        if "minimum" in spec and float(text) < spec["minimum"]:
            return f"value must have a minimum value of {spec['minimum']}"
        if "maximum" in spec and float(text) > spec["maximum"]:
            return f"value must have a maximum value of {spec['maximum']}"
    if "maxLength" in spec and len(text) > spec["maxLength"]:
        return f"value may only be {spec['maxLength']} characters long"
    if "minLength" in spec and len(text) < spec["minLength"]:
        return f"value must be at least {spec['minLength']} characters long"
    if "enum" in spec and text not in [str(item) for item in spec["enum"]]:
        return f"value '{text}' does not have a value in the enumeration '{', '.join(map(str, spec['enum']))}'"
    if spec.get("pattern") and not re.fullmatch(spec["pattern"].replace("(?^:", "(?:"), text):
        return "value does not match the regex pattern"
    return None


def convert(spec, value):
    kind = spec.get("type", "string")
    if kind == "array":
        return [convert(spec.get("items", {}), item) for item in (value if isinstance(value, list) else [value])]
    if kind == "integer":
        return int(plain(value))
    if kind == "number":
        number = float(plain(value))
        return int(number) if number == int(number) else number
    return int(plain(value)) if kind == "boolean" else plain(value)
