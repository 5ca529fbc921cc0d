"""/storage and /nodes/NODE/storage: storages and what lies on them."""

import re

import storage as storages
from calls import call
from faults import bad, denied, died
from formats import split_list
from vm import size_of


def storage_of(ask, content=None):
    """The storage that the call names, on the node that works."""
    name = ask.get("storage")
    found = ask.world.storages.get(name)
    if not found:
        raise died(f"storage '{name}' does not exist")
    if not found.on(ask.node):
        raise died(f"storage '{name}' is not available on node '{ask.node}'")
    if not found.enabled:
        raise died(f"storage '{name}' is disabled")
    if content and content not in found.content:
        raise died(f"storage '{name}' does not support '{content}' content")
    return found


def readable(ask, storage):
    return ask.may(f"/storage/{storage.name}", "Datastore.Audit", "Datastore.AllocateSpace", any_of=True)


@call("GET /storage")
def listed(ask):
    digest = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
    return [storage.listed() | {"digest": digest} for storage in ask.world.storages.values()
            if ask.get("type") in (None, storage.kind) and readable(ask, storage)]


@call("POST /storage")
def add(ask):
    if ask.get("storage") in ask.world.storages:
        raise died(f"create storage failed: storage ID '{ask.get('storage')}' already defined")
    entry = {key: value for key, value in ask.given.items() if key != "nodes"}
    if ask.get("nodes"):
        entry["nodes"] = split_list(ask.get("nodes"))
    made = ask.world.add_storage(entry)
    return {"storage": made.name, "type": made.kind}


def configured(ask):
    name = ask.get("storage")
    if name not in ask.world.storages:
        raise died(f"storage '{name}' does not exist")
    return ask.world.storages[name]


@call("GET /storage/{storage}")
def one(ask):
    return configured(ask).listed() | {"digest": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}


@call("PUT /storage/{storage}")
def change(ask):
    storage = configured(ask)
    for key, value in ask.given.items():
        if key == "disable":
            storage.enabled = not value
        elif key == "nodes":
            storage.nodes = split_list(value) or None
        elif key not in ("storage", "digest", "delete"):
            storage.entry[key] = value
    for key in split_list(ask.get("delete", "")):
        storage.entry.pop(key, None)
        storage.nodes = None if key == "nodes" else storage.nodes
        storage.enabled = True if key == "disable" else storage.enabled
    return {"storage": storage.name, "type": storage.kind}


@call("DELETE /storage/{storage}")
def forget(ask):
    del ask.world.storages[configured(ask).name]


@call("GET /nodes/{node}/storage")
def on_node(ask):
    wanted = split_list(ask.get("content", ""))
    target = ask.get("target")
    found = []
    for storage in ask.world.storages.values():
        if not storage.on(ask.node) or not readable(ask, storage) or ask.get("storage") not in (None, storage.name):
            continue
        if (wanted and not set(wanted) & set(storage.content)) or (ask.get("enabled") and not storage.enabled):
            continue
        if target and not (storage.shared and storage.on(target)):
            continue
        entry = figures(storage, ask.node) | {"storage": storage.name}
        if entry["total"]:
            entry["used_fraction"] = entry["used"] / entry["total"]
        found.append(entry)
    return found


def figures(storage, node):
    total, used, free = storage.usage(node) if storage.enabled else (0, 0, 0)
    return {"type": storage.kind, "content": ",".join(storage.content), "enabled": int(storage.enabled),
            "active": int(storage.enabled), "shared": storage.shared, "total": total, "used": used, "avail": free}


@call("GET /nodes/{node}/storage/{storage}/status")
def status(ask):
    return figures(storage_of(ask), ask.node)


@call("GET /nodes/{node}/storage/{storage}/content")
def content(ask):
    storage = storage_of(ask)
    kinds = [ask.get("content")] if ask.get("content") else storage.content
    found = storage.list(ask.node, [kind for kind in kinds if kind in storage.content], ask.get("vmid"))
    return [entry for entry in found if may_read(ask, storage, entry.get("vmid"))]


def may_read(ask, storage, vmid):
    if vmid is None or ask.may(f"/storage/{storage.name}", "Datastore.Allocate"):
        return True
    return ask.may(f"/vms/{vmid}", "VM.Config.Disk", "VM.Backup", any_of=True)


@call("POST /nodes/{node}/storage/{storage}/content")
def allocate(ask):
    storage = storage_of(ask)
    name = ask.get("filename")
    ending = re.fullmatch(r".*\.(raw|qcow2|vmdk|subvol)", name)
    form = ask.get("format") or (ending[1] if ending else storage.default_form)
    if ending and ask.get("format") and ending[1] != ask.get("format"):
        raise bad(format=f"different storage formats ({ending[1]} != {ask.get('format')})")
    text = str(ask.get("size"))
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([MG]?)", text)
    if not found:
        raise bad(size="value does not match the regex pattern")
    size = size_of(text) if found[2] else int(float(text)) << 10  # a bare number counts KiB
    return storage.alloc(ask.node, ask.get("vmid"), form, name, size)


def volume_of(ask):
    """(storage, name in it); the storage's name may be left out of the volume."""
    text = ask.get("volume")
    name = text.partition(":")[2] if ":" in text else text
    if ":" in text and text.partition(":")[0] != ask.get("storage"):
        raise bad(volume="storage ID mismatch ({} != {})".format(text.partition(":")[0], ask.get("storage")))
    return storage_of(ask), name


@call("GET /nodes/{node}/storage/{storage}/content/{volume}")
def info(ask):
    storage, name = volume_of(ask)
    volume = storage.parse(name)
    if not readable(ask, storage) or not may_read(ask, storage, volume.vmid):
        raise denied(f"/storage/{storage.name}", "Datastore.Audit|Datastore.AllocateSpace")
    path = storage.path(ask.node, name)
    if volume.kind in ("images", "import") and volume.form in storages.IMAGE_FORMATS:
        found = storages.image_info(path, volume.form) if path.exists() else {}
        size, used = found.get("virtual-size"), found.get("actual-size")
    else:
        size = used = path.stat().st_size if path.exists() else None
    if size is None:
        raise died(f"volume_size_info on '{storage.volume_id(name)}' failed - no format")
    return {"path": str(path), "size": size, "used": used, "format": volume.form}


@call("DELETE /nodes/{node}/storage/{storage}/content/{volume}")
def delete(ask):
    storage, name = volume_of(ask)
    volume = storage.parse(name)
    if volume.vmid is not None and not ask.may(f"/storage/{storage.name}", "Datastore.Allocate"):
        ask.demand(f"/storage/{storage.name}", "Datastore.AllocateSpace")
        ask.demand(f"/vms/{volume.vmid}", "VM.Config.Disk")
    elif volume.vmid is None:
        ask.demand(f"/storage/{storage.name}", "Datastore.Allocate")

    def work(task):
        storage.free(ask.node, name, task.log)
        task.log(f"Removed volume '{storage.volume_id(name)}'")
    upid = ask.task("imgdel", f"{volume.vmid}@{storage.name}" if volume.vmid is not None else storage.name, work)
    if ask.get("delay"):
        ask.world.tasks.find(upid).done.wait(ask.get("delay"))
        if ask.world.tasks.find(upid).exit == "OK":
            return None
    return upid


