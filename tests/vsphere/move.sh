#!/usr/bin/env bash
# True guests leave a vSphere for libvirt, one by HTTPS ranges and one by an export lease; they are converted, boot and
# live there.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
start_libvirt
for name in web01 web02; do
    "$GUESTS/make-guest.sh" "$FOLDER/$name-system.raw" --data "$FOLDER/$name-data.raw" --hostname $name
done
# machine NAME: the guest as vSphere has it.
machine() {
    cat <<END
{"name":"$1","guestId":"debian12_64Guest","guestFullName":"Debian GNU/Linux 12 (64-bit)","memoryMiB":512,
 "nics":[{"mac":"00:50:56:ab:cd:0${1: -1}","network":"VM Network","type":"e1000"}],
 "disks":[{"path":"$1-system.raw","controller":"lsilogic"},{"path":"$1-data.raw","controller":"lsilogic"}]}
END
}
cat >machines.json <<END
{"machines":[$(machine web01),$(machine web02),
 {"name":"busy","powerState":"poweredOn","tools":"toolsOk","disks":[{"sizeMiB":8,"fillMiB":4,"seed":7}]}]}
END
# In the network of the target, where flyt runs, too.
start_vsphere in_net
cat >flyt.toml <<END
$(vsphere_site)
$(vsphere_endpoint vc)
$(vsphere_endpoint export 'transport = "nfc"')
[endpoints.kvm]
driver = "libvirt"
uri    = "$URI"
accel  = "tcg"
$TEST_GROUND
[map.networks]
"VM Network" = "servers"
[map.kvm.storages]
"*" = "machines"
[defaults]
boot_timeout = "300 s"
[machines.web01]
marker = "GUEST-READY"
probes = [ { tcp = "10.0.2.15:22" }, { http = "http://10.0.2.15/hostname" } ]
[machines.web02]
marker = "GUEST-READY"
probes = [ { tcp = "10.0.2.15:22" }, { http = "http://10.0.2.15/hostname" } ]
END
expect 0 flyt check vc kvm shelf
# The lab's host has a name that leads nowhere, and a lease would need it.
expect 1 flyt check export
says "DC0_H0 does not answer"
expect 0 flyt check vc --deep
says "at any place in "
expect 1 flyt check export --deep
says "as one sequence in "
# Before anything is copied: into what is off, as it is read in ranges; not into what runs, nor through leases.
eval "$("$GUESTS/v2v-env.sh")"
expect 0 flyt assess vc --deep
says "/etc/fstab mounts /dev/sda1"
says "it is not off"
expect 0 flyt assess export --deep
says "can only be read as one sequence"
left=$(left_on_source)
[ "$left" = "[]" ] || fail "left on the source by looking at it: $left"

# Cold, by ranges and by a lease; one after the other, since both guests have one address.
for move in "vc web01" "export web02"; do
    read -r from name <<<"$move"
    expect 0 flyt plan --source "$from" --target kvm --select "$name" -o "$name.json"
    expect 0 flyt apply "$name.json"
    says PASS
    expect 0 flyt verify "$name.json"
    virsh -q -c "$URI" destroy "$name"
done
counters=$(ask "$control/counters")
[ "$(jq '."folder.status.206" // 0' <<<"$counters")" -gt 100 ] || fail "the ranges were not used: $counters"
[ "$(jq '."soap.ExportSnapshot" // 0' <<<"$counters")" -gt 0 ] || fail "no lease was taken: $counters"
left=$(left_on_source)
[ "$left" = "[]" ] || fail "left on the source: $left"
stop_vsphere
