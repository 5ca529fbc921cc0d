"""pvesm: storages as the node's own program tells them."""

import storage as storages
from faults import died


def pvesm(worker, words):
    import node
    handler = {"status": status, "list": listed, "path": path, "alloc": alloc, "free": free,
               "import-volume": import_volume, "export-volume": export_volume}.get(words[0] if words else "")
    if not handler:
        raise node.Usage(f"ERROR: unknown command 'pvesm {words[0] if words else ''}'")
    handler(worker, *node.options_of(words[1:], "pvesm"))


def status(worker, _, given):
    found = [storage for storage in worker.world.storages.values() if storage.on(worker.name)
             and given.get("storage") in (None, storage.name)
             and ("content" not in given or given["content"] in storage.content)]
    width = max((len(storage.name) for storage in found), default=4) + 1
    worker.answer.say("%-*s %10s %10s %15s %15s %15s %8s" % (width, "Name", "Type", "Status", "Total", "Used", "Available", "%"))
    for storage in sorted(found, key=lambda one: one.name):
        total, used, free_bytes = storage.usage(worker.name) if storage.enabled else (0, 0, 0)
        state = "active" if storage.enabled else "disabled"
        worker.answer.say("%-*s %10s %10s %15d %15d %15d %7.2f%%" % (
            width, storage.name, storage.kind, state, total >> 10, used >> 10, free_bytes >> 10,
            100 * used / total if total else 0))


def listed(worker, plain, given):
    storage = storages.volume(worker.world, f"{plain[0]}:")[0]
    kinds = [given["content"]] if "content" in given else storage.content
    found = storage.list(worker.name, kinds, given.get("vmid"))
    width = max((len(entry["volid"]) for entry in found), default=5)
    worker.answer.say("%-*s %-7s %-7s %10s %s" % (width, "Volid", "Format", "Type", "Size", "VMID"))
    for entry in sorted(found, key=lambda one: (one["format"], one["volid"])):
        line = "%-*s %-7s %-7s %10d" % (width, entry["volid"], entry["format"], entry["content"], entry["size"])
        worker.answer.say(line + (f" {entry['vmid']}" if "vmid" in entry else ""))


def path(worker, plain, _):
    """A path, whether there is such a volume or not."""
    worker.answer.say(str(storages.path_of(worker.world, worker.name, plain[0])))


def alloc(worker, plain, given):
    name, vmid, file, size = plain
    storage = storages.volume(worker.world, f"{name}:")[0]
    ending = file.rpartition(".")[2] if "." in file else None
    form = given.get("format") or (ending if ending in storages.IMAGE_FORMATS else storage.default_form)
    count = storages_size(size)
    volid = storage.alloc(worker.name, int(vmid), form, file or None, count, worker.answer.say)
    worker.answer.say(f"successfully created '{volid}'")


def storages_size(text):
    from vm import size_of
    return size_of(text) if text[-1:] in "MGT" else int(text) << 10


def free(worker, plain, _):
    storage, name = storages.volume(worker.world, plain[0])
    storage.free(worker.name, name, worker.answer.say)
    worker.answer.say(f"Removed volume '{plain[0]}'")


def import_volume(worker, plain, _):
    """Makes the volume that a stream is about to fill; tells its path."""
    volid, size = plain[0], int(plain[1])
    storage, name = storages.volume(worker.world, volid)
    volume = storage.parse(name)
    if volume.form != "raw":
        raise died(f"cannot import format raw+size into a file of format {volume.form}")
    storage.alloc(worker.name, volume.vmid, "raw", volume.name, size)
    path(worker, plain, _)


def export_volume(worker, plain, _):
    found = storages.path_of(worker.world, worker.name, plain[0])
    if not found.exists():
        raise died(f"failed to stat '{found}'")
    path(worker, plain, _)
