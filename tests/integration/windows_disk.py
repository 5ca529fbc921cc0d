"""windows_disk.py OUT.raw CRASHED.raw: disks whose NTFS libguestfs takes for Windows' own, with a registry.

They have what tests need to be found, and nothing that could start: Windows Server 2008 R2, waiting for a restart, its
clock in UTC, viostor installed. The first is hibernated; the second has waked up since, and was switched off in the
midst of its work. Needs the environment that libguestfs needs (v2v-env.sh).
"""

import io
import struct
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

SIZE = 64 << 20  # less than conversion wants to be free
NONE = 0xFFFFFFFF
HIBERNATED = b"HIBR".ljust(4096, b"\0")

SOFTWARE = {
    r"Microsoft\Windows NT\CurrentVersion": {
        "ProductName": "Windows Server 2008 R2 Standard", "CurrentVersion": "6.1", "CurrentBuildNumber": "7601",
        "InstallationType": "Server"},
    r"Microsoft\Windows\CurrentVersion\Component Based Servicing\RebootPending": {},
    r"Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update\RebootRequired": {},
    r"Policies\Microsoft\Windows\DeviceInstall\Restrictions": {"DenyUnspecified": 1, "DenyDeviceIDs": 0},
}
# The first set is not the current one: what it says must not be told.
SYSTEM = {
    "Select": {"Current": 2, "Default": 1},
    r"ControlSet001\Services\vioscsi": {"Start": 0},
    r"ControlSet002\Control\Session Manager": {"PendingFileRenameOperations": r"\??\C:\old.tmp"},
    r"ControlSet002\Control\TimeZoneInformation": {"RealTimeIsUniversal": 1},
    r"ControlSet002\Services\viostor": {"Start": 0},
    r"ControlSet002\Services\vioscsi": {"Start": 3},
}


def cell(content):
    size = -(-(len(content) + 4) // 8) * 8
    return struct.pack("<i", -size) + content.ljust(size - 4, b"\0")


def empty_hive():
    """A header, and one bin with the root key and its security: "regf", github.com/msuhanov/regf."""
    bin_size, security_at, name = 0x1000, 32, b"ROOT"
    descriptor = struct.pack("<BBHIIII", 1, 0, 0x8000, 0, 0, 0, 0)
    security = cell(struct.pack("<2sHIIII", b"sk", 0, security_at, security_at, 1, len(descriptor)) + descriptor)
    key_at = security_at + len(security)
    key = cell(struct.pack("<2sHQ15IHH", b"nk", 0x2C, 0, 0, NONE, 0, 0, NONE, NONE, 0, NONE, security_at, NONE,
                           0, 0, 0, 0, 0, len(name), 0) + name)
    free = struct.pack("<i", bin_size - key_at - len(key))
    cells = struct.pack("<4sIIQQI", b"hbin", 0, bin_size, 0, 0, 0) + security + key + free
    header = struct.pack("<4sIIQIIIIIII", b"regf", 1, 1, 0, 1, 5, 0, 1, key_at, bin_size, 1).ljust(508, b"\0")
    checksum = 0
    for (word,) in struct.iter_unpack("<I", header):
        checksum ^= word
    return (header + struct.pack("<I", checksum)).ljust(0x1000, b"\0") + cells.ljust(bin_size, b"\0")


def hive(keys, folder):
    """`keys`: path -> values, numbers as REG_DWORD, texts as REG_SZ."""
    lines = ["Windows Registry Editor Version 5.00", ""]
    for path, values in keys.items():
        parts = path.split("\\")
        for depth in range(1, len(parts)):  # hivexregedit makes no parents
            lines += ["[\\" + "\\".join(parts[:depth]) + "]", ""]
        lines.append(f"[\\{path}]")
        for name, value in values.items():
            escaped = str(value).replace("\\", "\\\\")
            lines.append(f'"{name}"=' + (f"dword:{value:08x}" if isinstance(value, int) else f'"{escaped}"'))
        lines.append("")
    merged = folder / "hive"
    merged.write_bytes(empty_hive())
    subprocess.run(["hivexregedit", "--merge", merged], input="\n".join(lines), text=True, check=True)
    return merged.read_bytes()


def program():
    """As much of an executable as file(1) tells the processor by: x86-64."""
    return b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + struct.pack(
        "<4sHHIIIHHH", b"PE\0\0", 0x8664, 0, 0, 0, 0, 240, 0x22, 0x20B) + bytes(238)


def attribute(record, kind):
    """The first attribute of that kind in a record of the master file table."""
    at = struct.unpack_from("<H", record, 20)[0]
    while struct.unpack_from("<I", record, at)[0] != kind:
        at += struct.unpack_from("<I", record, at + 4)[0]
    return record[at:]


def restart_page(log_size):
    """As Windows leaves one while a volume is mounted: its client, NTFS, is in use ("$LogFile", version 1.1)."""
    page, sector, lsn, none = bytearray(4096), 512, 0x100000, 0xFFFF
    client_at, client_size, area_at = 0x30, 0xA0, 0x30
    struct.pack_into("<4sHHQIIHHH", page, 0, b"RSTR", 30, 1 + len(page) // sector, 0, 4096, 4096, area_at, 1, 1)
    struct.pack_into("<QHHHHIHHQIHHII", page, area_at, lsn, 1, none, 0, 0, 67 - log_size.bit_length(),
                     client_at + client_size, client_at, log_size, 0, 0x30, 0x40, 1, 0)
    struct.pack_into("<QQHHHHHHI8s", page, area_at + client_at, lsn, lsn, none, none, 0, 0, 0, 0, 8,
                     "NTFS".encode("utf-16le"))
    struct.pack_into("<H", page, 30, 1)
    for n in range(len(page) // sector):  # the last word of each sector is kept aside, and numbered
        end = (n + 1) * sector - 2
        page[32 + 2 * n:34 + 2 * n] = page[end:end + 2]
        page[end:end + 2] = page[30:32]
    return bytes(page)


def crash(disk):
    """Wakes it up, and puts a log that is in use into its first partition."""
    hiberfil = disk.index(HIBERNATED)
    disk[hiberfil:hiberfil + 4] = b"wake"
    start = 512 * struct.unpack_from("<I", disk, 446 + 8)[0]
    cluster = struct.unpack_from("<H", disk, start + 11)[0] * disk[start + 13]
    table = start + cluster * struct.unpack_from("<Q", disk, start + 48)[0]
    data = attribute(disk[table + 2 * 1024:table + 3 * 1024], 0x80)  # record 2 is $LogFile
    runs = struct.unpack_from("<H", data, 32)[0]
    lengths, offsets = data[runs] & 15, data[runs] >> 4
    first = int.from_bytes(data[runs + 1 + lengths:runs + 1 + lengths + offsets], "little", signed=True)
    pages = 2 * restart_page(struct.unpack_from("<Q", data, 48)[0])
    disk[start + cluster * first:start + cluster * first + len(pages)] = pages


def main():
    out, crashed = map(Path, sys.argv[1:])
    with tempfile.TemporaryDirectory(dir=out.resolve().parent) as name:
        folder = Path(name)
        files = {
            "Windows/System32/cmd.exe": program(),
            "Windows/System32/config/SOFTWARE": hive(SOFTWARE, folder),
            "Windows/System32/config/SYSTEM": hive(SYSTEM, folder),
            "Windows/WinSxS/Pending.xml": b"<PendingTransaction/>",
            "hiberfil.sys": HIBERNATED,
        }
        with tarfile.open(folder / "tree.tar", "w") as tree:
            for path, content in files.items():
                entry = tarfile.TarInfo(path)
                entry.size = len(content)
                tree.addfile(entry, io.BytesIO(content))
        with out.open("wb") as disk:
            disk.truncate(SIZE)
        script = ["run", "part-disk /dev/sda mbr", "mkfs ntfs /dev/sda1", "mount /dev/sda1 /",
                  f"tar-in {folder / 'tree.tar'} /", "shutdown"]
        subprocess.run(["guestfish", "--format=raw", "-a", out], input="\n".join(script), text=True, check=True)
    disk = bytearray(out.read_bytes())
    crash(disk)
    crashed.write_bytes(disk)


if __name__ == "__main__":
    main()
