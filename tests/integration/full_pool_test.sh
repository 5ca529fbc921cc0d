#!/usr/bin/env bash
# The disks run full under a true guest on its way to libvirt: the pool during the copy, the state folder during the
# conversion, the pool again while the conversion is committed. Each time apply says which and what to do, what is on
# the target stays, and the same command goes on when there is room: without converting again where that was done.
OWN_MOUNTS=1
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"
make_ova web01
small_disk "$FOLDER/libvirt/images" 300m
small_disk "$FOLDER/state" 64m
start_libvirt
write_site web01 auto
sed -i 's/^accel .*/&\nlimits = { rate = "8 MiB\/s" }/' flyt.toml # time to fill the pool during the copy
pool=$FOLDER/libvirt/images

same_as_source() {
    local disk n=0
    for disk in $(volumes web01); do
        as_raw "$disk" copy.raw
        cmp copy.raw "web01-$( [ $n = 0 ] && echo system || echo data ).raw" || fail "disk $n differs from the source's"
        n=$((n + 1))
    done
    [ $n = 2 ] || fail "$n disks on the target"
}

expect 0 flyt plan -o plan.json
(
    for ((i = 0; i < 600; i++)); do
        [ "$(find "$pool" -name '*.raw' | wc -l)" != 2 ] || break
        sleep 0.1
    done
    fill "$pool" 16384 2>/dev/null || : # the copy takes the rest meanwhile
) &
expect 1 flyt apply plan.json --until copied
wait
says 'its storage is full'
says "free space on the target's storage"
rm "$pool/ballast"
expect 0 flyt apply plan.json --until copied
same_as_source

# Before it begins, and under it.
for free in 8192 17100; do
    fill "$FOLDER/state" $free
    expect 1 flyt apply plan.json
    cat last.out >>conversions.out
    tr -s ' \n' ' ' <last.out | grep -q "no room for what it changes in $FOLDER/state/overlays/" || fail "it does not say where"
    says 'make room there'
    ! pgrep -af "virt-v2v-in-place .*$FOLDER|qemu-system.*$FOLDER/state" || fail "left running"
    same_as_source
    rm "$FOLDER/state/ballast"
done
[ "$(grep -c 'convert: Converting' conversions.out)" = 1 ] || fail "the second one did not run full under the converter"

fill "$pool" 256
expect 1 flyt apply plan.json
says 'its storage is full'
says "free space on the target's storage"
says 'the conversion is kept'
rm "$pool/ballast"

expect 0 flyt apply plan.json
! grep -q 'running: convert' last.out || fail "converted again"
expect 0 flyt verify plan.json
