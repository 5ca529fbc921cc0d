"""/nodes/NODE/lxc: containers are shown, with their configurations and snapshots; none ever runs."""

from calls import call
from faults import died


def find(ask):
    vmid = int(ask.get("vmid"))
    container = ask.world.containers.get(vmid)
    if not container or container["node"] != ask.node:
        raise died(f"Configuration file 'nodes/{ask.node}/lxc/{vmid}.conf' does not exist")
    return container


def snapshot_of(container, name):
    if name not in container["snapshots"]:
        raise died(f"snapshot '{name}' does not exist")
    return dict(container["snapshots"][name])


def resource(vmid, container):
    config = container["config"]
    return {"id": f"lxc/{vmid}", "type": "lxc", "vmid": vmid, "node": container["node"], "status": "stopped",
            "name": config.get("hostname", f"CT{vmid}"), "template": int(config.get("template", 0)), "uptime": 0,
            "maxcpu": int(config.get("cores", 1)), "maxmem": int(config.get("memory", 512)) << 20}


@call("GET /nodes/{node}/lxc/{vmid}/config")
def config(ask):
    container = find(ask)
    found = snapshot_of(container, ask.get("snapshot")) if ask.get("snapshot") else dict(container["config"])
    return found | {"digest": "0" * 40}


@call("GET /nodes/{node}/lxc/{vmid}/snapshot")
def listed(ask):
    found = [{"name": name, "description": "", "snaptime": 1764000000} for name in find(ask)["snapshots"]]
    return [*found, {"name": "current", "description": "You are here!", "digest": "0" * 40, "running": 0}]


@call("GET /nodes/{node}/lxc/{vmid}/snapshot/{snapname}/config")
def snapshot_config(ask):
    return snapshot_of(find(ask), ask.get("snapname"))
