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
    return seen.finish()


if __name__ == "__main__":
    sys.exit(main())
