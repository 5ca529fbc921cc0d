#!/usr/bin/env bash
# The disk of the state folder is full, at one point of the work after another, and so is the target's: apply says what
# failed and what to do, loses nothing, and goes on when there is room. Judged by cmp, not by flyt.
OWN_MOUNTS=1
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
flyt() { "$FLYT_PROGRAM" "$@"; }

# new_world [MACHINES]: of two machines with three disks, 99 MiB together, in a folder of its own.
new_world() {
    world=$(mktemp -d "$FOLDER/world.XXXXXX")
    cp -r "$FLYT_SOURCE"/examples/memory/. "$world"
    cd "$world"
    sed -i 's/"size_bytes": 4194304/"size_bytes": 50331648/; s/"size_bytes": 6291456/"size_bytes": 50331648/' source/world.json
    expect 0 flyt plan -o plan.json --select "${1:-web01,db01}"
}

# goes_on DISK...: the same command ends with these on the target.
goes_on() {
    expect 0 flyt apply plan.json
    local disk
    for disk; do
        IFS=/ read -r name id number <<<"$disk"
        cmp "source/disks/_$name/_disk$number.raw" target/disks/*"$id/_disk$number.raw" || fail "$disk differs"
    done
    ! pgrep -af "nbdkit .*$world" || fail "left running"
}

all_disks=(web01/0001/0 db01/0002/0 db01/0002/1)

# From where the journal cannot be made to where most of it has room.
journal=''
for free in 0 60 92 120 150 180 220 260; do
    new_world
    small_disk state 4m
    fill state $free
    expect 1 flyt apply plan.json
    case $(tr -s ' \n' ' ' <last.out) in
    *'the journal cannot be used'*"make room in $world/state (df -h shows it), then run the same command again"*) journal=1 ;;
    *"cannot write $world/state/manifests/"*'No space left on device'*'make room there'*) ;;
    *) fail "it does not say what failed and what to do" ;;
    esac
    rm state/ballast
    goes_on "${all_disks[@]}"
    umount state
done
[ -n "$journal" ] || fail "the journal never was short of room"

# The manifests alone.
new_world
small_disk state/manifests 8k
chmod 700 state
expect 1 flyt apply plan.json
says 'No space left on device'
says 'make room there'
mount -o remount,size=1m state/manifests
goes_on "${all_disks[@]}"
umount state/manifests

# The target. One machine: another one that is being looked at meanwhile may not find room for its state there either,
# and its end is another.
new_world db01
cp -r target was
small_disk target 50m
cp -r was/. target
expect 1 flyt apply plan.json
says 'its storage is full'
says "free space on the target's storage"
mount -o remount,size=200m target
goes_on db01/0002/0 db01/0002/1
expect 0 flyt verify plan.json
