# Makes the file system of a container and becomes its process 1. Run in namespaces of its own; the folder has `root`, `etc`, `bin` and
# `mounts`. $1 is the folder, $2 the host name, $3 `ro` where the root is read-only; what follows becomes the process.
set -eu
exec 2>&1
folder=$1 name=$2 root=$1/root how=$3
shift 3
# The number by which the world outside knows us: /proc is still its own.
read -r pid _ </proc/self/stat
echo "$pid" >"$folder/pid"
echo "$name" >/proc/sys/kernel/hostname
mount -t tmpfs -o mode=755 image "$root"
for part in bin lib lib32 lib64 libx32 sbin usr; do
    if [ -L "/$part" ]; then
        cp -P "/$part" "$root/$part"
    elif [ -d "/$part" ]; then
        mkdir "$root/$part"
        mount --bind -o ro "/$part" "$root/$part"
    fi
done
mount --bind -o ro "$folder/bin" "$root/usr/local/bin"
mkdir "$root/mover-restic" "$root/proc" "$root/dev" "$root/etc" "$root/etc/alternatives"
mkdir -m 1777 "$root/tmp"
cp "$folder/entry.sh" "$root/mover-restic/entry.sh"
chmod 755 "$root/mover-restic/entry.sh"
echo "root:x:0:0:root:/root:/bin/sh" >"$root/etc/passwd"
echo "root:x:0:" >"$root/etc/group"
[ ! -d /etc/alternatives ] || mount --bind -o ro /etc/alternatives "$root/etc/alternatives"
mount -t proc proc "$root/proc"
for device in null zero full random urandom; do
    : >"$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
ln -s /proc/self/fd "$root/dev/fd"
tab=$(printf '\t')
while IFS=$tab read -r source target options; do
    mkdir -p "$root$target"
    mount --bind -o "$options" "$source" "$root$target"
done <"$folder/mounts"
[ "$how" != ro ] || mount -o remount,bind,ro "$root"
exec chroot "$root" "$@"
