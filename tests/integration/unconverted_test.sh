#!/usr/bin/env bash
# The negative control: without conversion the same guest cannot find its disk on virtio, and flyt says so: boot FAIL,
# exit status 1, the guest's own words from its console. The bytes are the source's all the same.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
make_ova web01 --hostname web01
start_libvirt
write_site web01 none '90 s'
expect 0 flyt plan -o plan.json
expect 1 flyt apply plan.json
says FAIL
says PASS # the bytes
says 'ALERT!'
