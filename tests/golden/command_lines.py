#!/usr/bin/env python3
"""What is typed and what is shown to type: help, wrong options, names that need quotes, --site, hostile names."""

import fcntl
import json
import shlex
import shutil
import subprocess
import sys

import worlds
from transcript import PROGRAM, Transcript

EVIL = "\x1b[2J\nforged: landed \u202e"


def hostile(seen):
    """Every text of a platform that people see; none may reach the terminal as it is."""
    seen.say("a platform whose texts steer terminals")
    old = worlds.source()
    old["platform"] = EVIL
    old["machines"][0]["name"] = EVIL + "x" * 300
    old["machines"][0]["nics"][0]["model"] = EVIL
    old["machines"][0]["disks"][0]["label"] = EVIL
    old["storages"][0]["kind"] = EVIL
    old["volumes"] = [{"id": "v", "name": EVIL, "storage": EVIL, "kind": EVIL, "format": EVIL, "size_bytes": 1}]
    old["machines"][1]["concerns"] = [{"code": EVIL + "C" * 200, "severity": "warning", "machine": EVIL,
                                       "text": EVIL, "remedy": EVIL}]
    worlds.write(seen, old=old)
    for arguments in (["inventory", "old"], ["check", "old"], ["assess", "old"], ["plan", "-o", EVIL + ".json"],
                      ["show", EVIL + ".json"], ["apply", EVIL + ".json"], ["status"], ["undo", EVIL]):
        done = seen.flyt(*arguments, keep=False)
        text = done.stdout + done.stderr
        seen.expect(done.returncode in (0, 1, 2), f"{arguments}: exit status {done.returncode}\n{text}")
        seen.expect(not any(one in text for one in ("\x1b", "\u202e", "\nforged")), f"{arguments}: not tame: {text!r}")


def to_copy(seen):
    seen.say("names that need quotes, and a site file of another name")
    worlds.write(seen)
    (seen.folder / "flyt.toml").rename(seen.folder / "my site.toml")
    site = ("--site", "my site.toml")
    seen.flyt(*site, "plan", "--today", "2026-11-24", "--select", "web01", "-o", "my plan.json")
    seen.flyt("plan", "--site=my site.toml", "--today", "2026-11-24", "--select", "web77")


def asking(seen):
    seen.say("asking for help, and options where no command is")
    top = seen.flyt("--help", keep=False)
    of_plan = seen.flyt("plan", "--help", keep=False)
    seen.expect(seen.flyt("help", keep=False).stdout == top.stdout, "flyt help is not flyt --help")
    seen.expect(seen.flyt("help", "plan", keep=False).stdout == of_plan.stdout, "flyt help plan is not plan --help")
    seen.expect(seen.flyt("-V", keep=False).stdout.startswith("flyt "), "-V tells no version")
    seen.flyt("help", "plna")
    seen.flyt("--versoin")
    seen.flyt("-x")
    seen.flyt("--site")
    seen.flyt("--site", "flyt.toml")


def full_output(seen):
    """What standard output does not take is an error, not silence."""
    worlds.write(seen)
    for arguments in (["inventory", "old", "--json"], ["inventory"], ["--help"], ["drivers"], ["--version"],
                      ["nothing", "--json"]):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([PROGRAM, *arguments], cwd=seen.folder, stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=60, check=False)
        wanted = 2 if "nothing" in arguments else 1
        seen.expect(done.returncode == wanted, f"{arguments} > /dev/full: exit status {done.returncode}")
        seen.expect("cannot write standard output: No space left" in done.stderr, f"{arguments}: {done.stderr!r}")


def last(seen, *arguments):
    """The last object that a command prints with --json; it says how the command ended."""
    done = seen.flyt(*arguments, "--json", keep=False)
    line = json.loads(done.stdout.splitlines()[-1])
    seen.expect(line.get("exit_status") == done.returncode, f"{arguments}: exit status {done.returncode} and {line}")
    return line


def objects(seen):
    """What people are told stands in the JSON as well."""
    worlds.write(seen)
    today = ("--today", "2026-11-24")
    checked = last(seen, "check", *today)
    seen.expect([one["storages"][0]["free_bytes"] for one in checked["endpoints"]] == [20 << 30, 40 << 30],
                f"check: {checked}")
    plan = last(seen, "plan", *today, "-o", "all.json")
    seen.expect(plan["policy"] == "allowed" and plan["file"] == "all.json", f"plan: {plan}")
    seen.expect(plan["duration"]["low_s"] <= plan["duration"]["likely_s"] <= plan["duration"]["high_s"], f"{plan}")
    seen.expect([len(one["machines"]) for one in plan["waves"]] == [2], f"plan: {plan['waves']}")
    last(seen, "apply", "all.json")
    for arguments in (["undo", "all.json", "--target"], ["undo", "all.json", "--target", "--started", "--yes"]):
        undo = last(seen, *arguments)
        ids = [one["migration_id"] for one in plan["machines"]]
        seen.expect([one["migration_id"] for one in undo["actions"]] == ids, f"{arguments}: {undo}")
    taken = worlds.target()
    taken["machines"] = [worlds.machine(9, "web01", []), worlds.machine(8, "db01", [])]
    worlds.write(seen, new=taken)
    seen.expect("file" not in last(seen, "plan", *today), "plan: a file where none was written")


def status(seen):
    seen.say("status: of machines, of one that another flyt works on, after undo, without permission")
    worlds.write(seen)
    state = seen.folder / "state/flyt" / worlds.SITE_ID
    shutil.rmtree(seen.folder / "state", ignore_errors=True)
    seen.flyt("plan", "--today", "2026-11-24", "-o", "all.json", keep=False)
    seen.flyt("plan", "--today", "2026-11-24", "--select", "web01", "-o", "web.json", keep=False)
    seen.flyt("apply", "web.json", "--until", "copied", keep=False)
    seen.flyt("status", "web01")
    seen.flyt("status", "web1")
    with open(next((state / "leases").iterdir()), "r+", encoding="utf-8") as lease:
        fcntl.flock(lease, fcntl.LOCK_EX)
        lease.truncate()
        lease.write("pid 4711 at kvm1")
        lease.flush()
        seen.flyt("status")
        held = last(seen, "status")
        seen.expect(held["machines"][0]["holder"].startswith("pid 4711 at kvm1"), f"status: {held}")
        seen.expect("file" not in held, f"status: {held}")
    first = seen.flyt("apply", "all.json", keep=False).stdout
    again = seen.flyt("apply", "all.json", keep=False).stdout
    seen.expect("judged earlier" not in first and "2 machines were judged earlier" in again, "apply: old verdicts")
    seen.flyt("undo", "all.json", "--target", "--started", "--yes", keep=False)
    seen.flyt("status")
    seen.flyt("status", "web01")
    (state / "journal.db").unlink()
    shutil.rmtree(state)
    state.parent.mkdir(exist_ok=True)
    state.symlink_to(state.name)  # cannot be looked into, by root neither
    seen.expect("cannot look for" in seen.flyt("status", keep=False).stderr, "status hides the real error")
    state.unlink()


def init(seen):
    seen.say("init: a disk that is full, names that are hard to write")
    site = ("--site", "init.toml")
    limited = shlex.join([PROGRAM, "init", *site])
    done = subprocess.run(["bash", "-c", f"trap '' XFSZ; ulimit -f 0; {limited}"], cwd=seen.folder, text=True,
                          capture_output=True, timeout=60, check=False)
    seen.expect(done.returncode == 1 and "File too" in done.stderr, f"init, full disk: {done}")
    seen.expect(not (seen.folder / "init.toml").exists(), "a failed init leaves a file in the way")
    done = subprocess.run([PROGRAM, "init", *site, "--name", b"\xff"], cwd=seen.folder, text=True,
                          capture_output=True, timeout=60, check=False)
    seen.expect(done.returncode == 2 and "not UTF-8" in done.stderr, f"init, a name that is not UTF-8: {done}")
    seen.flyt("init", *site, "--name", 'a "b" \\ \x7f\n', keep=False)
    seen.expect(seen.flyt("check", *site, keep=False).returncode == 0, "init wrote a file that is not TOML")
    seen.flyt("inventory", *site)


def inventories(seen):
    seen.say("inventory: a dead endpoint hides none of the others")
    worlds.write(seen)
    (seen.folder / "new/world.json").unlink()
    done = seen.flyt("inventory", keep=False)
    seen.expect(done.returncode == 6 and "db01" in done.stdout and "endpoint new" in done.stderr, f"{done}")
    done = seen.flyt("inventory", "--json", keep=False)
    types = [json.loads(line)["type"] for line in done.stdout.splitlines()]
    seen.expect(done.returncode == 6 and types == ["error", "inventory"], f"inventory --json: {done}")
    seen.flyt("inventory", "new")


def what_to_do(seen):
    seen.say("plans that cannot be read, and options out of range: what to do")
    worlds.write(seen)
    for command in ("show", "apply", "verify", "undo", "status"):
        for file in ("no such.json", "old.json"):
            (seen.folder / "old.json").mkdir(exist_ok=True)
            done = seen.flyt(command, file, keep=False)
            seen.expect(done.returncode == 2 and "  do  " in done.stderr, f"{command} {file}: {done}")
    seen.flyt("show", "no such.json")
    seen.flyt("apply", "p.json", "--machines", "0")
    seen.flyt("undo", "p.json", "--started")
    seen.flyt("init", "--site", "nowhere/flyt.toml")


def main():
    seen = Transcript("command_lines")
    what_to_do(seen)
    init(seen)
    inventories(seen)
    status(seen)
    objects(seen)
    full_output(seen)
    asking(seen)
    to_copy(seen)
    hostile(seen)
    return seen.finish()


if __name__ == "__main__":
    sys.exit(main())
