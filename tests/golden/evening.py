#!/usr/bin/env python3
"""A first evening, from init to undo, over two platforms in memory."""

import json
import sys

import worlds
from transcript import Transcript

LIMITS = ("--machines", "1", "--disks", "1")  # one after the other: the lines have one order


def json_lines(seen, *arguments):
    """The objects that a command prints with --json; all must have a type."""
    done = seen.flyt(*arguments, "--json", keep=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    seen.expect(lines and all("type" in line for line in lines), f"{arguments}: a line without a type")
    seen.expect(done.stderr == "", f"{arguments}: {done.stderr}")
    return lines


def main():
    seen = Transcript("evening")
    seen.flyt("init", "--name", "Guldborgsund")
    seen.text += seen.normal((seen.folder / "flyt.toml").read_text()) + "\n"
    seen.flyt("init")
    seen.flyt("check", "--today", "2026-11-24")
    worlds.write(seen)
    seen.flyt("check", "--today", "2026-11-24")
    seen.flyt("inventory")
    seen.flyt("assess")
    seen.flyt("plan", "--today", "2026-11-24", "--select", "tag=pilot", "-o", "pilot.json")
    first = (seen.folder / "pilot.json").read_bytes()
    seen.flyt("plan", "--today", "2026-11-24", "--select", "tag=pilot", "-o", "pilot.json", keep=False)
    seen.expect(first == (seen.folder / "pilot.json").read_bytes(), "the same inputs gave another plan")
    seen.flyt("show", "pilot.json")
    seen.flyt("status")
    seen.flyt("apply", "pilot.json", "--until", "copied", *LIMITS)
    seen.flyt("status", "pilot.json")
    seen.flyt("apply", "pilot.json", *LIMITS)
    seen.flyt("status")
    seen.flyt("verify", "pilot.json")
    report = json_lines(seen, "verify", "pilot.json")[-1]
    seen.expect(report["type"] == "report" and report["exit_status"] == 0, f"verify --json: {report}")
    seen.expect([one["state"] for one in report["machines"]] == ["landed", "landed"], "not all landed")
    for arguments in (["check"], ["inventory", "old"], ["assess"], ["show", "pilot.json"], ["status"], ["drivers"]):
        json_lines(seen, *arguments)
    seen.flyt("undo", "pilot.json")
    seen.flyt("undo", "pilot.json", "--target")
    seen.flyt("undo", "pilot.json", "--target", "--started", "--yes")
    left = json.loads((seen.folder / "new/world.json").read_text())
    seen.expect(left["machines"] == [], "undo left machines on the target")
    kept = json.loads((seen.folder / "old/world.json").read_text())
    seen.expect(len(kept["machines"]) == 2, "a machine is gone from the source")
    look_at_log(seen)
    return seen.finish()


def look_at_log(seen):
    """What apply and verify did is in the log, in order, and nobody else may read it."""
    [log] = (seen.folder / "state").rglob("flyt.log")
    seen.expect(log.stat().st_mode & 0o077 == 0, f"the log has mode {log.stat().st_mode:o}")
    text = log.read_text()
    told = ["flyt apply begins", ": running: copy:0", ": copied at the end", ": running: boot", ": bytes PASS",
            ": landed at the end", "flyt verify begins", ": running: verify", ": boot PASS"]
    at = 0
    for words in told:
        at = text.find(words, at)
        seen.expect(at >= 0, f"the log does not say '{words}' in its place:\n{text}")
        at = max(at, 0)


if __name__ == "__main__":
    sys.exit(main())
