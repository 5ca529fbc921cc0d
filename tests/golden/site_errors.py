#!/usr/bin/env python3
"""Wrong command lines, wrong site files, endpoints that are not there: each its own message and exit status."""

import sys

import worlds
from transcript import Transcript
from worlds import TODAY, changed


def command_lines(seen):
    seen.say("wrong command lines")
    seen.flyt()
    seen.flyt("invetory")
    seen.flyt("assess", "--explian", "V-VTPM")
    seen.flyt("init", "Guldborgsund")
    seen.flyt("chekc", "--json")


def site_files(seen):
    seen.say("wrong site files")
    seen.flyt("check")
    seen.flyt("check", "--site", ".")
    for what, by in [
            ("[site]", "[site"),
            ("[site]", "[siet]"),
            ("name = ", "nane = "),
            (f'"{worlds.SITE_ID}"', '"7"'),
            ('driver = "memory"\nworld  = "new"', 'driver = "memroy"'),
            ('world  = "new"', 'wrold  = "new"'),
            ('["DK", "DE"]', '["DK", "UK"]'),
            ('["EU", "EEA"]', '["EUR"]'),
            ('country = "DK"', 'provider = "hetzner", country = "DK"'),
            ('to   = "new"', 'to   = "nwe"'),
            ('"20 s"', '"soon"'),
            ('"20 s"', '20'),
            ('["DK", "DE"]', '"DK"'),
            ('country = "DK", operator = "Guldborgsund Kommune"', 'country = "DK"'),
            ('"none"', '"no"'),
            ('"lan"', '{ network = "lan", vlan = 5000 }')]:
        worlds.write(seen, site=changed(worlds.SITE, what, by))
        seen.flyt("check")


def endpoints(seen):
    seen.say("endpoints that are not there")
    worlds.write(seen)
    seen.flyt("inventory", "nev")
    worlds.write(seen, site=changed(worlds.SITE, 'world  = "old"', 'world  = "gone"'))
    seen.flyt("inventory", "old")
    seen.flyt("check", *TODAY)
    libvirt = changed(worlds.SITE, 'driver = "memory"\nworld  = "old"',
                      'driver = "libvirt"\nuri    = "qemu+unix:///system?socket=/nowhere/libvirt-sock"')
    worlds.write(seen, site=libvirt)
    seen.flyt("inventory", "old")
    seen.flyt("inventory", "old", "--json")


def main():
    seen = Transcript("site_errors")
    command_lines(seen)
    site_files(seen)
    endpoints(seen)
    seen.expect(not (seen.folder / "state").exists(), "state was made")
    return seen.finish()


if __name__ == "__main__":
    sys.exit(main())
