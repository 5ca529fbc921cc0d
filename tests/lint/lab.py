#!/usr/bin/env python3
"""What stands in tests/lab/guests is byte for byte what the shared lab has."""

import filecmp
import os
import sys
from pathlib import Path

from sources import ROOT, report

OURS = ROOT / "tests/lab/guests"


def main():
    shared = os.environ.get("FLYT_SHARED")
    if not OURS.is_dir() or not shared:
        print("nothing taken over yet" if shared else "FLYT_SHARED is not set: nothing to compare with")
        return 77
    theirs = Path(shared) / "lab/guests"
    names = [p.relative_to(OURS) for p in sorted(OURS.rglob("*")) if p.is_file()]
    return report([f"tests/lab/guests/{name}: differs from the shared one" for name in names
                   if (theirs / name).is_file()
                   and not filecmp.cmp(OURS / name, theirs / name, shallow=False)])


if __name__ == "__main__":
    sys.exit(main())
