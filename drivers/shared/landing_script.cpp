#include "drivers/shared/landing_script.hpp"

namespace flyt {

// Needs: sh, coreutils, flock and setpriv of util-linux, qemu-nbd.
//
// Every holder has a record `PLACE.h.PID`, PLACE standing for the disk: its first line is "id epoch
// use opening", each other one "pid start-time". The holder's shell and its qemu-nbd share one
// flock on it: a record that can be locked is stale, whatever processes have its numbers now.
// `PLACE.gate` is held while deciding who may hold; records, and the gate after the last of them,
// are only removed by who holds that.
//
// `e-ID` holds the least epoch of a migration that may still open something on this host, once the
// machine was found on another one; it goes with the next start, like all in /run.
//
// Records lie in one folder for each user, in a place that lasts longer than a session. Users do
// not see each other's: what keeps those apart is a flock on the disk itself, shared for who reads
// a disk that is not ours. Over a network flock becomes a lock of the kind that qemu-nbd takes, and
// would shut it out: there it is left to qemu-nbd.
const std::string_view landing_script = R"sh(set -eu
umask 077
use=$1 disk=$2 format=$3 id=$4 epoch=$5 socket=$6 clients=$7 shared=$8 look=$9
shift 9
opening=$1 over=$2 snapshot=$3
trap '' PIPE  # what cannot be said any more must not keep the end from being orderly

record='' place='' inside='' taken=''
die() { word=$1; shift; echo "flyt-landing: $word: $*" >&2 || :; leave; exit 3; }
born() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
identity() { stat -L -c '%d %i %s %.9Z' "$disk"; }

# Waits at the gate, at most so long; one that was removed meanwhile is none.
enter() {
    while :; do
        exec 8>"$place.gate"
        flock -w "$1" 8 || return 1
        [ "$(stat -c %i - <&8)" != "$(stat -c %i "$place.gate" 2>/dev/null)" ] || break
    done
    inside=yes
}

# Takes our record away, and the gate with the last one; who has ended us does that himself.
leave() {
    [ -z "$taken" ] && [ -n "$record$inside" ] || return 0
    [ -n "$inside" ] || enter 2 || return 0
    [ -z "$record" ] || rm -f "$record"
    for other in "$place".h.*; do [ ! -e "$other" ] || return 0; done
    rm -f "$place.gate"
}

for program in flock setpriv qemu-nbd stat sed cut; do
    command -v "$program" >/dev/null || die unsupported "there is no $program on this host"
done
if [ "$(id -u)" = 0 ]; then folder=/run/flyt; else folder=/var/tmp/flyt-$(id -u); fi
mkdir -p "$folder" || die denied "cannot make $folder"
[ -O "$folder" ] && [ ! -L "$folder" ] || die denied "$folder belongs to somebody else"

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
    for its in "$place".h.*; do
        [ -e "$its" ] || continue
        if (flock -n 7) 7<"$its"; then rm -f "$its"; continue; fi
        read -r its_id its_epoch its_use its_opening <"$its" || :
        holder="the $its_use of migration $its_id, epoch $its_epoch, process $(sed -n '2s/ .*//p' "$its")"
        if [ -n "$its_opening" ] && [ -z "${over##* "$its_opening" *}" ]; then
            end_holder "$its" "$holder"
        elif [ "$its_id" != "$id" ]; then
            [ "$use" = fence ] || [ "$its_use$use" = readread ] || die busy "$disk is held by $holder"
        elif [ "$its_epoch" -gt "$epoch" ]; then
            die newer "$disk is held by $holder"
        elif [ "$its_epoch" -lt "$epoch" ]; then
            end_holder "$its" "$holder"
        elif [ "$use" = fence ] || [ "$its_use$use" = writewrite ]; then
            die busy "$disk is held by $holder"
        fi
    done
}

# A higher epoch has fenced this host. Looked at once our record is there: who fences sees that, or
# we see this.
overtaken() {
    [ -r "$folder/e-$id" ] && read -r least <"$folder/e-$id" && [ "$least" -gt "$epoch" ]
}

if [ "$use" = fence ]; then
    ! overtaken || die newer "epoch $least has fenced this host ($folder/e-$id)"
    echo "$epoch" >"$folder/e-$id.$$" && mv "$folder/e-$id.$$" "$folder/e-$id" ||
        die denied "cannot write in $folder"
    for its in "$folder"/[bf]-*.h.*; do
        [ -e "$its" ] || continue
        its_id=''
        read -r its_id its_rest <"$its" || :
        [ "$its_id" = "$id" ] || continue
        place=${its%.h.*} disk='a disk here'
        enter 60 || die unavailable "another process is opening $place and does not get on"
        admit
        leave
        exec 8>&-
        inside=''
    done
    exit 0
fi

[ -e "$disk" ] || die not_found "$disk is not there, or its folder is closed to user $(id -un)"
if [ -b "$disk" ]; then
    place=$folder/b-$(stat -L -c '%t-%T' "$disk") protocol=host_device
else
    place=$folder/f-$(stat -L -c '%d-%i' "$disk") protocol=file
fi

enter 60 || die unavailable "$disk: another process is opening it and does not get on"
admit
case $(stat -f -L -c %T "$disk") in
    nfs* | cifs | smb* | fuse* | v9fs | afs | UNKNOWN*) ;;
    *)
        lock=''
        [ "$use" = read ] || lock=-x
        [ "$use$shared" != readno ] || lock=-s
        if [ -n "$lock" ] && [ -r "$disk" ]; then
            exec 6<"$disk"
            flock "$lock" -w 3 6 || die busy "$disk is locked by another program, perhaps another user's flyt"
        fi
        ;;
esac
record=$place.h.$$
exec 9>"$record"
flock -n 9 || die busy "$disk: $record is locked"
echo "$id $epoch $use $opening" >&9
echo "$$ $(born $$)" >&9
! overtaken || die newer "epoch $least has fenced this host ($folder/e-$id)"

readonly='' cache=writeback options=driver=$format,file.driver=$protocol
if [ "$use" = read ]; then
    readonly=-r
    # Not through the writer's page cache, where the file system can do that.
    ! dd if="$disk" of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null || cache=none
    [ "$shared" = no ] || options=$options,force-share=on
fi
options=$options,file.filename=$(printf %s "$disk" | sed 's/,/,,/g')

map=''
# A disk that is one hole has one extent: its line begins and ends the list.
case $look in
    no) ;;
    yes) map=$( (trap - PIPE; exec qemu-img map -U --output=json -f "$format" "$disk" 2>/dev/null) | head -n 1) ;;
    *) map=$( (trap - PIPE; exec sh -c "$look" flyt-landing "$disk" 2>/dev/null) | head -n 1) ;;
esac

inner=''
[ -z "$snapshot" ] || inner="--load-snapshot=snapshot.name=$snapshot"

before=$(identity)
exec 3<&0
rm -f "$socket.new" "$socket.pid"
setpriv --pdeathsig TERM qemu-nbd $readonly --persistent --socket="$socket.new" --shared="$clients" \
    --pid-file="$socket.pid" --cache=$cache --discard=unmap --detect-zeroes=off \
    ${inner:+"$inner"} --image-opts "$options" </dev/null >&2 8>&- 3<&- &
server=$!
stopped=''
trap 'stopped=yes; kill -TERM "$server" 2>/dev/null || :' TERM INT
trap 'stopped=yes taken=yes; kill -TERM "$server" 2>/dev/null || :' HUP
echo "$server $(born $server)" >&9

# qemu-nbd writes its process id when it serves.
until [ -s "$socket.pid" ]; do
    kill -0 "$server" 2>/dev/null || die unavailable "qemu-nbd cannot serve $disk"
    sleep 0.02
done
# Who may connect is whose folder it is.
[ -O "${socket%/*}" ] || chown --reference="${socket%/*}" "$socket.new"
mv "$socket.new" "$socket"
exec 8>&-
echo "flyt-landing: serves $map" || :
inside=''

if [ -z "$stopped" ]; then
    cat <&3 >/dev/null 9>&- 6<&- &
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
[ "$use$shared$protocol" != readnofile ] || [ "$(identity 2>/dev/null)" = "$before" ] ||
    die changed "$disk is not the file that was opened, or was written to"
leave
)sh";

// Needs: sh, coreutils; where they are there, flock, setpriv and find. Nothing here is root's: with
// sudo, the socket's folder must be open to whom sshd runs as.
//
// sshd learns of a connection that was cut only when it has something to send, or hours later. So
// something is sent: a network that comes back answers it with a reset, one that does not lets TCP
// give up in a quarter of an hour. It is read by the client's kernel, so that a client that was
// stopped for a while loses nothing.
const std::string_view landing_carrier = R"sh(umask 077
folder=$1
shift
# Left by those that were killed: nobody holds its lock.
find /tmp -maxdepth 1 -type d -name 'flyt-carried-*' -user "$(id -u)" -mmin +1 2>/dev/null |
    while read -r old; do
        (flock -n 5) 5<"$old/lock" 2>/dev/null && rm -rf "$old"
    done
mkdir "$folder" || exit 3
exec 5>"$folder/lock"
flock 5 2>/dev/null || :
pulse='while sleep 15 >/dev/null 2>&1; do echo || exit; done'
if command -v setpriv >/dev/null; then
    setpriv --pdeathsig TERM sh -c "$pulse" 2>/dev/null 5>&- &
else
    sh -c "$pulse" 2>/dev/null 5>&- &
fi
pulse=$!
status=0
"$@" || status=$?
kill "$pulse" 2>/dev/null
rm -rf "$folder"
exit "$status"
)sh";

}  // namespace flyt
