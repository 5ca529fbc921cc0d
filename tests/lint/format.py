#!/usr/bin/env python3
"""All C++ is as clang-format writes it; --fix makes it so."""

import re
import subprocess
import sys

from sources import ROOT, cpp_files, report


def main():
    names = [str(path) for path in cpp_files()]
    if sys.argv[1:] == ["--fix"]:
        return subprocess.run(["clang-format", "-i", *names], cwd=ROOT).returncode
    done = subprocess.run(["clang-format", "--dry-run", *names], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    wrong = sorted(set(re.findall(r"^(\S+?):\d+:\d+: warning: code should be", done.stderr, re.MULTILINE)))
    if not wrong:
        return done.returncode
    return report([f"{name}: not as clang-format writes it" for name in wrong] + ["./dev lint --fix mends it"])


if __name__ == "__main__":
    sys.exit(main())
