"""What the descriptor in an OVA says of its machine, as the server tells it before an import."""

import tarfile
import xml.etree.ElementTree as xml

from faults import died

# Operating systems by their number in CIM, as far as a difference is made.
SYSTEMS = {"101": "l26", "36": "l26", "107": "l26", "109": "l26", "80": "l26", "96": "l26", "94": "l26", "100": "l26",
           "116": "win10", "105": "win7", "103": "w2k8", "112": "win8", "113": "win8", "121": "win10", "122": "win10"}
PROCESSOR, MEMORY, ETHERNET, DISK = "3", "4", "10", "17"
BUSES = {"5": "ide", "6": "scsi", "20": "sata"}
MODELS = {"vmxnet3": "vmxnet3", "e1000": "e1000", "e1000e": "e1000e", "pcnet32": "pcnet"}


def metadata(path, volid, name):
    with tarfile.open(path) as archive:
        member = next((one for one in archive.getmembers() if one.name.endswith(".ovf")), None)
        if not member:
            raise died("no OVF file found in archive")
        tree = xml.fromstring(archive.extractfile(member).read())
    found = Descriptor(tree)
    return {"type": "vm", "source": name, "create-args": found.arguments(),
            "disks": {key: {"volid": f"{volid}/{file}"} for key, file in found.disks()},
            "net": {f"net{number}": {"model": model} for number, model in enumerate(found.nics())},
            "warnings": [{"type": "ova-needs-extracting"}]}


def local(element):
    return element.tag.rpartition("}")[2]


def children(element, name):
    return [one for one in element.iter() if local(one) == name]


def text(item, name):
    return next((one.text or "" for one in item if local(one) == name), "")


def attribute(element, name):
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), None)


class Descriptor:
    def __init__(self, tree):
        self.tree = tree
        self.items = children(tree, "Item")

    def of_kind(self, kind):
        return [item for item in self.items if text(item, "ResourceType") == kind]

    def quantity(self, kind):
        return next((text(item, "VirtualQuantity") for item in self.of_kind(kind)), "1")

    def arguments(self):
        system = next((attribute(one, "id") for one in children(self.tree, "OperatingSystemSection")), None)
        found = {"name": next((one.text for one in children(self.tree, "Name")), "imported"),
                 "cores": self.quantity(PROCESSOR), "memory": self.quantity(MEMORY),
                 "ostype": SYSTEMS.get(system, "other")}
        keys = [key for key, _ in self.disks()]
        return found | ({"boot": "order=" + ";".join(keys)} if keys else {})

    def disks(self):
        files = {attribute(one, "id"): attribute(one, "href") for one in children(self.tree, "File")}
        names = {attribute(one, "diskId"): files.get(attribute(one, "fileRef")) for one in children(self.tree, "Disk")}
        found = []
        for item in self.of_kind(DISK):
            parent = next((one for one in self.items if text(one, "InstanceID") == text(item, "Parent")), None)
            bus = BUSES.get(text(parent, "ResourceType"), "scsi") if parent is not None else "scsi"
            number = int(text(item, "AddressOnParent") or len(found))
            file = names.get(text(item, "HostResource").rpartition("/")[2])
            if file:
                found.append((f"{bus}{number}", file))
        return found

    def nics(self):
        return [MODELS.get(text(item, "ResourceSubType").lower(), "e1000") for item in self.of_kind(ETHERNET)]
