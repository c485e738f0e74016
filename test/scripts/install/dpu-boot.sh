#!/bin/sh
# The first process of a DPU in a test: a mount, process and cgroup namespace in which Debian's systemd boots, with
# /etc, /var and /run of its own, sshd and a user core who may sudo. Its process id on the machine goes to stdout.
# Called as: dpu-boot.sh FOLDER ADDRESS, in namespaces of its own. What is in FOLDER outlives a reboot.
set -e
folder=$1 address=$2
read -r pid rest </proc/self/stat
mount --make-rprivate /
units=/lib/systemd/system

if [ ! -d "$folder/etc" ]; then
  cp -a /etc "$folder/etc"
  rm -rf "$folder/etc/systemd/system" "$folder/etc/sudoers.d" "$folder/etc/ssh"
  mkdir -p "$folder/etc/systemd/system/multi-user.target.wants" "$folder/etc/sudoers.d" "$folder/etc/ssh" "$folder/none"
  mkdir -p "$folder/etc/kubernetes/cni/net.d" "$folder/var/lib/cni/bin" "$folder/var/log" "$folder/var/tmp" "$folder/var/home/core"
  ln -s /run "$folder/var/run"
  : >"$folder/etc/fstab"
  echo 'core:x:61000:61000::/var/home/core:/bin/bash' >>"$folder/etc/passwd"
  echo 'core:x:61000:' >>"$folder/etc/group"
  echo 'core:*:19000:0:99999:7:::' >>"$folder/etc/shadow"
  echo 'core ALL=(ALL) NOPASSWD: ALL' >"$folder/etc/sudoers.d/core"
  chown 61000:61000 "$folder/var/home/core"
  cp "$folder/../host_key" "$folder/../host_key.pub" "$folder/../authorized_keys" "$folder/etc/ssh/"
  cat >"$folder/etc/systemd/system/dpu-sshd.service" <<EOT
[Service]
RuntimeDirectory=sshd
ExecStart=/usr/sbin/sshd -D -e -f /dev/null -o ListenAddress=$address -o HostKey=/etc/ssh/host_key -o UsePAM=no \
  -o AuthorizedKeysFile=/etc/ssh/authorized_keys -o StrictModes=no -o "Subsystem=sftp internal-sftp"
EOT
  ln -s ../dpu-sshd.service "$folder/etc/systemd/system/multi-user.target.wants/"
  # They would touch what is the machine's.
  for each in systemd-remount-fs.service systemd-sysctl.service systemd-modules-load.service; do
    ln -s /dev/null "$folder/etc/systemd/system/$each"
  done
fi
mount --bind "$folder/etc" /etc
mount --bind "$folder/var" /var
for each in "$units"/*.target.wants; do mount --bind "$folder/none" "$each"; done
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
mount -t tmpfs tmpfs /run
mkdir -p /run/lock /run/multus/cni/net.d
if [ -d /sys/fs/cgroup/systemd ]; then
  mount -t tmpfs tmpfs /sys/fs/cgroup
  mkdir /sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
else
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
echo "$pid"
container=other exec /lib/systemd/systemd --system --unit=multi-user.target --log-target=console --show-status=no
