"""ova_system.py FILE.ova TYPE: gives a package of make-ova.sh another vmw:osType, and its manifest along with it."""

import hashlib
import io
import re
import sys
import tarfile

path, system = sys.argv[1:]
with tarfile.open(path) as package:
    members = [(member, package.extractfile(member).read()) for member in package]
(descriptor, text), (manifest, sums), *disks = members
text = re.sub(rb'ovf:id="96" vmw:osType="[^"]*"', b'ovf:id="1" vmw:osType="%s"' % system.encode(), text)
text = re.sub(rb"<Description>Debian [^<]*<", b"<Description>%s<" % system.encode(), text)
sums = re.sub(rb"(?m)^(SHA256\(.*\.ovf\)= ).*$", rb"\g<1>" + hashlib.sha256(text).hexdigest().encode(), sums)
with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as package:
    for member, content in [(descriptor, text), (manifest, sums), *disks]:
        member.size = len(content)
        package.addfile(member, io.BytesIO(content))
