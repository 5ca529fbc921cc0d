"""Privileges and the roles that the server brings, of both versions."""

DATASTORE = "Datastore.Allocate Datastore.AllocateSpace Datastore.AllocateTemplate Datastore.Audit".split()
SYSTEM = "Sys.AccessNetwork Sys.Audit Sys.Console Sys.Incoming Sys.Modify Sys.PowerMgmt Sys.Syslog".split()
CONFIG = [f"VM.Config.{what}" for what in
          "CDROM CPU Cloudinit Disk HWType Memory Network Options".split()]
MACHINE = ["VM.Allocate", "VM.Audit", "VM.Backup", "VM.Clone", *CONFIG, "VM.Console", "VM.Migrate", "VM.PowerMgmt",
           "VM.Snapshot", "VM.Snapshot.Rollback"]
AGENT = [f"VM.GuestAgent.{what}" for what in "Audit FileRead FileSystemMgmt FileWrite Unrestricted".split()]
ADDED = {"8.4": ["VM.Monitor"], "9.1": [*AGENT, "VM.Replicate"]}
USER = ["VM.Audit", "VM.Backup", "VM.Config.CDROM", "VM.Config.Cloudinit", "VM.Console", "VM.PowerMgmt"]
SDN = ["SDN.Allocate", "SDN.Audit", "SDN.Use"]
MAPPING = ["Mapping.Audit", "Mapping.Modify", "Mapping.Use"]
USERS = ["Group.Allocate", "Realm.AllocateUser", "User.Modify"]
AUDIT = ["Datastore.Audit", "Mapping.Audit", "Pool.Audit", "SDN.Audit", "Sys.Audit", "VM.Audit"]

# Which privileges the answer to a login lists, and on which path each group is looked up.
LOGIN_GROUPS = {
    "vms": ("/vms", [*MACHINE, "VM.Monitor", *AGENT, "VM.Replicate", "Permissions.Modify"]),
    "storage": ("/storage", [*DATASTORE, "Permissions.Modify"]),
    "sdn": ("/sdn", [*SDN, "Permissions.Modify"]),
    "nodes": ("/nodes", [*SYSTEM, "Permissions.Modify"]),
    "access": ("/access", ["User.Modify", "Permissions.Modify", "Group.Allocate"]),
    "dc": ("/", ["Sys.Audit", "Sys.Modify", *SDN]),
    "mapping": ("/mapping", [*MAPPING, "Permissions.Modify"]),
}


def every(version):
    return sorted(DATASTORE + SYSTEM + MACHINE + ADDED[version] + SDN + MAPPING + USERS +
                  ["Permissions.Modify", "Pool.Allocate", "Pool.Audit", "Realm.Allocate"])


def roles(version):
    """{role: its privileges}."""
    audited = ["VM.GuestAgent.Audit"] if version != "8.4" else []
    machine = MACHINE + ADDED[version]
    system = {"Sys.AccessNetwork", "Sys.Incoming", "Sys.Modify", "Sys.PowerMgmt"}
    not_admin = system | {"Permissions.Modify", "Realm.Allocate", "Mapping.Modify"}
    return {
        "Administrator": every(version),
        "NoAccess": [],
        "PVEAdmin": sorted(set(every(version)) - not_admin),
        "PVEAuditor": sorted(AUDIT + audited),
        "PVEDatastoreAdmin": DATASTORE,
        "PVEDatastoreUser": ["Datastore.AllocateSpace", "Datastore.Audit"],
        "PVEMappingAdmin": MAPPING,
        "PVEMappingUser": ["Mapping.Audit", "Mapping.Use"],
        "PVEPoolAdmin": ["Pool.Allocate", "Pool.Audit"],
        "PVEPoolUser": ["Pool.Audit"],
        "PVESDNAdmin": SDN,
        "PVESDNUser": ["SDN.Audit", "SDN.Use"],
        "PVESysAdmin": ["Sys.Audit", "Sys.Console", "Sys.Syslog"],
        "PVETemplateUser": ["VM.Audit", "VM.Clone"],
        "PVEUserAdmin": USERS,
        "PVEVMAdmin": sorted(machine),
        "PVEVMUser": sorted(USER + audited),
    }
