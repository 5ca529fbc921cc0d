# Sourced by tests that move machines out of a vSphere: what tests/integration/lab.sh has, and a vSphere of tests/lab.
. "$(dirname "${BASH_SOURCE[0]}")/../integration/lab.sh"
"$FLYT_SOURCE/tests/lab/vsphere/build.sh" "$FLYT_SOURCE/build/vsphere" >&2 || {
    status=$?
    echo "the vSphere of tests/lab cannot be built here"
    exit $status
}
flyt() { "${around[@]}" "$FLYT_PROGRAM" "$@"; }

# start_vsphere [COMMAND...]: with machines.json; COMMAND runs it, and flyt and what asks it. Writes password and the target `shelf`.
start_vsphere() {
    around=("$@")
    coproc VSPHERE { "${around[@]}" "$FLYT_SOURCE/build/vsphere/vcsimx" -exit-with-stdin -machines machines.json; }
    read -r ready <&"${VSPHERE[0]}"
    control=$(told controlUrl)
    (umask 077 && told password >password)
    cp -r "$FLYT_SOURCE/examples/memory/target" shelf
}
told() { jq -r ".$1" <<<"$ready"; }
ask() { "${around[@]}" curl -sf "$@"; }

# vsphere_site: the head of flyt.toml, with the policy and the target `shelf`.
vsphere_site() {
    site_head
    cat <<END
[endpoints.shelf]
driver = "memory"
world  = "shelf"
$TEST_GROUND
END
}

# vsphere_endpoint NAME [LINE...]: the source.
vsphere_endpoint() {
    cat <<END
[endpoints.$1]
driver = "vsphere"
url = "$(told url)"
user = "$(told username)"
password = { file = "password" }
fingerprint = "$(told fingerprint)"
END
    shift
    [ $# = 0 ] || printf '%s\n' "$@"
}

# same_as_live MACHINE NUMBER FILE: the disk, as the guest has it now.
same_as_live() {
    local theirs ours
    theirs=$(ask "$control/sha256?vm=$1&disk=$2&what=live" | jq -r .sha256)
    ours=$(sha256sum <"$3" | cut -d' ' -f1)
    [ "$theirs" = "$ours" ] || fail "$3 of $1 differs: $theirs $ours"
}

# left_on_source: what differs from the start, as JSON.
left_on_source() { ask "$control/baseline" | jq -c .differences; }

stop_vsphere() {
    exec {VSPHERE[1]}>&-
    wait "$VSPHERE_PID" || fail "vcsimx ended with $?"
}
