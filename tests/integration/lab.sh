# Sourced by the scripts beside it: a true guest as an OVA, a private libvirt and a site, in a folder that goes away when
# the script succeeds and is kept, and named, when it fails. Defines GUESTS, FOLDER, URI, in_net, flyt, expect.
[ -z "${GUESTS:-}" ] || return 0 # sourced by more than one
set -euo pipefail
if [ "$(id -u)" != 0 ]; then
    echo "needs root: a private libvirt in namespaces of its own"
    exit 77
fi
# OWN_MOUNTS=1 before this is sourced: what the script mounts is gone with it, however it ends.
if [ -n "${OWN_MOUNTS:-}" ] && [ -z "${FLYT_UNSHARED:-}" ]; then
    exec env FLYT_UNSHARED=1 unshare --mount -- "$0" "$@"
fi
GUESTS=$FLYT_SOURCE/tests/lab/guests
FOLDER=$(mktemp -d "${TMPDIR:-/var/tmp}/flyt-integration.XXXXXX")
chmod 711 "$FOLDER"
cd "$FOLDER"

finish() {
    local status=$?
    trap - EXIT INT TERM
    [ ! -e libvirt/mode ] || "$GUESTS/libvirt-session.sh" stop "$FOLDER/libvirt" >/dev/null 2>&1 || :
    cd /
    [ -z "${OWN_MOUNTS:-}" ] || awk -v below="$FOLDER/" 'index($2, below) == 1 {print $2}' /proc/mounts | xargs -r umount --lazy
    if [ $status = 0 ]; then rm -rf "$FOLDER"; else echo "kept: $FOLDER"; fi
    exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

fail() { echo "FAILED: $*"; exit 1; }

# expect STATUS COMMAND...: runs it, shows its output, fails on any other status.
expect() {
    local wanted=$1 got=0
    shift
    echo "\$ $*"
    "$@" >last.out 2>&1 || got=$?
    cat last.out
    [ "$got" = "$wanted" ] || fail "status $got instead of $wanted: $*"
}

# says TEXT: the last command printed it.
says() { grep -qF -- "$1" last.out || fail "not printed: $1"; }

# kill_flyt PID: kill -9 of the flyt that a background command of this shell is or has as a child, and of nothing else.
kill_flyt() {
    local pid=$1
    while [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != flyt ]; do
        pid=$(pgrep -P "$pid" | head -n 1)
        [ -n "$pid" ] || fail "it has ended before it was killed"
    done
    kill -KILL "$pid"
    wait "$1" || :
}

# in_net COMMAND...: in the network where the guest is.
in_net() {
    local pid rest
    read -r pid rest <"$FOLDER/libvirt/libvirtd.pid"
    nsenter --target "$pid" --net -- "$@"
}
flyt() { in_net "$FLYT_PROGRAM" "$@"; }

# small_disk FOLDER SIZE: a file system of that size. Of a script with OWN_MOUNTS.
small_disk() {
    mkdir -p "$1"
    mount -t tmpfs -o "size=$2,mode=700" small "$1"
}

# fill FOLDER KIB: leaves that much free there.
fill() {
    local free
    free=$(df -k --output=avail "$1" | tail -n 1)
    head -c $(((free - $2) * 1024)) /dev/zero >"$1/ballast"
}

# make_ova NAME [make-guest.sh options]: NAME.ova, with NAME-system.raw and NAME-data.raw as it was made from.
make_ova() {
    local name=$1 firmware=bios
    shift
    case " $* " in *' --firmware uefi '*) firmware=efi ;; esac
    "$GUESTS/make-guest.sh" "$FOLDER/$name-system.raw" --data "$FOLDER/$name-data.raw" --hostname "$name" "$@"
    "$GUESTS/make-ova.sh" "$FOLDER/$name-system.raw" "$FOLDER/$name-data.raw" "$FOLDER/$name.ova" --name "$name" \
        --firmware $firmware
}

start_libvirt() {
    "$GUESTS/libvirt-session.sh" start "$FOLDER/libvirt" --mode system
    URI=$("$GUESTS/libvirt-session.sh" uri "$FOLDER/libvirt")
    virsh -q -c "$URI" pool-create-as machines dir --target "$FOLDER/libvirt/images"
    cat >network.xml <<'END'
<network><name>servers</name><bridge name='flyttest0' stp='off' delay='0'/><dns enable='no'/>
<ip address='10.0.2.2' netmask='255.255.255.0'/></network>
END
    virsh -q -c "$URI" net-create network.xml
    eval "$("$GUESTS/v2v-env.sh")"
}

TEST_GROUND='ground = { country = "DK", operator = "Test Kommune", owner = "Test Kommune", control = ["DK"] }'

# site_head: how a flyt.toml begins.
site_head() {
    cat <<END
[site]
name  = "Integration"
id    = "$(cat /proc/sys/kernel/random/uuid)"
state = "$FOLDER/state"
[policy]
countries = ["DK"]
control   = ["EU"]
END
}

# export_head NAME TARGET: how one begins that moves NAME.ova.
export_head() {
    cat <<END
$(site_head)
[move]
from = "export"
to   = "$2"
[endpoints.export]
driver = "ova"
path   = "$FOLDER/$1.ova"
END
}

# write_site NAME CONVERT: flyt.toml for NAME.ova.
write_site() {
    cat >flyt.toml <<END
$(export_head "$1" kvm)
[endpoints.kvm]
driver = "libvirt"
uri    = "$URI"
accel  = "tcg"
$TEST_GROUND
[map.networks]
"VM Network" = "servers"
[map.storages]
"*" = "machines"
[machines.$1]
convert = "$2"
boot_timeout = "${3:-300 s}"
marker = "GUEST-READY"
probes = [ { tcp = "10.0.2.15:22" }, { http = "http://10.0.2.15/hostname" }, { agent = true } ]
END
}

# volumes NAME: the target's disks of the machine, in order, as files.
volumes() { virsh -q -c "$URI" domblklist "$1" | awk '{print $2}'; }

# as_raw FILE OUT: the content of a target's disk.
as_raw() { qemu-img convert -U -O raw "$1" "$2"; }
