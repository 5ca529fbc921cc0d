"""What a value of a named format looks like. Each check returns None, or what is wrong with the value."""

import ipaddress
import re
import urllib.parse

import propertystring

SAFE_ID = r"[A-Za-z][A-Za-z0-9.\-_]*[A-Za-z0-9]"


def matches(pattern, told):
    compiled = re.compile(pattern)
    return lambda value: None if compiled.fullmatch(value) else told.format(value=value)


def dns_name(value):
    label = r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9\-]*[a-zA-Z0-9])?)"
    return None if re.fullmatch(rf"(?:{label}\.)*{label}", value) else "value does not look like a valid DNS name"


def vmid(value):
    good = re.fullmatch(r"[1-9][0-9]{2,8}", str(value))
    return None if good else "value does not look like a valid VM ID"


def mac(value):
    good = re.fullmatch(r"[0-9a-fA-F][02468aceACE](?::[0-9a-fA-F]{2}){5}", value)
    return None if good else "value does not look like a valid unicast MAC address"


def volume_id(value):
    if re.fullmatch(rf"({SAFE_ID}):(\S.*)", value, re.IGNORECASE):
        return None
    return f"unable to parse volume ID '{value}'"


def volume_or_drive_path(value):
    return None if value in ("none", "cdrom") or value.startswith("/") else volume_id(value)


def volume_or_absolute_path(value):
    return None if value.startswith("/") else volume_id(value)


def user_id(value):
    good = re.fullmatch(r"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+", value)
    return None if good else f"value '{value}' does not look like a valid user name"


def token_id(value):
    good = re.fullmatch(rf"[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+!{SAFE_ID}", value)
    return None if good else f"value '{value}' does not look like a valid token ID"


def disk_size(value):
    return None if re.fullmatch(r"\d+(\.\d+)?[KMGT]?", str(value)) else "value does not look like a valid disk size"


def tag(value):
    good = re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_\-+.]*", value)
    return None if good else "invalid characters in tag"


def cpu(value):
    kind = re.match(r"(?:cputype=)?([^,]*)", value)[1]
    return None if re.fullmatch(r"(custom-)?[A-Za-z0-9_.\-+]+", kind) else f"unable to parse cpu option: {value}"


def boot(value):
    return None if re.fullmatch(r"(order=[a-z0-9;]*|legacy=[acdn]{1,4}|[acdn]{1,4})", value) else \
        "value does not look like a valid boot order"


def smbios1(value):
    for part in value.split(","):
        key, mark, text = part.partition("=")
        if not mark or key not in ("base64", "family", "manufacturer", "product", "serial", "sku", "uuid", "version"):
            return "format error"
        if key == "uuid" and not re.fullmatch(r"[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}", text):
            return "format error\nsmbios1.uuid: value does not match the regex pattern\n"
    return None


def content_kind(value):
    good = value in ("images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none")
    return None if good else f"invalid content type '{value}'"


def address(value):
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return None if dns_name(value) is None else f"value does not look like a valid address: {value}"
    return None


def network(value):
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return f"value does not look like a valid CIDR network: {value}"
    return None


def url_encoded(value):
    return None if urllib.parse.quote(urllib.parse.unquote(value), safe="%-_.!~*'()") else "no text"


def pairs(value):
    good = all(re.fullmatch(rf"({SAFE_ID}|1)(:{SAFE_ID})?", part) for part in split_list(value))
    return None if good else "no valid mapping"


def split_list(value):
    return [part for part in re.split(r"[,;\s\0]+", str(value)) if part]


CHECKS = {
    "CIDR": network, "address": address, "boot": boot, "cpu": cpu, "disk-size": disk_size, "dns-name": dns_name,
    "mac-addr": mac, "pve-vmid": vmid, "pve-volume-id": volume_id,
    "pve-volume-id-or-qm-path": volume_or_drive_path, "pve-volume-id-or-absolute-path": volume_or_absolute_path,
    "pve-userid": user_id, "pve-tokenid": token_id, "pve-tag": tag, "pve-qm-boot": boot, "pve-vm-cpu-conf": cpu,
    "pve-qm-smbios1": smbios1, "pve-storage-content": content_kind, "urlencoded": url_encoded,
    "bridge-pair-list": pairs, "storage-pair-list": pairs,
    "pve-node": lambda value: None if dns_name(value) is None else "value does not look like a valid node name",
    "pve-storage-id": matches(SAFE_ID, "storage ID '{value}' contains illegal characters"),
    "pve-poolid": matches(r"[A-Za-z0-9.\-_]+(?:/[A-Za-z0-9.\-_]+){0,2}",
                          "value '{value}' does not look like a valid pool name"),
    "pve-configid": matches(SAFE_ID, "invalid configuration ID '{value}'"),
    "pve-bridge-id": matches(r"[-_.\w\d]+", "invalid bridge ID '{value}'"),
    "pve-roleid": matches(r"[A-Za-z0-9.\-_]+", "value '{value}' does not look like a valid role ID"),
    "pve-groupid": matches(r"[A-Za-z0-9.\-_]+", "value '{value}' does not look like a valid group ID"),
    "pve-realm": matches(r"[A-Za-z][A-Za-z0-9.\-_]+", "value does not look like a valid realm"),
    "pve-iface": matches(r"[a-zA-Z][a-zA-Z0-9_.:]{1,20}", "invalid network interface name '{value}'"),
    "pve-sdn-zone-id": matches(r"[a-z][a-z0-9]{0,7}|localnetwork", "zone ID '{value}' contains illegal characters"),
    "pve-storage-path": matches(r"/.*", "value does not look like a valid absolute path"),
    "pve-ha-resource-or-vm-id": matches(r"(?:(?:vm|ct):)?\d+", "value '{value}' is no resource"),
}


def check(name, value, privileges=()):
    """None, or what is wrong. A format that the fake knows nothing of passes."""
    if name.endswith("-list") and name not in CHECKS:
        return check_list(name[:-5], value, privileges)
    if name in propertystring.NAMED:
        return propertystring.problem(propertystring.NAMED[name], value, "")
    return CHECKS[name](value) if name in CHECKS else None


def check_list(kind, value, privileges):
    if kind == "pve-priv":
        return next((f"invalid privilege '{part}'" for part in split_list(value) if part not in privileges), None)
    return next((told for part in split_list(value) if (told := check(kind, part))), None)
