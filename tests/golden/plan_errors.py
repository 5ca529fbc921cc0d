#!/usr/bin/env python3
"""What a plan cannot do, and plans and journals that are not to be trusted; each changes nothing."""

import json
import sqlite3
import sys

import worlds
from transcript import Transcript
from worlds import TODAY, changed


def command_lines(seen):
    seen.say("wrong command lines")
    seen.flyt()
    seen.flyt("plna")
    seen.flyt("plan", "--selct", "web01")
    seen.flyt("apply")
    seen.flyt("apply", "p.json", "--until", "lukewarm")
    seen.flyt("verify", "p.json", "--ask", "bite")
    seen.flyt("undo", "p.json", "--started")
    seen.flyt("plna", "--json")


def ends(seen):
    worlds.write(seen)
    seen.flyt("plan", "--source", "new", *TODAY)
    worlds.write(seen, site=changed(worlds.SITE, 'world  = "old"', 'world  = "gone"'))
    seen.flyt("plan", *TODAY)


def plans(seen):
    seen.say("what a plan cannot do")
    worlds.write(seen)
    seen.flyt("plan", "--select", "web02", *TODAY)
    taken = worlds.target()
    taken["machines"] = [worlds.machine(9, "web01", [])]
    worlds.write(seen, new=taken)
    seen.flyt("plan", "--select", "web01", *TODAY)
    full = worlds.target()
    full["storages"][0]["free_bytes"] = 1 << 20
    worlds.write(seen, new=full)
    seen.flyt("plan", "--select", "web01", *TODAY)
    seen.expect(not (seen.folder / "plan.json").exists(), "a plan was written that moves nothing")
    worlds.write(seen, site=changed(worlds.SITE, '["DK", "DE"]', '["SE"]'))
    seen.flyt("plan", *TODAY)
    seen.flyt("check", *TODAY)
    seen.expect(not (seen.folder / "plan.json").exists(), "a plan was written that breaks the policy")
    worlds.write(seen)
    seen.flyt("plan", "--source-file", "flyt.toml", *TODAY)
    seen.flyt("plan", "--deep", "--source-file", "flyt.toml", *TODAY)


def wrong_plans(seen):
    seen.say("plans that are not to be trusted")
    worlds.write(seen)
    seen.flyt("show", "plan.json")
    seen.flyt("plan", "--select", "web01", "-o", "plan.json", *TODAY, keep=False)
    plan = (seen.folder / "plan.json").read_text()
    seen.write("edited.json", plan.replace('"web01"', '"web99"'))
    seen.flyt("show", "edited.json")
    seen.flyt("apply", "edited.json")
    seen.write("not.json", "{")
    seen.flyt("apply", "not.json")
    seen.write("empty.json", "{}")
    seen.flyt("apply", "empty.json")
    newer = json.loads(plan)
    version = next((key for key in newer if "version" in key and isinstance(newer[key], int)), None)
    if version:
        newer[version] = 99
    newer["$schema"] = newer["$schema"].replace("1", "99")
    seen.write("newer.json", json.dumps(newer))
    seen.flyt("apply", "newer.json")
    other = changed(worlds.SITE, worlds.SITE_ID, "1b7c6b1e-7a1d-4f0e-9d5c-2f8f1f6a4c12")
    seen.write("flyt.toml", other)
    seen.flyt("apply", "plan.json")
    seen.flyt("apply", "web77")


def gone(seen):
    seen.say("a platform that is gone when the plan is applied")
    worlds.write(seen)
    seen.flyt("plan", "--select", "web01", "-o", "plan.json", *TODAY, keep=False)
    (seen.folder / "old").rename(seen.folder / "away")
    seen.flyt("apply", "plan.json")
    (seen.folder / "away").rename(seen.folder / "old")


def journals(seen):
    seen.say("a journal of a newer flyt")
    worlds.write(seen)
    seen.flyt("apply", "plan.json", "--until", "copied", keep=False)
    before = (seen.folder / "new/world.json").read_bytes()
    journal = seen.folder / "state/flyt" / worlds.SITE_ID / "journal.db"
    with sqlite3.connect(journal) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    seen.flyt("apply", "plan.json")
    seen.flyt("status")
    seen.expect(before == (seen.folder / "new/world.json").read_bytes(), "the target was changed")


def main():
    seen = Transcript("plan_errors")
    command_lines(seen)
    ends(seen)
    plans(seen)
    wrong_plans(seen)
    gone(seen)
    journals(seen)
    return seen.finish()


if __name__ == "__main__":
    sys.exit(main())
