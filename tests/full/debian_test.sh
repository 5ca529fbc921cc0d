#!/usr/bin/env bash
# A whole Debian (systemd, initramfs-tools, generic kernel) moves from an OVA to libvirt, is converted and lives there.
# Its root is named by UUID, as Debian's installer does it; docs/drivers/libvirt.md says what becomes of one that is not.
# Slow under software emulation: ten minutes and more; `./dev test --full` runs it.
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lab.sh"
"$GUESTS/make-guest.sh" "$FOLDER/deb12-system.raw" --flavor full --kernel generic --root-by uuid --hostname deb12
"$GUESTS/make-ova.sh" "$FOLDER/deb12-system.raw" "$FOLDER/deb12.ova" --name deb12 --mem 1024
start_libvirt
write_site deb12 auto '900 s'
sed -i 's/^probes = .*/probes = [ { tcp = "10.0.2.15:22" }, { agent = true } ]/' flyt.toml # this guest has no httpd
expect 0 flyt plan -o plan.json
expect 0 flyt apply plan.json
says PASS
expect 0 flyt verify plan.json
