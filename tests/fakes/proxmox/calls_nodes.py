"""/nodes: the nodes themselves, their networks, their tasks."""

import os
import platform
import time

import certificates
from calls import Reply, call
from calls_cluster import load
from faults import ApiError


@call("GET /nodes")
def nodes(ask):
    found = []
    for node in ask.world.nodes.values():
        entry = {"node": node.name, "id": f"node/{node.name}", "type": "node", "level": "",
                 "status": "online" if node.online else "offline", "ssl_fingerprint": node.fingerprint}
        if node.online and ask.may(f"/nodes/{node.name}", "Sys.Audit"):
            entry |= load(ask.world, node)
        found.append(entry)
    return found


@call("GET /nodes/{node}/status")
def status(ask):
    node = ask.world.nodes[ask.node]
    space = os.statvfs(node.folder)
    total, free = space.f_blocks * space.f_frsize, space.f_bfree * space.f_frsize
    release, machine = platform.release(), platform.machine()
    cpus = node.cpus
    memory = {"total": node.memory, "used": 2 << 30, "free": node.memory - (2 << 30)}
    if ask.world.version != "8.4":
        memory["available"] = memory["free"]
    return {
        "pveversion": f"pve-manager/{ask.world.release['version']}/{ask.world.release['repoid']}",
        "kversion": f"Linux {release} #1 SMP PREEMPT_DYNAMIC", "boot-info": {"mode": "legacy-bios"},
        "current-kernel": {"sysname": "Linux", "release": release, "machine": machine,
                           "version": "#1 SMP PREEMPT_DYNAMIC"},
        "cpu": 0, "wait": 0, "idle": 0, "uptime": int(time.time() - node.started), "ksm": {"shared": 0},
        "loadavg": [f"{value:.2f}" for value in os.getloadavg()],
        "memory": memory,
        "swap": {"total": 0, "used": 0, "free": 0},
        "rootfs": {"total": total, "free": free, "used": total - free, "avail": space.f_bavail * space.f_frsize},
        "cpuinfo": {"cpus": cpus, "cores": cpus, "sockets": 1, "user_hz": 100, "mhz": "2000.000", "hvm": "1",
                    "model": node.description.get("cpu", "Fake CPU"), "flags": "fpu sse sse2 lm nx"},
    }


@call("GET /nodes/{node}/subscription")
def subscription(ask):
    found = ask.world.description.get("subscription", {"status": "notfound", "message": "There is no subscription key"})
    return {"serverid": "0" * 32, "url": "https://www.proxmox.com/en/proxmox-virtual-environment/pricing"} | found


@call("GET /nodes/{node}/time")
def clock(ask):
    now = int(time.time() + ask.world.nodes[ask.node].description.get("clock_offset", 0))
    return {"time": now, "localtime": now, "timezone": "UTC"}


@call("GET /nodes/{node}/certificates/info")
def certificate_list(ask):
    node = ask.world.nodes[ask.node]
    return [certificates.told(ask.world.authority, "pve-root-ca.pem"),
            certificates.told(node.certificate, "pve-ssl.pem") | {"san": ["127.0.0.1", "localhost", node.name]}]


@call("GET /nodes/{node}/network")
def network(ask):
    kind = ask.get("type")
    found = [bridge_entry(ask.world, bridge) for bridge in ask.world.bridges_on(ask.node)]
    if kind in ("any_bridge", "any_local_bridge", "include_sdn", "bridge", None):
        vnets = [{"iface": vnet["vnet"], "type": "vnet", "active": 1, "method": "manual", "method6": "manual"}
                 for vnet in ask.world.vnets if kind in ("any_bridge", "include_sdn")]
        return found + vnets if kind not in ("any_bridge", "any_local_bridge") else usable(ask, found + vnets)
    return [entry for entry in found if entry["type"] == kind]


def usable(ask, found):
    """Only what the caller may attach machines to is told."""
    return [entry for entry in found if ask.may(
        f"/sdn/zones/{ask.world.zone_of(entry['iface'])}/{entry['iface']}", "SDN.Audit", "SDN.Use", any_of=True)]


def bridge_entry(world, bridge):
    entry = {"iface": bridge["iface"], "type": bridge.get("type", "bridge"), "active": 1, "autostart": 1,
             "method": "static" if "cidr" in bridge else "manual", "method6": "manual", "families": ["inet"],
             "priority": 3 + world.bridges.index(bridge), "bridge_ports": bridge.get("ports", ""),
             "bridge_stp": "off", "bridge_fd": "0"}
    if "cidr" in bridge:
        address, _, prefix = bridge["cidr"].partition("/")
        entry |= {"cidr": bridge["cidr"], "address": address, "netmask": prefix}
    if bridge.get("vlan_aware"):
        entry |= {"bridge_vlan_aware": 1, "bridge_vids": bridge.get("vids", "2-4094")}
    if "comment" in bridge:
        entry["comments"] = bridge["comment"] + "\n"
    return entry


@call("GET /nodes/{node}/network/{iface}")
def interface(ask):
    for bridge in ask.world.bridges_on(ask.node):
        if bridge["iface"] == ask.get("iface"):
            return bridge_entry(ask.world, bridge)
    raise ApiError(400, "Parameter verification failed.", {"iface": "interface does not exist"})


@call("GET /nodes/{node}/sdn/zones")
def zones(ask):
    names = ["localnetwork", *(zone["zone"] for zone in ask.world.zones)]
    return [{"zone": name, "status": "available"} for name in names
            if ask.may(f"/sdn/zones/{name}", "SDN.Audit", "SDN.Use", any_of=True)]


@call("GET /nodes/{node}/sdn/zones/{zone}/content")
def zone_content(ask):
    if ask.get("zone") == "localnetwork":
        names = [bridge["iface"] for bridge in ask.world.bridges_on(ask.node)]
    else:
        names = [vnet["vnet"] for vnet in ask.world.vnets if vnet["zone"] == ask.get("zone")]
    return [{"vnet": name, "status": "available"} for name in names]


@call("GET /nodes/{node}/capabilities/qemu/machines")
def machines(_):
    return [{"id": f"pc-{kind}-{version}", "type": kind, "version": version}
            for kind in ("i440fx", "q35") for version in ("9.2", "9.0", "8.1", "7.2")]


@call("GET /nodes/{node}/capabilities/qemu/cpu")
def cpus(_):
    return [{"name": name, "vendor": "default", "custom": 0}
            for name in ("host", "kvm64", "max", "qemu64", "x86-64-v2-AES", "x86-64-v3")]


@call("GET /nodes/{node}/tasks")
def tasks(ask):
    sees_all = ask.may(f"/nodes/{ask.node}", "Sys.Audit")
    source = ask.get("source", "archive")
    found = []
    for task in reversed(list(ask.world.tasks.all.values())):
        if task.node != ask.node or not (sees_all or task.user == ask.caller.user):
            continue
        if (source == "archive" and not task.end) or (source == "active" and task.end):
            continue
        if ask.get("vmid") and task.ident != str(ask.get("vmid")):
            continue
        if wanted(ask, task):
            found.append(task.listed() | ({"status": "RUNNING"} if not task.end and source == "all" else {}))
    start = ask.get("start", 0)
    return Reply(found[start:start + ask.get("limit", 50)], {"total": len(found)} if found else {})


def wanted(ask, task):
    return (ask.get("typefilter") in (None, task.kind)
            and ask.get("userfilter", "") in task.upid.split(":")[-2]
            and ask.get("since", 0) <= task.start <= ask.get("until", task.start)
            and not (ask.get("errors") and task.exit == "OK"))


@call("DELETE /nodes/{node}/tasks/{upid}")
def stop_task(ask):
    task = ask.world.tasks.find(ask.get("upid"), ask.node)
    ask.world.tasks.demand(ask.world.access, ask.caller, task, "Sys.Modify")
    task.stop.set()
    task.done.wait(5)


@call("GET /nodes/{node}/tasks/{upid}/status")
def task_status(ask):
    task = ask.world.tasks.find(ask.get("upid"), ask.node)
    ask.world.tasks.demand(ask.world.access, ask.caller, task, "Sys.Audit")
    return task.status()


@call("GET /nodes/{node}/tasks/{upid}/log")
def task_log(ask):
    task = ask.world.tasks.find(ask.get("upid"), ask.node)
    ask.world.tasks.demand(ask.world.access, ask.caller, task, "Sys.Audit")
    start, limit = ask.get("start", 0), ask.get("limit", 50)
    lines = list(task.lines)
    shown = [{"n": number, "t": line} for number, line in enumerate(lines, 1)]
    return Reply(shown[start:start + limit] if limit else shown[start:], {"total": len(lines)})


