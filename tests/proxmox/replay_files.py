"""The files that the recorded requests upload, made anew, and the web server that the recordings download from."""

import http.server
import os
import random
import subprocess
import tarfile
import threading
import time

RECORDED_SUM = "09af6101e99cd63c6b819dc37e7932fd83960e87a701987feb11bffaef3c65bc"
RECORDED_SIZES = {"disk.qcow2": 917504, "disk.vmdk": 655360, "web.ova": 604160, "backing.qcow2": 196616}
OVF = """<?xml version="1.0"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
 xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData">
<References><File ovf:id="file1" ovf:href="web-disk1.vmdk"/></References>
<DiskSection><Disk ovf:diskId="vmdisk1" ovf:fileRef="file1" ovf:capacity="67108864"/></DiskSection>
<VirtualSystem ovf:id="web"><Name>web</Name><OperatingSystemSection ovf:id="101"/><VirtualHardwareSection>
<Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType>
<rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
<Item><rasd:InstanceID>2</rasd:InstanceID><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits>
<rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>512</rasd:VirtualQuantity></Item>
<Item><rasd:Address>0</rasd:Address><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType>
<rasd:ResourceType>6</rasd:ResourceType></Item>
<Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource>
<rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>
<Item><rasd:InstanceID>5</rasd:InstanceID><rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType>
<rasd:ResourceType>10</rasd:ResourceType></Item>
</VirtualHardwareSection></VirtualSystem></Envelope>
"""


def make(folder):
    """{name: path}; sizes are those of the recordings where an answer tells them."""
    files = {name: folder / name for name in ("disk.raw", "disk.qcow2", "disk.vmdk", "backing.qcow2", "web.ova", "slow.raw")}
    with open(files["disk.raw"], "wb") as file:
        file.truncate(64 << 20)
        file.write(random.Random(1).randbytes(512 << 10))
    for name, options in (("disk.qcow2", ["-O", "qcow2"]), ("disk.vmdk", ["-O", "vmdk"])):
        run("convert", "-f", "raw", *options, files["disk.raw"], files[name])
    run("convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", files["disk.raw"], folder / "web-disk1.vmdk")
    run("create", "-f", "qcow2", "-u", "-b", "/etc/passwd", "-F", "raw", files["backing.qcow2"], "64M")
    (folder / "web.ovf").write_text(OVF)
    with tarfile.open(files["web.ova"], "w", format=tarfile.USTAR_FORMAT) as archive:
        archive.add(folder / "web.ovf", "web.ovf")
        archive.add(folder / "web-disk1.vmdk", "web-disk1.vmdk")
    for name, size in RECORDED_SIZES.items():
        if os.path.getsize(files[name]) < size:
            os.truncate(files[name], size)
    return files


def run(*words):
    subprocess.run(["qemu-img", *map(str, words)], check=True, capture_output=True)


def content(files, name, size):
    """Bytes of an upload: of the kind that its name promises, where the recorded one was."""
    if size < 100000 or size == 200000:
        return b"j" * size  # no image at all
    if name in files:
        return files[name].read_bytes()
    return files["disk.qcow2"].read_bytes()[:size].ljust(size, b"\0")


class Web:
    """The web server of the recordings."""

    def __init__(self, files):
        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_GET(self):
                self.serve(True)

            def do_HEAD(self):
                self.serve(False)

            def serve(self, with_body):
                name = self.path.strip("/")
                if name == "slow.raw":
                    self.send_response(200)
                    self.send_header("Content-Length", str(1 << 30))
                    self.end_headers()
                    time.sleep(20 if with_body else 0)
                    return
                if name not in files:
                    self.send_error(404, "File not found")
                    return
                data = files[name].read_bytes()
                self.send_response(200)
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if with_body:
                    self.wfile.write(data)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
