#!/usr/bin/env bash
# A UEFI guest moves to libvirt: OVMF finds the boot loader by its fall-back path, and it lives on virtio.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
make_ova uefi01 --firmware uefi
start_libvirt
write_site uefi01 auto '400 s'
expect 0 flyt plan -o plan.json
expect 0 flyt apply plan.json
says PASS
virsh -q -c "$URI" dumpxml uefi01 >domain.xml
grep -q 'OVMF' domain.xml || fail "the machine does not boot by UEFI"
