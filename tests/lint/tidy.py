#!/usr/bin/env python3
"""clang-tidy finds nothing in what changed lately: since FLYT_TIDY_BASE, or in three days.

A clean result is kept by the digest of all that went in, as ccache does, so that nothing is
checked twice, in whichever clone it stands. --all checks every file.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sources import ROOT, cpp_files, git, reachable, report

BUILD = ROOT / "build/tidy"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flyt-tidy"


def main():
    configure = subprocess.run(["cmake", "--preset", "tidy"], cwd=ROOT, capture_output=True, text=True)
    if configure.returncode != 0:
        return report([configure.stdout + configure.stderr])
    commands = {Path(entry["file"]): entry["command"]
                for entry in json.loads((BUILD / "compile_commands.json").read_text())}
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True).stdout
    CACHE.mkdir(parents=True, exist_ok=True)

    def check(source):
        key = CACHE / digest(source, commands[source], version)
        if key.exists():
            return None
        done = subprocess.run(["nice", "clang-tidy", "--quiet", "-p", str(BUILD), str(source)], cwd=ROOT,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode == 0:
            key.touch()
            return None
        return done.stdout + (done.stderr if not done.stdout.strip() else "")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return report(findings([found for found in pool.map(check, to_check(commands)) if found]))


def findings(outputs):
    """Each finding once, though many sources include the header that it is in."""
    text = "".join(outputs).replace(f"{ROOT}/", "")
    return list(dict.fromkeys(re.split(r"\n+(?=\S+:\d+:\d+: error:)", text.strip()))) if text else []


def to_check(commands):
    """Changed sources; a changed header through its own check file, if no changed source has it."""
    changed = cpp_files() if "--all" in sys.argv else changed_files()
    sources = [ROOT / path for path in changed if ROOT / path in commands]
    seen = {header for source in sources for header in reachable(ROOT, source.relative_to(ROOT))}
    checks = [BUILD / f"header_check/{path}.cpp" for path in changed if path.suffix == ".hpp"
              and path not in seen]
    return sources + [check for check in checks if check in commands]


def changed_files():
    base = os.environ.get("FLYT_TIDY_BASE") or git("rev-list", "-1", "--before=3 days ago", "HEAD").strip()
    if not base:
        return cpp_files()  # a young history
    names = set(git("diff", "--name-only", base).splitlines())
    names |= set(git("ls-files", "--others", "--exclude-standard").splitlines())
    return [path for path in cpp_files() if str(path) in names]


def digest(source, command, version):
    """Of all that decides the result, without the checkout's own path."""
    own = sorted([source] + [ROOT / header for header in reachable(ROOT, source.relative_to(ROOT))])
    parts = [version, command] + [config.read_text() for config in sorted(ROOT.glob("**/.clang-tidy"))]
    parts += [f"{path}\0{path.read_text()}" for path in own]
    return hashlib.sha256("\0".join(parts).replace(str(ROOT), "").encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
