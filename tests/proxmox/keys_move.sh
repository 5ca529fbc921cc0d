#!/usr/bin/env bash
# A guest that is signed, from a package with Secure Boot and a TPM: it is planned once the site says tpm = "new", and starts
# on a Proxmox VE by Secure Boot, with a TPM, as its kernel says.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
command -v swtpm >/dev/null || { echo "needs swtpm"; exit 77; }

# Debian's signed loaders, downloaded once.
signed=$(. "$GUESTS/common.sh" && locked && unpack "$CACHE/signed" shim-signed grub-efi-amd64-signed && echo "$CACHE/signed/usr/lib")
"$GUESTS/make-guest.sh" safe01.raw --firmware uefi --data data.raw --hostname safe01 --drivers all
export MTOOLS_SKIP_CHECK=1
mcopy -o -i safe01.raw@@1M "$signed/shim/shimx64.efi.signed" ::EFI/BOOT/BOOTX64.EFI
mcopy -o -i safe01.raw@@1M "$signed/grub/x86_64-efi-signed/grubx64.efi.signed" ::EFI/BOOT/grubx64.efi
"$GUESTS/make-ova.sh" safe01.raw data.raw safe01.ova --name safe01 --firmware efi

# As a package tells of both.
tar -xf safe01.ova
tpm='<Item><rasd:ElementName>Virtual TPM</rasd:ElementName><rasd:InstanceID>50</rasd:InstanceID><rasd:ResourceSubType>vmware.vtpm</rasd:ResourceSubType><rasd:ResourceType>1</rasd:ResourceType></Item>'
sed -i "s|efiSecureBootEnabled\" vmw:value=\"false|efiSecureBootEnabled\" vmw:value=\"true|; 0,/<vmw:Config ovf:required=\"false\" vmw:key=\"firmware\"/s||$tpm\n&|" safe01.ovf
sed -i "s/^SHA256(safe01.ovf)=.*/SHA256(safe01.ovf)= $(sha256sum safe01.ovf | cut -d' ' -f1)/" safe01.mf
tar --format=ustar -cf safe01.ova safe01.ovf safe01.mf safe01-disk*.vmdk

start_proxmox
cat >flyt.toml <<END
$(export_to_proxmox safe01)
[machines.safe01]
convert = "none"
boot_timeout = "400 s"
marker = "GUEST-READY"
probes = [ { agent = true } ]
END
expect 1 flyt plan -o plan.json
says M-VTPM
says '[machines."safe01"]'
echo 'tpm = "new"' >>flyt.toml
expect 0 flyt plan -o plan.json
says M-TPM-NEW
says M-SECURE-BOOT-KEYS
expect 0 flyt apply plan.json
says PASS

vmid=$(vmid_of safe01)
config "$vmid" | tee config.json
jq -e '.efidisk0 | test("pre-enrolled-keys=1")' config.json >/dev/null || fail "no keys are enrolled"
jq -e '.tpmstate0 | test("version=v2.0")' config.json >/dev/null || fail "there is no TPM"
curl -sf "$(pve_told control)/console?vmid=$vmid" | jq -r .text >console.txt
grep -a 'Secure boot enabled' console.txt || fail "the kernel was not started by Secure Boot"
grep -a 'tpm_tis .* 2.0 TPM' console.txt || fail "the kernel has found no TPM"

expect 0 flyt undo plan.json --target --started --yes
[ "$(api GET '/nodes/pve1/storage/data/content?content=images' | jq '.data | length')" = 0 ] || fail "volumes are left"
stop_proxmox
