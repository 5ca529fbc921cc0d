"""The manager of highly available machines: it makes them run, or not run, as their resources say.

Of the true one: a resource's state is a wish that is fulfilled some seconds later, starts and stops of such a machine
go through it (`hastart`, `hastop`), and removing a resource leaves the machine as it is.
"""

import threading
import time

import calls_power
from access import Caller

CYCLE_SECONDS = 0.3
SHUTDOWN_SECONDS = 60  # then a guest that does not obey is switched off
MANAGER = Caller("root@pam")


def sid_of(vmid):
    return f"vm:{vmid}"


def managed(world, vmid):
    resource = world.ha.get(sid_of(vmid))
    return resource is not None and resource.get("state", "started") != "ignored"


def wish(world, vmid, state, patience=SHUTDOWN_SECONDS):
    """Notes what is wanted of the machine; the manager sees to it later."""
    world.ha[sid_of(vmid)]["state"] = state
    look_later(world, vmid, patience)


def look_later(world, vmid, patience=SHUTDOWN_SECONDS):
    threading.Thread(target=see_to, args=(world, vmid, patience), daemon=True).start()


def see_to(world, vmid, patience):
    time.sleep(CYCLE_SECONDS)
    machine, state = world.machines.get(vmid), world.ha.get(sid_of(vmid), {}).get("state")
    if not machine or state not in ("started", "stopped") or machine.running == (state == "started"):
        return
    if state == "started":
        world.tasks.run(machine.node, "qmstart", vmid, MANAGER, lambda task: calls_power.boot_process(machine, task))
    else:
        world.tasks.run(machine.node, "qmshutdown", vmid, MANAGER, lambda task: stop(machine, task, patience))


def stop(machine, task, patience):
    with machine.locked():
        if machine.running and patience:
            calls_power.press_button(machine)
        if machine.running and not (patience and machine.process.wait(patience, task)):
            machine.process.quit(task)
        calls_power.apply_pending(machine)


def forget(world, vmid, purge=True):
    """The resource goes, and with `purge` its place in rules; a rule of nobody goes, too."""
    sid = sid_of(vmid)
    world.ha.pop(sid, None)
    if not purge:
        return
    for rule in world.ha_rules:
        rule["resources"] = ",".join(one for one in rule["resources"].split(",") if one != sid)
    world.ha_rules = [rule for rule in world.ha_rules if rule["resources"]]
