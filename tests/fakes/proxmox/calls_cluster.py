"""/version, /cluster, /pools: what stands above the nodes."""

import random
import time

import calls_containers
import ha
from calls import call
from calls_care import demand_digest, digest_of
from faults import bad, died
from formats import split_list
from vm import memory_of


@call("GET /version")
@call("GET /nodes/{node}/version")
def version(ask):
    return dict(ask.world.release)


@call("GET /cluster/status")
def status(ask):
    world = ask.world
    found = [{"type": "node", "id": f"node/{node.name}", "name": node.name, "nodeid": node.number * (len(world.nodes) > 1),
              "ip": node.ip, "online": int(node.online), "local": int(node.name == ask.front), "level": ""}
             for node in world.nodes.values()]
    if len(world.nodes) > 1:
        online = sum(node.online for node in world.nodes.values())
        found.insert(0, {"type": "cluster", "id": "cluster", "name": world.description.get("cluster", "fake"),
                         "version": 1, "nodes": len(world.nodes), "quorate": int(online * 2 > len(world.nodes))})
    return found


@call("GET /cluster/nextid")
def nextid(ask):
    taken = ask.world.numbers()
    if ask.get("vmid"):
        if ask.get("vmid") in taken:
            raise bad(vmid=f"VM {ask.get('vmid')} already exists")
        return str(ask.get("vmid"))
    return str(next(number for number in range(100, 1000000) if number not in taken))


@call("GET /cluster/tasks")
def tasks(ask):
    found = [task for task in list(ask.world.tasks.all.values())
             if task.owned_by(ask.caller) or ask.may(f"/nodes/{task.node}", "Sys.Audit")]
    return [task.listed() | {"saved": "1" if task.end else "0"} for task in found[-25:]]


@call("GET /cluster/options")
def options(ask):
    return dict(ask.world.description.get("options", {"keyboard": "en-us"}))


@call("GET /cluster/resources")
def resources(ask):
    kind = ask.get("type")
    found = []
    if kind in (None, "vm"):
        found += [machine_resource(ask, machine) for _, machine in sorted(ask.world.machines.items())
                  if ask.may(f"/vms/{machine.vmid}", "VM.Audit")]
        found += [calls_containers.resource(vmid, container) for vmid, container in sorted(ask.world.containers.items())
                  if ask.may(f"/vms/{vmid}", "VM.Audit")]
    if kind in (None, "node"):
        found += [node_resource(ask, node) for node in ask.world.nodes.values()]
    if kind in (None, "storage"):
        found += [storage_resource(ask, storage, name) for storage in ask.world.storages.values()
                  if ask.may(f"/storage/{storage.name}", "Datastore.Audit", "Datastore.AllocateSpace", any_of=True)
                  for name in ask.world.nodes_of(storage)]
    if kind in (None, "sdn"):
        found += [{"type": "sdn", "id": f"sdn/{node}/{zone}", "sdn": zone, "node": node, "status": "ok"}
                  for zone in ["localnetwork", *(zone["zone"] for zone in ask.world.zones)]
                  for node in ask.world.nodes if ask.may(f"/sdn/zones/{zone}", "SDN.Audit")]
    if kind is None:
        found += [{"type": "pool", "id": f"/pool/{pool}", "pool": pool} for pool in ask.world.access.pools
                  if ask.may(f"/pool/{pool}", "Pool.Audit")]
    return found


def machine_resource(ask, machine):
    from calls_power import status_of  # that module needs this one's neighbours
    found = status_of(machine)
    entry = {key: found[key] for key in ("vmid", "uptime", "cpu", "disk", "maxdisk", "mem", "maxmem", "netin", "netout",
                                         "diskread", "diskwrite", "status", "name")}
    entry |= {key: found[key] for key in ("lock", "tags") if key in found}
    entry |= {"id": f"qemu/{machine.vmid}", "type": "qemu", "node": machine.node, "template": int(machine.template),
              "maxcpu": found["cpus"]}
    pool = next((name for name, pool in ask.world.access.pools.items() if machine.vmid in pool["vms"]), None)
    if not ask.world.nodes[machine.node].online:
        entry["status"] = "unknown"
    return entry | ({"pool": pool} if pool else {})


def node_resource(ask, node):
    entry = {"type": "node", "id": f"node/{node.name}", "node": node.name, "level": "", "cgroup-mode": 2,
             "status": "online" if node.online else "offline"}
    if node.online and ask.may(f"/nodes/{node.name}", "Sys.Audit"):
        entry |= load(ask.world, node)
    return entry


def load(world, node):
    """Figures of a node as the cluster's resources tell them."""
    used = sum(memory_of(machine.config) << 20 for machine in list(world.machines.values())
               if machine.node == node.name and machine.running)
    return {"cpu": round(random.random() / 100, 15), "maxcpu": node.cpus, "mem": (2 << 30) + used,
            "maxmem": node.memory, "disk": 8 << 30, "maxdisk": 64 << 30, "uptime": int(time.time() - node.started)}


def storage_resource(ask, storage, node):
    total, used, _ = storage.usage(node)
    return {"type": "storage", "id": f"storage/{node}/{storage.name}", "storage": storage.name, "node": node,
            "content": ",".join(storage.content), "plugintype": storage.kind, "shared": storage.shared,
            "status": "available" if storage.enabled else "unknown", "maxdisk": total, "disk": used}


@call("GET /cluster/ha/resources")
def ha_resources(ask):
    digest = digest_of(ask.world.ha)
    return [{"digest": digest, "state": "started", "type": "vm", "max_relocate": 1, "max_restart": 1} | entry
            for entry in ask.world.ha.values()]


@call("POST /cluster/ha/resources")
def add_ha_resource(ask):
    sid = ask.get("sid") if ":" in ask.get("sid") else f"vm:{ask.get('sid')}"
    if sid in ask.world.ha:
        raise died(f"resource ID '{sid}' already defined")
    vmid = int(sid.partition(":")[2])
    if vmid not in ask.world.machines:
        raise died(f"cannot add service '{sid}' - no such VM/CT")
    check_group(ask)
    ask.world.ha[sid] = {"sid": sid} | wishes(ask)
    ha.wish(ask.world, vmid, ask.get("state", "started"))


def wishes(ask):
    return {key: ask.get(key) for key in ("state", "group", "comment", "max_relocate", "max_restart", "failback")
            if ask.get(key) is not None}


def check_group(ask):
    group = ask.get("group")
    if group and ask.world.version != "8.4":
        raise bad(group="cannot assign a group: ha groups have been migrated to rules")
    if group and group not in [entry["group"] for entry in ask.world.ha_groups]:
        raise died(f"ha group '{group}' does not exist")


def ha_resource(ask):
    sid = ask.get("sid") if ":" in ask.get("sid") else f"vm:{ask.get('sid')}"
    if sid not in ask.world.ha:
        raise died(f"no such resource '{sid}'")
    return sid


@call("GET /cluster/ha/resources/{sid}")
def one_ha_resource(ask):
    return {"digest": digest_of(ask.world.ha), "state": "started", "type": "vm"} | ask.world.ha[ha_resource(ask)]


@call("PUT /cluster/ha/resources/{sid}")
def change_ha_resource(ask):
    sid = ha_resource(ask)
    demand_digest(ask.get("digest"), ask.world.ha)
    check_group(ask)
    for key in split_list(ask.get("delete", "")):
        ask.world.ha[sid].pop(key, None)
    ask.world.ha[sid] |= wishes(ask)
    ha.look_later(ask.world, int(sid.partition(":")[2]))


@call("DELETE /cluster/ha/resources/{sid}")
def remove_ha_resource(ask):
    ha.forget(ask.world, int(ha_resource(ask).partition(":")[2]), bool(ask.get("purge", 1)))


@call("GET /cluster/ha/groups")
def ha_groups(ask):
    if ask.world.version != "8.4":
        raise died("cannot index groups: ha groups have been migrated to rules")
    return [dict(group) for group in ask.world.ha_groups]


@call("GET /cluster/ha/rules")
def ha_rules(ask):
    digest = digest_of(ask.world.ha_rules)
    return [rule | {"digest": digest} for rule in ask.world.ha_rules
            if ask.get("type") in (None, rule.get("type"))]


@call("POST /cluster/ha/rules")
def add_ha_rule(ask):
    if any(rule["rule"] == ask.get("rule") for rule in ask.world.ha_rules):
        raise died(f"HA rule '{ask.get('rule')}' already exists")
    check_rule_resources(ask)
    ask.world.ha_rules.append(dict(ask.given))


def check_rule_resources(ask):
    for sid in split_list(ask.get("resources", "")):
        if sid not in ask.world.ha:
            raise died(f"cannot use unmanaged resource '{sid}'")


def ha_rule(ask):
    found = next((rule for rule in ask.world.ha_rules if rule["rule"] == ask.get("rule")), None)
    if not found:
        raise died(f"no such ha rule '{ask.get('rule')}'")
    return found


@call("GET /cluster/ha/rules/{rule}")
def one_ha_rule(ask):
    return ha_rule(ask) | {"digest": digest_of(ask.world.ha_rules)}


@call("PUT /cluster/ha/rules/{rule}")
def change_ha_rule(ask):
    rule = ha_rule(ask)
    demand_digest(ask.get("digest"), ask.world.ha_rules)
    if rule["type"] != ask.get("type"):
        raise died(f"HA rule '{rule['rule']}' is of the type '{rule['type']}'")
    check_rule_resources(ask)
    for key in split_list(ask.get("delete", "")):
        rule.pop(key, None)
    rule |= {key: value for key, value in ask.given.items() if key not in ("rule", "delete", "digest")}


@call("GET /cluster/ha/status/current")
def ha_status(ask):
    found = [{"id": "quorum", "node": ask.front, "status": "OK", "type": "quorum", "quorate": 1}]
    return found + [{"id": f"service:{sid}", "sid": sid, "type": "service", "state": entry.get("state", "started"),
                     "node": ask.world.machines[int(sid.partition(":")[2])].node,
                     "status": f"{sid} (started)"} for sid, entry in ask.world.ha.items()
                    if int(sid.partition(":")[2]) in ask.world.machines]


@call("GET /cluster/sdn/zones")
def zones(ask):
    return [dict(zone) for zone in ask.world.zones
            if ask.get("type") in (None, zone.get("type")) and ask.may(
                f"/sdn/zones/{zone['zone']}", "SDN.Audit", "SDN.Allocate", any_of=True)]


@call("GET /cluster/sdn/vnets")
def vnets(ask):
    return [{"type": "vnet"} | vnet for vnet in ask.world.vnets
            if ask.may(f"/sdn/zones/{vnet['zone']}/{vnet['vnet']}", "SDN.Audit", "SDN.Allocate", any_of=True)]


@call("GET /pools")
def pools(ask):
    return [{"poolid": name} | ({"comment": pool["comment"]} if pool.get("comment") else {})
            for name, pool in ask.world.access.pools.items()
            if ask.may(f"/pool/{name}", "Pool.Audit") and ask.get("poolid") in (None, name)]


@call("POST /pools")
def add_pool(ask):
    if ask.get("poolid") in ask.world.access.pools:
        raise died(f"create pool failed: pool '{ask.get('poolid')}' already exists")
    ask.world.access.pools[ask.get("poolid")] = {"comment": ask.get("comment"), "vms": set(), "storages": set()}


def pool_of(ask):
    pool = ask.world.access.pools.get(ask.get("poolid"))
    if pool is None:
        raise died(f"pool '{ask.get('poolid')}' does not exist")
    return pool


@call("PUT /pools")
def change_pool(ask):
    pool = pool_of(ask)
    for key, found, kind in (("vms", pool["vms"], int), ("storage", pool["storages"], str)):
        for item in map(kind, split_list(ask.get(key, ""))):
            if ask.get("delete"):
                found.discard(item)
            else:
                found.add(item)


@call("DELETE /pools")
def remove_pool(ask):
    pool = pool_of(ask)
    if pool["vms"] or pool["storages"]:
        raise died(f"delete pool failed: pool '{ask.get('poolid')}' is not empty")
    del ask.world.access.pools[ask.get("poolid")]


@call("GET /pools/{poolid}")
def one_pool(ask):
    pool = pool_of(ask)
    members = [machine_member(ask, vmid) for vmid in sorted(pool["vms"]) if ask.may(f"/vms/{vmid}", "VM.Audit")]
    members += [storage_resource(ask, ask.world.storages[name], ask.front) for name in sorted(pool["storages"])]
    return {"poolid": ask.get("poolid"), "members": members} | (
        {"comment": pool["comment"]} if pool.get("comment") else {})


def machine_member(ask, vmid):
    machine = ask.world.machines.get(vmid)
    return machine_resource(ask, machine) if machine else {"id": f"qemu/{vmid}", "vmid": vmid, "type": "qemu"}
