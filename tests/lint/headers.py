#!/usr/bin/env python3
"""Every header compiles alone (cmake/header_check.cmake)."""

import subprocess
import sys

from sources import ROOT

if __name__ == "__main__":
    sys.exit(subprocess.run(["./dev", "build", "dev", "header_check"], cwd=ROOT).returncode)
