"""The recorded exchanges with a real server: read, made to fit a fake, and compared with its answers."""

import json
import re

VOLATILE = {"ctime", "starttime", "endtime", "pstart", "pid", "uptime", "cpu", "mem", "disk", "maxdisk:node", "used",
            "avail", "total:storage", "used_fraction", "digest", "snaptime", "netin", "netout", "ssl_fingerprint",
            "diskread", "diskwrite", "maxmem:node", "maxcpu:node", "ip"}
SOMETIMES = {"idle_time_ns"}  # told once the guest has read from the disk
PATTERNS = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"pveupload-[0-9a-f]{32}", "pveupload-X"),
    (r"BC:24:11(:[0-9A-F]{2}){3}", "MAC"),
    (r"creation-qemu=[\d.]+,ctime=\d+", "META"),
    (r"UPID:pve1:[0-9A-F]{8}:[0-9A-F]{8}:[0-9A-F]{8}:", "UPID:pve1:X:"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME"),
    (r"tmp_dwnl\.\d+", "tmp_dwnl.X"), (r"tmp_\d+_", "tmp_X_"),
    (r"\([\d.]+ [KMG]?B/s\)", "(RATE)"), (r"100% .*=.*s$", "100% RATE"),
    (r"-kernel /root/guest/vmlinuz -initrd \S+ -append console=ttyS0|-no-user-config", "ARGS"),
    (r"#block\d+", "#block"),
    (r"(10\.99\.0\.1|127\.0\.0\.1):\d+", "HOST:PORT"), (r"10\.99\.0\.1", "HOST"),
]

# Lines of a log that come as often as time allows, and a warning of the language that the server is written in.
NOISE = r"transferred .*%\)$|received command 'query-disk-import'$|$|file_size_info: detected call with legacy"


class Places:
    """Texts of the recording that stand for something of this run: tickets, UPIDs, checksums, paths."""

    def __init__(self, fixed):
        self.found = dict(fixed)

    def put_in(self, text):
        for key in sorted(self.found, key=len, reverse=True):
            text = text.replace(key, self.found[key])
        return text

    def learn(self, wanted, got):
        """Remembers what stands in the answer where the recording has a placeholder or a UPID."""
        if isinstance(wanted, dict) and isinstance(got, dict):
            for key in wanted:
                self.learn(wanted[key], got.get(key))
        elif isinstance(wanted, str) and isinstance(got, str):
            if re.match(r"UPID:", wanted) and got.startswith("UPID:"):
                self.found[quoted(wanted)] = quoted(got)
                self.found[wanted] = got
            elif placeholder := re.search(r"<[A-Z0-9-]+>$", wanted):
                self.found.setdefault(placeholder[0], got)  # a ticket's placeholder stands for all of it later on


def quoted(upid):
    return upid.replace(":", "%3A").replace("@", "%40").replace("!", "%21")


def same_text(text, places):
    """The text without what differs from run to run."""
    for key in sorted(places, key=len, reverse=True):
        text = text.replace(places[key], key)
    for pattern, word in PATTERNS:
        text = re.sub(pattern, word, text)
    return text


def differences(wanted, got, places, path="", kind=None):
    """[what differs] between two bodies."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        if wanted.get("key") == "digest" == got.get("key"):
            return []
        kind = wanted.get("type", kind)
        found = []
        for key in sorted((set(wanted) | set(got)) - SOMETIMES):
            at = f"{path}.{key}"
            if key not in got:
                found.append(f"{at}: missing")
            elif key not in wanted:
                found.append(f"{at}: not in the recording: {got[key]!r}")
            elif ".blockstat." in at and not isinstance(wanted[key], (dict, list)):
                found += [] if both_numbers(wanted[key], got[key]) else [f"{at}: {got[key]!r} is no number"]
            elif key in VOLATILE or f"{key}:{kind}" in VOLATILE:
                if "<" not in str(wanted[key]) and type(wanted[key]) is not type(got[key]) and not both_numbers(wanted[key], got[key]):
                    found.append(f"{at}: {type(wanted[key]).__name__} became {type(got[key]).__name__}")
            else:
                found += differences(wanted[key], got[key], places, at, kind)
        return found
    if isinstance(wanted, list) and isinstance(got, list):
        if is_log(wanted) and is_log(got):
            wanted, got = log_lines(wanted, places), log_lines(got, places)
        wanted, got = in_order(wanted), in_order(got)
        if len(wanted) != len(got):
            return [f"{path}: {len(wanted)} items became {len(got)}: {names(wanted)} / {names(got)}"]
        return [line for number, pair in enumerate(zip(wanted, got))
                for line in differences(*pair, places, f"{path}[{number}]", kind)]
    if isinstance(wanted, str) and isinstance(got, str):
        if re.search(r"<[A-Z0-9-]+>$", wanted):
            return []
        if path.endswith((".content", ".privs")):
            wanted, got = ",".join(sorted(wanted.split(","))), ",".join(sorted(got.split(",")))
        if same_text(wanted, places) == same_text(got, places):
            return []
    elif wanted == got and type(wanted) is type(got):
        return []
    return [f"{path}: {wanted!r} became {got!r}"]


def both_numbers(a, b):
    return isinstance(a, (int, float)) and isinstance(b, (int, float))


def names(items):
    return [item.get("t") or item.get("volid") or item.get("id") or item.get("key") or item if isinstance(item, dict)
            else item for item in items]


def is_log(items):
    return bool(items) and all(isinstance(item, dict) and set(item) == {"n", "t"} for item in items)


def log_lines(items, places):
    """A task's log without its progress."""
    lines = [same_text(item["t"], places) for item in sorted(items, key=lambda item: item["n"])]
    return [{"t": re.sub(r"^disk-import: \d+.*", "disk-import: FIGURES", line)} for line in lines if not re.match(NOISE, line)]


def in_order(items):
    named = ("volid", "roleid", "key", "id")
    if items and all(isinstance(item, dict) and any(key in item for key in named) and "upid" not in item for item in items):
        return sorted(items, key=lambda item: next(str(item[key]) for key in named if item.get(key)))
    if items and all(isinstance(item, dict) and "vmid" in item for item in items):
        return sorted(items, key=lambda item: item["vmid"])
    return items


def load(folder):
    return [json.loads(file.read_text()) | {"number": file.name[:3]} for file in sorted(folder.glob("[0-9]*.json"))]
