#!/usr/bin/env python3
"""The help of flyt and of every command; and the exit statuses are those of docs/cli.md."""

import re
import sys

from transcript import SOURCE, Transcript


def statuses(text, pattern):
    return {int(number): meaning.strip() for number, meaning in re.findall(pattern, text, re.MULTILINE)}


def main():
    seen = Transcript("help")
    top = seen.flyt("--help")
    commands = re.findall(r"^  ([a-z]+) {2,}\S", top.stdout.split("\n\n")[2], re.MULTILINE)
    seen.expect(len(commands) >= 11, f"only {commands}")
    for command in commands:
        seen.flyt(command, "--help")
    seen.flyt("--version")

    documented = statuses((SOURCE / "docs/cli.md").read_text(), r"^\| ([0-9]+) \| (.*) \|$")
    seen.expect(documented == statuses(top.stdout, r"^ {2,4}([0-9]+)  (.*)$"),
                "docs/cli.md has other exit statuses than flyt --help")
    return seen.finish()


if __name__ == "__main__":
    sys.exit(main())
