#!/usr/bin/env bash
# flyt assess --deep looks into true guests before anything is copied, and changes nothing: a BIOS guest that names its
# disks, a UEFI guest on LVM, a disk by LUKS, one with nothing on it, and two that libguestfs takes for Windows. Stopped
# in the midst of it, nothing of it is left.
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
flyt() { "$FLYT_PROGRAM" "$@"; }
eval "$("$GUESTS/v2v-env.sh")"
mkdir exports
"$GUESTS/make-guest.sh" "$FOLDER/bios.raw" --data "$FOLDER/bios-data.raw" --hostname bios
"$GUESTS/make-guest.sh" "$FOLDER/uefi.raw" --firmware uefi --lvm --root-by uuid --drivers all --hostname uefi
# Of a named number of rounds: what measures the processor first, as qemu-img does, gives up where that is busy.
truncate -s 20M luks.raw
printf secret | PATH=$PATH:/usr/sbin cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 luks.raw -
truncate -s 4M empty.raw
python3 "$FLYT_SOURCE/tests/integration/windows_disk.py" windows.raw crashed.raw
"$GUESTS/make-ova.sh" "$FOLDER/bios.raw" "$FOLDER/bios-data.raw" "$FOLDER/exports/bios.ova" --name bios
"$GUESTS/make-ova.sh" "$FOLDER/uefi.raw" "$FOLDER/exports/uefi.ova" --name uefi --firmware efi
"$GUESTS/make-ova.sh" "$FOLDER/luks.raw" "$FOLDER/exports/secret.ova" --name secret
"$GUESTS/make-ova.sh" "$FOLDER/empty.raw" "$FOLDER/exports/empty.ova" --name empty
"$GUESTS/make-ova.sh" "$FOLDER/windows.raw" "$FOLDER/exports/windows.ova" --name windows
python3 "$FLYT_SOURCE/tests/integration/ova_system.py" exports/windows.ova windows7Server64Guest
"$GUESTS/make-ova.sh" "$FOLDER/crashed.raw" "$FOLDER/exports/crashed.ova" --name crashed
cat >flyt.toml <<END
[site]
name  = "Integration"
id    = "$(cat /proc/sys/kernel/random/uuid)"
state = "$FOLDER/state"
[endpoints.export]
driver = "ova"
path   = "exports"
END
sha256sum exports/* >before

expect 0 flyt assess export --deep --json
# codes MACHINE: of what was found inside, in order.
codes() { jq -r "select(.type == \"assessment\").concerns[] | select(.machine == \"$1\").code" last.out | grep '^I-' | xargs; }
text() { jq -r "select(.type == \"assessment\").concerns[] | select(.machine == \"$1\" and .code == \"$2\").text" last.out; }
same() { [ "$1" = "$2" ] || fail "not '$2' but '$1'"; }
same "$(codes bios)" "I-FSTAB I-NIC-NAME I-SPACE I-SYSTEM"
# It would not even start, if anybody took what the guest wrote for the format of its disk.
same "$(codes secret)" "I-LUKS I-NO-SYSTEM"
same "$(codes empty)" "I-NO-SYSTEM"
case $(text bios I-FSTAB) in *"/dev/sda1"*) ;; *) fail "fstab: $(text bios I-FSTAB)" ;; esac
case $(text bios I-SYSTEM) in "debian 12."*"; / ext4 "*" free"*) ;; *) fail "system: $(text bios I-SYSTEM)" ;; esac
case $(text uefi I-SYSTEM) in "debian 12."*) ;; *) fail "system: $(text uefi I-SYSTEM)" ;; esac
case " $(codes uefi) " in *" I-FSTAB "* | *" I-NO-VIRTIO "* | *" I-NO-FALLBACK "*) fail "uefi: $(codes uefi)" ;; esac
same "$(codes windows)" "I-CLOCK I-DRIVER-POLICY I-HIBERNATED I-OLD-WINDOWS I-REBOOT-PENDING I-SPACE I-SYSTEM"
same "$(codes crashed)" "I-CLOCK I-DRIVER-POLICY I-OLD-WINDOWS I-REBOOT-PENDING I-SPACE I-SYSTEM I-UNCLEAN"
case $(text windows I-SYSTEM) in
"Windows Server 2008 R2 Standard (Server) 6.1 build 7601; the volume of Windows ntfs "*" free; it starts with viostor") ;;
*) fail "system: $(text windows I-SYSTEM)" ;;
esac
same "$(text windows I-DRIVER-POLICY)" "a policy sets DenyUnspecified"
same "$(text windows I-REBOOT-PENDING)" \
    "Windows waits for a restart (pending.xml, RebootPending, RebootRequired, PendingFileRenameOperations)"
same "$(jq -r 'select(.type == "remark").text' last.out | wc -l)" 6
sha256sum --quiet -c before || fail "a package has changed"
[ ! -e state/journal.db ] || fail "a journal was made for an assessment"
expect 0 flyt assess --explain I-NO-FALLBACK

# Planned by what its registry says of the clock, which nobody sees from outside.
cp -r "$FLYT_SOURCE/examples/memory/target" world
cat >>flyt.toml <<END
[endpoints.new]
driver = "memory"
world  = "world"
[map.networks]
"*" = "lan"
[map.storages]
"*" = "fast"
[machines.windows]
convert = "none"
END
# planned FILTER: of the one machine in the plan, or of the plan's concerns.
planned() { jq -r "$1" plan.json; }
expect 0 flyt plan --source export --target new --select windows -o plan.json
same "$(planned '.machines[0].spec.clock')" local-time
same "$(planned '[.concerns[].code | select(test("^I-|CLOCK"))] | join(" ")')" M-CLOCK
expect 0 flyt plan --source export --target new --select windows --deep -o plan.json
same "$(planned '.machines[0].spec.clock')" utc
same "$(planned '[.concerns[].code | select(test("^I-|CLOCK"))] | sort | join(" ")')" \
    "I-CLOCK I-DRIVER-POLICY I-HIBERNATED I-OLD-WINDOWS I-REBOOT-PENDING I-SPACE I-SYSTEM"
sha256sum --quiet -c before || fail "a package has changed"
[ ! -e state/journal.db ] || fail "a journal was made for a plan"

# Stopped while the appliance runs.
"$FLYT_PROGRAM" assess export --deep >stopped.out 2>&1 &
ours=$!
# ours_run: processes below it that are guestfish or its appliance.
below() { ps -e -o pid=,ppid=,comm= | awk -v top="$1" '{up[$1] = $2; name[$1] = $3}
    END {for (p in up) {for (q = p; q in up && q != top;) q = up[q]; if (q == top && name[p] ~ /guestfish|qemu-system/) print p}}'; }
for _ in $(seq 600); do
    appliance=$(below $ours)
    [ "$(wc -w <<<"$appliance")" -lt 2 ] || break
    sleep 0.1
done
[ -n "$appliance" ] || fail "no appliance was seen"
kill -INT $ours
status=0
wait $ours || status=$?
cat stopped.out
[ $status = 5 ] || fail "status $status instead of 5"
for pid in $appliance; do
    for _ in $(seq 100); do
        case $(ps -o stat= -p "$pid" || :) in '' | Z*) break ;; esac
        sleep 0.1
    done
    case $(ps -o stat= -p "$pid" || :) in '' | Z*) ;; *) fail "process $pid is left: $(ps -o args= -p "$pid")" ;; esac
done
sha256sum --quiet -c before || fail "a package has changed"
