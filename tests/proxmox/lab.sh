# Sourced by tests that move machines to or from a Proxmox VE: what tests/integration/lab.sh has, and the imitated one.
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lab.sh"
flyt() { "$FLYT_PROGRAM" "$@"; }

# start_proxmox [FLAG...]: emulating; writes the token's value into pve.secret.
start_proxmox() {
    coproc PVE { python3 "$FLYT_SOURCE/tests/fakes/proxmox/pve.py" --exit-with-stdin --state "$FOLDER/pve" --fast-401 --tcg "$@"; }
    read -r pve_ready <&"${PVE[0]}"
    (umask 077 && pve_told token | cut -d= -f2 >pve.secret)
}
pve_told() { jq -r ".$1" <<<"$pve_ready"; }

# another_proxmox: a second cluster, which the functions here speak of from then on; its token's value is in pve2.secret. What
# the first one said of itself is in $first_pve.
another_proxmox() {
    first_pve=$pve_ready
    mkfifo pve2.hold pve2.ready
    python3 "$FLYT_SOURCE/tests/fakes/proxmox/pve.py" --exit-with-stdin --state "$FOLDER/pve2" --fast-401 --tcg <pve2.hold >pve2.ready &
    second_pid=$!
    exec {second_hold}>pve2.hold
    read -r pve_ready <pve2.ready
    (umask 077 && pve_told token | cut -d= -f2 >pve2.secret)
}

# api METHOD PATH [curl's options...]: as another client of the API, by the same token.
api() {
    local method=$1 path=$2
    shift 2
    curl -sf --cacert "$(pve_told ca)" -X "$method" -H "Authorization: PVEAPIToken=$(pve_told token)" "$(pve_told url)/api2/json$path" "$@"
}
# config VMID: what the machine is made of.
config() { api GET "/nodes/pve1/qemu/$1/config" | jq .data; }
# vmid_of NAME
vmid_of() { api GET "/nodes/pve1/qemu" | jq -r --arg name "$1" '.data[] | select(.name == $name) | .vmid'; }
# path_of VOLUME: where it lies.
path_of() {
    local storage=${1%%:*}
    api GET "/nodes/pve1/storage/$storage/content/$(jq -rn --arg v "$1" '$v|@uri')" | jq -r .data.path
}

# copy_begins LOG: waits until flyt, which prints there, has a disk open on a node.
copy_begins() {
    local i
    for ((i = 0; i < 600; i++)); do
        pgrep -f "qemu-nbd .*$FOLDER/pve" >/dev/null && return
        sleep 0.05
    done
    cat "$1"
    fail "no copy began"
}

# proxmox_endpoint NAME [LINE...]: of the cluster whose secret is $pve_secret.
pve_secret=pve.secret
proxmox_endpoint() {
    cat <<END
[endpoints.$1]
driver = "proxmox"
url = "$(pve_told url)"
token = "$(pve_told token | cut -d= -f1)"
secret = { file = "$pve_secret" }
fingerprint = "$(pve_told fingerprint)"
landing = "ssh"
ssh = "{node}"
ssh_config = "$(pve_told nodes.pve1.ssh.config)"
accel = "tcg"
$TEST_GROUND
END
    shift
    [ $# = 0 ] || printf '%s\n' "$@"
}

# export_to_proxmox NAME: how a flyt.toml begins that moves NAME.ova to the endpoint pve.
export_to_proxmox() {
    cat <<END
$(export_head "$1" pve)
$(proxmox_endpoint pve 'vmids = "9000-9999"')
[map.pve.networks]
"VM Network" = "vmbr0"
[map.pve.storages]
"*" = "data"
END
}

stop_proxmox() {
    exec {PVE[1]}>&-
    wait "$PVE_PID" || fail "the imitated Proxmox VE ended with $?"
}
stop_second() {
    exec {second_hold}>&-
    wait "$second_pid" || fail "the second one ended with $?"
}
