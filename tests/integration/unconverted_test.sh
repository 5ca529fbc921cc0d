#!/usr/bin/env bash
# Without conversion the machine keeps the kinds of controllers that it had, so that a guest without virtio drivers lives
# all the same; the report says that it was not converted and why, and the bytes are the source's to the last one.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
make_ova web01
start_libvirt
write_site web01 none
expect 0 flyt plan -o plan.json
expect 0 flyt apply plan.json
says 'not converted'
says 'identical'
virsh -q -c "$URI" dumpxml web01 >domain.xml
! grep -q "<target dev='[a-z]*' bus='virtio'" domain.xml || fail "a disk on virtio"
grep -q "model type='e1000'" domain.xml || fail "another adapter than the source had"
