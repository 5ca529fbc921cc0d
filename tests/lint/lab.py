#!/usr/bin/env python3
"""What tests/lab has taken over from the shared lab is byte for byte what stands there."""

import os
import sys
from pathlib import Path

from sources import ROOT, report

OURS = ROOT / "tests/lab"


def main():
    shared = os.environ.get("FLYT_SHARED")
    if not shared:
        print("FLYT_SHARED is not set: nothing to compare with")
        return 77
    theirs = Path(shared) / "lab"
    folders = [folder.name for folder in sorted(OURS.iterdir()) if (theirs / folder.name).is_dir()]
    if not folders:
        return report([f"{theirs} has nothing of what is in tests/lab"])
    return report([problem for folder in folders for problem in differences(OURS / folder, theirs / folder)])


def differences(ours, theirs):
    here, there = contents(ours), contents(theirs)
    return [f"tests/lab/{ours.name}/{name}: differs from the shared one"
            for name in sorted(here.keys() | there.keys()) if here.get(name) != there.get(name)]


def contents(folder):
    """{name: (whether it can be run, bytes)} of all files."""
    return {str(path.relative_to(folder)): (os.access(path, os.X_OK), path.read_bytes())
            for path in folder.rglob("*") if path.is_file()}


if __name__ == "__main__":
    sys.exit(main())
