#!/usr/bin/env python3
"""An inventory that was saved: assessed and planned from without the platform, applied on the platform."""

import json
import sys

import worlds
from transcript import Transcript

TODAY = worlds.TODAY
LIMITS = ("--machines", "1", "--disks", "1")
LIVE = '[endpoints.old]\ndriver = "memory"\nworld  = "old"\n'
FILE = '[endpoints.old]\ndriver = "saved"\npath   = "old.json"\n'


def main():
    seen = Transcript("saved")
    seen.say("saving: one endpoint to a file, over nothing that is something else")
    old = worlds.source()
    worlds.write(seen, old=old)
    seen.flyt("inventory", "-o", "old.json")
    seen.flyt("inventory", "old", "-o", "flyt.toml")
    seen.flyt("inventory", "old", "-o", "old/world.json")
    seen.flyt("inventory", "old", "-o", "old.json")
    file = seen.folder / "old.json"
    seen.expect(file.stat().st_mode & 0o777 == 0o600, f"mode {file.stat().st_mode:o}")
    seen.flyt("inventory", "old", "-o", "old.json", keep=False)
    line = json.loads(seen.flyt("inventory", "old", "-o", "old.json", "--json", keep=False).stdout)
    seen.expect(line == {"type": "inventory_saved", "file": "old.json", "endpoint": "old", "machines": 2}, f"{line}")

    seen.say("the platform is out of reach; its inventory stands in its place")
    (seen.folder / "old").rename(seen.folder / "away")
    worlds_site = worlds.changed(worlds.SITE, LIVE, FILE)
    seen.write("flyt.toml", worlds_site)
    seen.flyt("check", *TODAY)
    seen.flyt("inventory", "old")
    seen.flyt("assess")
    seen.flyt("plan", *TODAY)
    first = (seen.folder / "plan.json").read_bytes()
    seen.flyt("plan", *TODAY, keep=False)
    seen.expect(first == (seen.folder / "plan.json").read_bytes(), "the same inputs gave another plan")
    seen.flyt("show", "plan.json", keep=False)
    for command in ("apply", "undo", "verify"):
        seen.flyt(command, "plan.json")
    seen.expect(not (seen.folder / "state").exists(), "a plan that cannot be applied left state behind")

    seen.say("the platform is back, and was changed meanwhile: the plan is refused where it does not hold")
    (seen.folder / "away").rename(seen.folder / "old")
    seen.write("flyt.toml", worlds.SITE)
    changed = worlds.source()
    changed["machines"][1]["disks"][0]["size_bytes"] *= 2
    seen.write("old/world.json", json.dumps(changed))
    seen.flyt("apply", "plan.json", *LIMITS)

    seen.say("another platform under the same name")
    seen.write("old/world.json", json.dumps(old | {"platform_id": "another"}))
    seen.flyt("apply", "plan.json", *LIMITS)

    seen.say("as it was saved: the same plan goes on")
    seen.write("old/world.json", json.dumps(old))
    seen.flyt("apply", "plan.json", *LIMITS)

    seen.say("a file that is none")
    seen.write("flyt.toml", worlds_site)
    seen.write("old.json", "{}")
    seen.flyt("plan", *TODAY)
    file.unlink()
    seen.flyt("assess")
    return seen.finish()


if __name__ == "__main__":
    sys.exit(main())
