#!/usr/bin/env python3
"""Commit messages: `area: Imperative`, at most 68 characters, no dot at the end, and a body."""

import re
import sys

from sources import git, report

SUBJECT = re.compile(r"[a-z][a-z0-9_./, -]*: [A-Z]\S*")
LENGTH = 68
NOT_IMPERATIVE = re.compile(r": (?!Embed|Feed|Heed|Need|Seed|Shed|Speed|Bring|String)[A-Z][a-z]+(ed|ing)\b")


def judge(subject, body):
    if not SUBJECT.match(subject):
        yield "the subject is not `area: Imperative`"
    if NOT_IMPERATIVE.search(subject):
        yield "the subject is not an imperative"
    if len(subject) > LENGTH:
        yield f"the subject has {len(subject)} characters, limit {LENGTH}"
    if subject.endswith("."):
        yield "the subject ends with a dot"
    if not body.strip():
        yield "there is no body that says why"


def main():
    log = git("log", "--no-merges", "--format=%h%x1f%s%x1f%b%x1e", "HEAD")
    if not log:
        print("no commits yet")
        return 77
    commits = [entry.strip("\n").split("\x1f") for entry in log.split("\x1e") if entry.strip()]
    return report([f"{commit} {subject}: {problem}" for commit, subject, body in commits
                   for problem in judge(subject, body)])


if __name__ == "__main__":
    sys.exit(main())
