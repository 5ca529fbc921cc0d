#!/usr/bin/env python3
"""What would cost somebody something, or surprise him: refused before anything is done, and said why."""

import hashlib
import json
import shutil
import sys

import worlds
from transcript import Transcript
from worlds import TODAY

TOKEN = "a-token-that-nobody-may-see"


def state(seen):
    return (seen.folder / "state").exists()


def outputs(seen):
    seen.say("where a plan may not be written")
    worlds.write(seen, site=worlds.SITE.replace('world  = "old"', 'world  = "gone"'))  # nobody is asked
    before = (seen.folder / "flyt.toml").read_bytes()
    seen.write("notes", "keep me\n")
    for file in ("flyt.toml", "./flyt.toml", "notes", "/dev/null", "old", "none/plan.json"):
        seen.flyt("plan", "-o", file, *TODAY)
    seen.expect((seen.folder / "flyt.toml").read_bytes() == before, "the site file was overwritten")
    seen.expect((seen.folder / "notes").read_text() == "keep me\n", "a file that is no plan was overwritten")


def selections(seen):
    seen.say("what selects nothing is not everything; a name may hold a comma")
    worlds.write(seen)
    for words in ("", ",", "web01,", " "):
        seen.flyt("plan", "--select", words, *TODAY)
    seen.flyt("plan", "--today", "nonsense")
    seen.flyt("check", "--today", "2026-02-30")
    seen.write("empty.json", "{}")
    seen.flyt("plan", "--source-file", "empty.json", *TODAY)
    seen.flyt("plan", *TODAY, keep=False)
    seen.flyt("plan", "--source-file", "plan.json", *TODAY)
    old = worlds.source()
    old["machines"][1]["name"] = "db,01"
    worlds.write(seen, site=worlds.SITE + '\n[machines.wbe01]\nname = "web-1"\n', old=old)
    seen.flyt("plan", "--select", "web01,db,01", *TODAY)


def twins(seen):
    seen.say("two machines with one uuid, though only one is selected")
    old = worlds.source()
    old["machines"][1]["uuid"] = old["machines"][0]["uuid"]
    worlds.write(seen, old=old)
    seen.flyt("plan", "--select", "web01", *TODAY)


def assessments(seen):
    seen.say("assess says what plan would say")
    old = worlds.source()
    old["machines"][0]["guest"]["family"] = "windows"
    old["machines"][0]["power"] = "on"
    worlds.write(seen, site=worlds.SITE.replace('"none"', '"virt-v2v"'), old=old)
    for tools in ("none", "."):
        seen.write("rhsrvany.exe", "")
        seen.flyt("assess", env={"VIRTIO_WIN": tools, "VIRT_TOOLS_DATA_DIR": tools})
    seen.flyt("assess", "--explain", "v-vtpm")
    seen.flyt("assess", "--explain", "V-VTMP")


def places(seen):
    seen.say("the platform says that it stands elsewhere")
    new = worlds.target()
    new["place"] = {"country": "US"}
    new["hosts"][0]["place"] = {}
    worlds.write(seen, new=new)
    (seen.folder / "plan.json").unlink(missing_ok=True)
    seen.flyt("plan", *TODAY)
    seen.flyt("check", "new", *TODAY)
    new["place"] = {}
    new["hosts"][0]["place"] = {"country": "US"}
    worlds.write(seen, new=new)
    seen.flyt("plan", *TODAY)
    seen.expect(not (seen.folder / "plan.json").exists(), "a plan was written for a target elsewhere")


def findings(seen):
    seen.say("what an endpoint tells of itself that hinders")
    old = worlds.source()
    old["findings"] = [{"text": "flyt may not read disks", "remedy": ["give it the role reader"]},
                       {"text": "the clock is 3 min ahead", "remedy": ["set it by NTP"], "must": False}]
    worlds.write(seen, old=old)
    seen.flyt("check", "old", *TODAY)
    told = json.loads(seen.flyt("check", "old", "--json", *TODAY, keep=False).stdout.splitlines()[-1])
    seen.expect([one["must"] for one in told["endpoints"][0]["findings"]] == [True, False], f"told: {told}")


def deep(seen):
    seen.say("reading a little of what can be read")
    old = worlds.source()
    old["machines"][1]["disks"][0]["stream_only"] = True
    old["machines"][1]["power"] = "on"
    worlds.write(seen, old=old)
    printed = seen.flyt("check", "old", "--deep", *TODAY, keep=False).stdout
    seen.expect("at any place in " in printed and "could not be tried" in printed, printed)
    old["machines"][1]["power"] = "off"
    worlds.write(seen, old=old)
    printed = seen.flyt("check", "old", "--deep", *TODAY, keep=False).stdout
    seen.expect("as one sequence in " in printed and "at any place in " in printed, printed)
    by = [line.partition(" s, by ")[2] for line in printed.splitlines() if " s, by " in line]
    seen.expect(by == ["its file (it lies on a file system)", "an export (it has snapshots)"], printed)
    for machine in old["machines"]:
        for disk in machine["disks"]:
            disk["left_out"] = "nobody reads it"
    worlds.write(seen, old=old)
    done = seen.flyt("check", "old", "--deep", *TODAY, keep=False)
    seen.expect(done.returncode == 0 and " in " not in done.stdout.replace("state in", ""), done.stdout)


def nothing_begun(seen):
    seen.say("a plan that was never applied")
    worlds.write(seen)
    seen.flyt("plan", *TODAY, keep=False)
    seen.flyt("verify", "plan.json")
    seen.flyt("undo", "plan.json", "--target", "--yes")
    seen.expect(not state(seen), "state was made for nothing")


def secrets(seen):
    seen.say("a world that asks for a token")
    old = worlds.source()
    old["habits"] = {"token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest()}
    printed = ""

    def flyt(source, *arguments, env=None, keep=True):
        site = worlds.SITE.replace('world  = "old"', 'world  = "old"\n' + source)
        worlds.write(seen, site=site, old=old)
        done = seen.flyt(*arguments, env=env, keep=keep)
        return done.stdout + done.stderr

    env = 'token = { env = "FLYT_TOKEN" }'
    seen.write("token", TOKEN + "\n", mode=0o644)
    printed += flyt("", "inventory", "old")
    printed += flyt(f'token = "{TOKEN}"', "check", keep=False)
    printed += flyt(env, "apply", "plan.json")
    printed += flyt(env, "inventory", "old", env={"FLYT_TOKEN": "wrong"})
    printed += flyt('token = { file = "token" }', "plan", *TODAY)
    seen.expect(not state(seen), "state was made without a token")
    seen.write("token", TOKEN + "\n", mode=0o600)
    for source in ('token = { file = "token" }', 'token = { command = "cat token" }', env):
        printed += flyt(source, "plan", *TODAY, env={"FLYT_TOKEN": TOKEN}, keep=False)
    printed += flyt(env, "apply", "plan.json", "--until", "copied", env={"FLYT_TOKEN": TOKEN}, keep=False)
    printed += flyt(env, "plan", "--json", *TODAY, env={"FLYT_TOKEN": TOKEN}, keep=False)
    seen.expect(state(seen), "nothing was copied with the right token")
    for file in [seen.folder / "plan.json", *(seen.folder / "state").rglob("*")]:
        if file.is_file():
            seen.expect(TOKEN.encode() not in file.read_bytes(), f"the token stands in {file}")
    seen.expect(TOKEN not in printed, "the token was printed")


def one_name(seen):
    seen.say("two machines of the journal with one name")
    for number in (1, 5):
        old = worlds.source()
        old["machines"] = [worlds.machine(number, "web01", [worlds.disk(0, 1 << 20)], id=f"vm-{number}")]
        site = worlds.SITE + f'\n[machines.web01]\nname = "web01-{number}"\n'
        new = json.loads((seen.folder / "new/world.json").read_text()) if number == 5 else None
        worlds.write(seen, site=site, old=old, new=new)
        seen.flyt("plan", *TODAY, keep=False)
        done = seen.flyt("apply", "plan.json", "--until", "copied", keep=False)
        seen.expect(done.returncode == 0, f"apply: {done.stdout}{done.stderr}")
    ids = [machine["migration_id"] for machine in
           json.loads((seen.folder / "new/world.json").read_text())["machines"]]
    asked = seen.flyt("undo", "web01", keep=False)
    seen.expect(asked.returncode == 2, f"undo of one of two: {asked.returncode}")
    for one in ids:
        seen.expect(one in asked.stderr, f"{one} is not named: {asked.stderr}")
        done = seen.flyt("undo", one, "--target", "--yes", keep=False)
        seen.expect(done.returncode == 0, f"undo {one}: {done.stdout}{done.stderr}")
    left = json.loads((seen.folder / "new/world.json").read_text())["machines"]
    seen.expect(len(ids) == 2 and left == [], f"{len(ids)} made, {len(left)} left")


def main():
    seen = Transcript("refusals")
    outputs(seen)
    selections(seen)
    twins(seen)
    assessments(seen)
    places(seen)
    findings(seen)
    deep(seen)
    nothing_begun(seen)
    secrets(seen)
    for scrap in ("state", "new", "old"):
        shutil.rmtree(seen.folder / scrap)
    one_name(seen)
    return seen.finish()


if __name__ == "__main__":
    sys.exit(main())
