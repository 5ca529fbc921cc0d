"""What a user sees, kept in tests/golden/expected and compared: commands, their output, exit status.

A script makes a Transcript, runs commands in its folder and ends with finish(). With --update it writes what
it saw instead of comparing; look at the diff before committing it.
"""

import difflib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

EXPECTED = Path(__file__).resolve().parent / "expected"
SOURCE = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("FLYT_PROGRAM", str(SOURCE / "build/dev/flyt"))
TIMEOUT = 300

# What differs from run to run. Replacements keep the width where columns matter.
CHANGING = [
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "UUID"),
    (re.compile(r"\bflyt-[a-z2-7]{20}\b"), "flyt-ID"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "DIGEST"),
    (re.compile(r"\bplan [0-9a-f]{16}\b"), "plan DIGEST"),
    (re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?Z"), "TIME"),
    (re.compile(r"flyt [0-9]+\.[0-9]+\.[0-9]+(\+[0-9a-z.]+)?"), "flyt VERSION"),
    (re.compile(r"\bpid [0-9]+\b"), "pid N"),
    (re.compile(r"\b(PASS|boot     ) [0-9]+ s\b"), r"\1 N s"),
    (re.compile(r"\b(within|after|took|in) [0-9.]+ (ms|s)\b"), r"\1 N s"),
]
# Machines are verified at the same time.
VERIFYING = re.compile(r"(^\S+: (running: verify|landed|failed)\n){2,}", re.MULTILINE)


class Transcript:
    def __init__(self, name):
        self.name = name
        self.holder = tempfile.TemporaryDirectory(prefix="flyt-golden-", dir="/tmp")  # its length decides where lines break
        self.folder = Path(self.holder.name).resolve()
        self.text = ""
        self.problems = []

    def write(self, name, text, mode=0o644):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def flyt(self, *arguments, env=None, keep=True):
        """Runs flyt in the folder. With `keep` its output becomes part of the transcript."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8",
                       "XDG_STATE_HOME": str(self.folder / "state"), "NO_COLOR": "1"} | (env or {})
        done = subprocess.run([PROGRAM, *arguments], cwd=self.folder, env=environment, timeout=TIMEOUT,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
        if keep:
            self.text += self.normal(f"$ {shlex.join(['flyt', *arguments])}\n{done.stdout}"
                                     f"{done.stderr}[exit status {done.returncode}]\n\n")
        return done

    def say(self, text):
        """A line between commands: what was done to the world."""
        self.text += f"# {text}\n"

    def expect(self, truth, text):
        if not truth:
            self.problems.append(text)

    def normal(self, text):
        text = text.replace(str(self.folder), "DIR").replace(str(SOURCE), "SOURCE")
        text = VERIFYING.sub(lambda lines: "".join(sorted(lines[0].splitlines(True))), text)
        for pattern, by in CHANGING:
            text = pattern.sub(by, text)
        return text

    def finish(self):
        """Compares, or updates. The script's exit code."""
        path = EXPECTED / f"{self.name}.txt"
        for problem in self.problems:
            print(f"{self.name}: {problem}")
        if "--update" in sys.argv:
            path.write_text(self.text)
            print(f"wrote {path}")
        elif (wanted := path.read_text() if path.exists() else "") != self.text:
            sys.stdout.writelines(difflib.unified_diff(
                wanted.splitlines(True), self.text.splitlines(True), f"{self.name}: expected", "seen"))
            print("\nwhen this is right: tests/golden/NAME.py --update")
            return 1
        return 1 if self.problems else 0
