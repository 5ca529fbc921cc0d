#!/usr/bin/env bash
# The main job of flyt on real input: a Linux machine, packaged as VMware would export it, moves to KVM through libvirt,
# is converted, booted and proven there. Everything it makes lies in one folder, which goes away at the end.
#   --keep        leave the folder (site, plan, state, OVA) for a look; nothing is left running
#   --folder DIR  work there instead of in a new temporary folder
# Runs as root; as another user it asks sudo once. Called by `./dev demo`, which builds flyt first.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
lab=$top/tests/lab/guests
flyt=${FLYT_PROGRAM:-$top/build/flyt}

usage() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }
keep='' folder=''
while [ $# -gt 0 ]; do
    case $1 in
    --keep) keep=1 ;;
    --folder) folder=$2; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
    esac
    shift
done

if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "demo: run it as root, or install sudo: a private libvirt needs it" >&2; exit 2; }
    echo "The demo starts a libvirt of its own in private namespaces; that takes root. Going on with sudo."
    args=()
    [ -z "$keep" ] || args+=(--keep)
    [ -z "$folder" ] || args+=(--folder "$folder")
    # With root's home: what it downloads and builds stays out of the caller's.
    exec sudo -H env -u XDG_CACHE_HOME -u XDG_STATE_HOME FLYT_PROGRAM="$flyt" ${LAB_CACHE:+"LAB_CACHE=$LAB_CACHE"} \
        CI="${CI:-}" NO_COLOR="${NO_COLOR:-}" TERM="${TERM:-dumb}" "$0" "${args[@]}"
fi

[ -x "$flyt" ] || { echo "demo: $flyt is not there: ./dev build" >&2; exit 2; }
began=$SECONDS
if [ -z "$folder" ]; then folder=$(mktemp -d "${TMPDIR:-/var/tmp}/flyt-demo.XXXXXX"); else mkdir -p "$folder"; fi
chmod 711 "$folder"
cd "$folder"

bold='' dim='' off=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' off=$'\e[0m'; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$off"; }
note() { printf '%s  %s%s\n' "$dim" "$*" "$off"; }

# session VERB...: the private libvirt. Without our terminal, where virsh would look for polkit and complain.
session() { setsid --wait "$lab/libvirt-session.sh" "$@"; }

clean_up() {
    local status=$?
    trap - EXIT INT TERM
    say "Cleaning up"
    [ ! -e "$folder/libvirt/mode" ] || session stop "$folder/libvirt" 2>&1 | sed 's/^/  /'
    cd /
    if [ -n "$keep" ]; then
        note "kept for a look: $folder"
    else
        rm -rf "$folder"
        note "removed $folder"
    fi
    note "$((SECONDS - began)) s in all; exit status $status"
    exit $status
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# in_net COMMAND...: where the guest's network is, as an operator's workstation would be.
in_net() {
    local pid rest
    read -r pid rest <"$folder/libvirt/libvirtd.pid"
    nsenter --target "$pid" --net -- "$@"
}

# run WORDS...: shows a flyt command and runs it; the demo goes on only when its status is 0.
run() {
    printf '\n%s$ flyt %s%s\n' "$bold" "$*" "$off"
    in_net "$flyt" "$@"
}

say "1. A Linux machine, as VMware would export it"
note "Debian's kernel and packages; boots from /dev/sda; its initramfs knows VMware's controllers and no virtio"
note "the first time they are downloaded, 70 MB, to ${LAB_CACHE:-$HOME/.cache/lab-guests}"
"$lab/make-guest.sh" "$folder/system.raw" --data "$folder/data.raw" --hostname web01 --address 10.0.2.15/24 \
    --gateway 10.0.2.2 2>&1 | sed -u '/^{"disk"/d; s/^/  /'
"$lab/make-ova.sh" "$folder/system.raw" "$folder/data.raw" "$folder/web01.ova" --name web01 --scsi lsilogic --nic E1000 |
    sed -u 's/^/  /'
rm -f "$folder/system.raw" "$folder/data.raw" # from here on the OVA is all there is

say "2. A KVM host of the demo's own, in private namespaces"
session start "$folder/libvirt" --mode system 2>&1 | sed -u '/^stop:/d; s/^/  /'
uri=$(session uri "$folder/libvirt")
setsid --wait virsh -q -c "$uri" pool-create-as machines dir --target "$folder/libvirt/images" >/dev/null
cat >"$folder/network.xml" <<'END'
<network>
  <name>servers</name>
  <bridge name='flytdemo0' stp='off' delay='0'/>
  <dns enable='no'/>
  <ip address='10.0.2.2' netmask='255.255.255.0'/>
</network>
END
setsid --wait virsh -q -c "$uri" net-create "$folder/network.xml" >/dev/null
note "pool machines, network servers (10.0.2.0/24)"

say "3. The site: the only file written by hand"
cat >"$folder/flyt.toml" <<END
[site]
name  = "Demo"
id    = "$(cat /proc/sys/kernel/random/uuid)"
state = "$folder/state"

[move]
from = "export"
to   = "kvm"

[policy]
countries = ["DK", "DE", "FI", "SE"]
control   = ["EU", "EEA"]

[endpoints.export]
driver = "ova"
path   = "$folder/web01.ova"

[endpoints.kvm]
driver = "libvirt"
uri    = "$uri"
accel  = "auto"
ground = { country = "DK", operator = "Demo Kommune", owner = "Demo Kommune", control = ["DK"] }

[map.networks]
"VM Network" = "servers"

[map.storages]
"*" = "machines"

[machines.web01]
boot_timeout = "300 s"
marker = "GUEST-READY"
probes = [ { tcp = "10.0.2.15:22" }, { http = "http://10.0.2.15/hostname", expect = 200 }, { agent = true } ]
END
sed 's/^/  /' "$folder/flyt.toml"

eval "$("$lab/v2v-env.sh")" # a kernel for libguestfs, where /boot has none

say "4. Look, plan, move, prove"
run check
run inventory
run plan -o plan.json
run show plan.json
run apply plan.json
run verify plan.json

say "The files that the conversion changed, by the machine's own count of digests"
in_net curl -s --max-time 120 http://10.0.2.15/cgi-bin/manifest | sed -n 's/^\.\{0,1\}\(.*\): FAILED$/  \1/p'

say "Done: the machine left its OVA and lives on KVM, with the same bytes but for the conversion's."
