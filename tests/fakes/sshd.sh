#!/bin/bash
# sshd.sh DIR [SSHD_CONFIG_LINE...]    an sshd on loopback with keys, users and configuration of its own, until its
#                                      standard input ends; DIR goes away with it if it was made by it. Nothing of this machine's own sshd or ~/.ssh is used or changed
# It prints "port: N", "config: DIR/config" and "ready". `ssh -F DIR/config NAME` then gets in:
#   root@far        root                        /bin/sh; "far" alone is root
#   lander@far      another user, /bin/sh, who may run everything by sudo without a password
#   shells          SHELL-user@far for each of bash, zsh, tcsh, fish that is installed
#   root@stranger   the same port, whose host key is not known;  root@changed   known by another key
#   root@closed     a port where nobody listens
#   barred@far      a user whose shell lets nobody in;           plain@far      one more, /bin/sh, without sudo
# It runs in a mount namespace of its own, where /etc/passwd has these users and /run/sshd is there, whatever else removes
# it; the rest of the file system is this machine's.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,3s/^# //p' "$0"; exit 2; }
if [ -z "${FLYT_SSHD_UNSHARED:-}" ]; then
    [ "$(id -u)" = 0 ] || { echo "needs root: sshd gets a mount namespace of its own"; exit 77; }
    PATH=$PATH:/usr/sbin command -v sshd >/dev/null || { echo "needs sshd"; exit 77; }
    own=no
    [ -d "$1" ] || { mkdir -p "$1" && own=yes; }
    exec env FLYT_SSHD_UNSHARED=$own unshare --mount --propagation private -- "$0" "$(realpath "$1")" "${@:2}"
fi
PATH=$PATH:/usr/sbin
DIR=$1
shift
chmod 711 "$DIR"  # sshd reads authorized_keys as who logs in
cd "$DIR"
umask 022

# /run: everything that is there, and sshd's folder. What landing hosts keep there is shared with this machine.
(umask 077 && mkdir -p /run/flyt)
mkdir -p host-run empty
mount --bind /run host-run
mount -t tmpfs -o mode=755 run /run
for entry in host-run/*; do
    here=/run/${entry##*/}
    if [ -L "$entry" ]; then cp -a "$entry" "$here"
    elif [ -d "$entry" ]; then mkdir -p "$here" && mount --bind "$entry" "$here"
    else touch "$here" && mount --bind "$entry" "$here"
    fi
done
mkdir -p /run/sshd
umount --lazy host-run

# Users, with homes of their own.
uid=64990
cp /etc/passwd passwd
cp /etc/shadow shadow
add_user() {
    mkdir -p "home/$1"
    chown $uid:$uid "home/$1"
    echo "$1:x:$uid:$uid::$DIR/home/$1:$2" >>passwd
    echo "$1:*:19000:0:99999:7:::" >>shadow
    uid=$((uid + 1))
}
# root's own home may hold anything that a login runs.
mkdir -p home/root
sed -i "s|^root:.*|root:x:0:0:root:$DIR/home/root:/bin/sh|" passwd
add_user lander /bin/sh
add_user plain /bin/sh
for shell in bash zsh tcsh fish; do
    path=$(command -v $shell) && add_user $shell-user "$path"
done || :
add_user barred /usr/sbin/nologin
mount --bind passwd /etc/passwd
mount --bind shadow /etc/shadow
if [ -d /etc/sudoers.d ]; then
    mount -t tmpfs -o mode=750 sudoers /etc/sudoers.d
    (umask 337 && echo 'lander ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/lander)
fi

for key in host other user; do
    [ -e $key ] || ssh-keygen -q -t ed25519 -N '' -C "$key of a test" -f $key
done
cp user.pub authorized_keys
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 host.pub)" >known_hosts
echo "changed $(cut -d' ' -f1,2 other.pub)" >>known_hosts
echo "far $(cut -d' ' -f1,2 host.pub)" >>known_hosts
{
    cat <<END
Port $port
ListenAddress 127.0.0.1
HostKey $DIR/host
PidFile $DIR/sshd.pid
AuthorizedKeysFile $DIR/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
MaxSessions 100
LogLevel VERBOSE
END
    printf '%s\n' "$@"
} >sshd_config
cat >config <<END
Match originalhost closed
    Port 1
Match all
    HostName 127.0.0.1
    Port $port
    User root
    IdentityFile $DIR/user
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile $DIR/known_hosts
    GlobalKnownHostsFile /dev/null
    UpdateHostKeys no
Match originalhost far
    HostKeyAlias far
Match originalhost changed
    HostKeyAlias changed
Match originalhost stranger
    HostKeyAlias stranger
END
chmod 600 config

# All that descends from a process, deepest first.
below() {
    local child
    for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
        below "$child"
        echo "$child"
    done
}
finish() {
    trap - EXIT INT TERM HUP
    local all
    all="$(below "$sshd") $sshd"
    kill -KILL $all 2>/dev/null || :
    wait "$sshd" 2>/dev/null || :
    cd /
    [ "$FLYT_SSHD_UNSHARED" = no ] || rm -rf "$DIR"
    exit 0
}
setpriv --pdeathsig TERM "$(command -v sshd)" -D -e -f "$DIR/sshd_config" >"$DIR/sshd.log" 2>&1 </dev/null &
sshd=$!
trap finish EXIT
trap 'exit 143' INT TERM HUP
for ((i = 0; i < 100; i++)); do
    ssh -F "$DIR/config" -o BatchMode=yes far true 2>"$DIR/first.log" </dev/null && break
    kill -0 $sshd 2>/dev/null || { cat "$DIR/sshd.log"; exit 1; }
    sleep 0.05
done
[ $i -lt 100 ] || { cat "$DIR/first.log" "$DIR/sshd.log"; exit 1; }
echo "port: $port"
echo "config: $DIR/config"
echo "sshd: $sshd"
echo ready
exec 3<&0
cat <&3 >/dev/null &
wait $!
