#include "drivers/shared/landing_script.hpp"

namespace flyt {

// Needs: sh, coreutils, flock and setpriv of util-linux, qemu-nbd.
//
// Every holder has a record `h.PID` in the disk's folder: its first line is "id epoch use", each
// other one "pid start-time". The holder's shell and its qemu-nbd share one flock on it: a record
// that can be locked is stale, whatever processes have its numbers now. `gate` is held while
// deciding who may hold, and a record is only removed by who holds that.
const std::string_view landing_script = R"sh(set -eu
umask 077
use=$1 disk=$2 format=$3 id=$4 epoch=$5 socket=$6 user=$7 clients=$8 shared=$9

die() { word=$1; shift; echo "flyt-landing: $word: $*" >&2; exit 3; }
born() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

for program in flock setpriv qemu-nbd stat sed cut; do
    command -v "$program" >/dev/null || die unsupported "there is no $program on this host"
done
if [ "$(id -u)" = 0 ]; then folder=/run/flyt
elif [ -O "/run/user/$(id -u)" ]; then folder=/run/user/$(id -u)/flyt
else folder=/tmp/flyt-$(id -u); fi
mkdir -p "$folder" || die denied "cannot make $folder"
[ -O "$folder" ] && [ ! -L "$folder" ] || die denied "$folder belongs to somebody else"
[ -e "$disk" ] || die not_found "$disk is not there, or its folder is closed to user $(id -un)"
if [ -b "$disk" ]; then
    folder=$folder/b-$(stat -L -c '%t-%T' "$disk") protocol=host_device
else
    folder=$folder/f-$(stat -L -c '%d-%i' "$disk") protocol=file
fi
mkdir -p "$folder"

signal_all() {
    while read -r pid start; do
        [ "$(born "$pid")" != "$start" ] || kill -"$1" "$pid" 2>/dev/null || :
    done
}

end_holder() {
    # The hangup tells it who is behind its end; it then ends its server.
    sed -n 2p "$1" | signal_all HUP
    if (flock -w 10 7) 7<"$1"; then rm -f "$1"; return; fi
    sed 1d "$1" | signal_all KILL
    if (flock -w 10 7) 7<"$1"; then rm -f "$1"; return; fi
    die unavailable "$disk: could not end $2"
}

admit() {
    for record in "$folder"/h.*; do
        [ -e "$record" ] || continue
        if (flock -n 7) 7<"$record"; then rm -f "$record"; continue; fi
        read -r its_id its_epoch its_use <"$record" || :
        holder="the $its_use of migration $its_id, epoch $its_epoch, process $(sed -n '2s/ .*//p' "$record")"
        if [ "$its_id" != "$id" ]; then
            [ "$its_use$use" = readread ] || die busy "$disk is held by $holder"
        elif [ "$its_epoch" -gt "$epoch" ]; then
            die newer "$disk is held by $holder"
        elif [ "$its_epoch" -lt "$epoch" ]; then
            end_holder "$record" "$holder"
        elif [ "$its_use$use" = writewrite ]; then
            die busy "$disk is held by $holder"
        fi
    done
}

exec 8>"$folder/gate"
flock -w 60 8 || die unavailable "$disk: another process is opening it and does not get on"
admit
record=$folder/h.$$
exec 9>"$record"
flock -n 9 || die busy "$disk: $record is locked"
echo "$id $epoch $use" >&9
echo "$$ $(born $$)" >&9

readonly='' cache=writeback options=driver=$format,file.driver=$protocol
if [ "$use" = read ]; then
    readonly=-r
    # Not through the writer's page cache, where the file system can do that.
    ! dd if="$disk" of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null || cache=none
    [ "$shared" = no ] || options=$options,force-share=on
fi
options=$options,file.filename=$(printf %s "$disk" | sed 's/,/,,/g')

exec 3<&0
rm -f "$socket.new" "$socket.pid"
setpriv --pdeathsig TERM qemu-nbd $readonly --persistent --socket="$socket.new" --shared="$clients" \
    --pid-file="$socket.pid" --cache=$cache --discard=unmap --detect-zeroes=off \
    --image-opts "$options" </dev/null >&2 8>&- 3<&- &
server=$!
stopped='' taken=''
trap 'stopped=yes; kill -TERM "$server" 2>/dev/null || :' TERM INT
trap 'stopped=yes taken=yes; kill -TERM "$server" 2>/dev/null || :' HUP
echo "$server $(born $server)" >&9

# qemu-nbd writes its process id when it serves.
until [ -s "$socket.pid" ]; do
    if ! kill -0 "$server" 2>/dev/null; then
        rm -f "$record"
        die unavailable "qemu-nbd cannot serve $disk"
    fi
    sleep 0.02
done
[ "$user" = "$(id -u)" ] || chown "$user" "$socket.new"
mv "$socket.new" "$socket"
exec 8>&-

if [ -z "$stopped" ]; then
    cat <&3 >/dev/null 9>&- &
    watch=$!
    exec 3<&-
    wait "$watch" || :
    kill "$watch" 2>/dev/null || :
fi
kill -TERM "$server" 2>/dev/null || :
status=0
while :; do
    wait "$server" && status=0 || status=$?
    kill -0 "$server" 2>/dev/null || break
done
# A late signal to the group must not end the programs below.
trap '' TERM INT HUP
# A wait that a signal has broken off says nothing of the server; its own status is kept.
[ "$status" -le 128 ] || { wait "$server" && status=0 || status=$?; }
[ "$status" = 0 ] || die unavailable "qemu-nbd ended with status $status"
[ "$use" = read ] || sync "$disk" || die unavailable "$disk could not be synced"
[ -z "$taken" ] || die newer "a higher epoch has ended this one"
# Whoever is at the gate may be reading the record, and sweeps it away.
exec 8>"$folder/gate"
! flock -n 8 || rm -f "$record"
)sh";

}  // namespace flyt
