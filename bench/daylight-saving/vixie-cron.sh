# Runs Debian's cron on a clock of its own, in a private view of the file system: sh vixie-cron.sh <packages> <folder> <zone> <start> <speed>
# Started by vixie-cron.ts in namespaces of its own, where mounts change nothing for anybody else. The folder holds the
# crontab; jobs write real time into <folder>/runs, and <folder>/started says at which real time the clock began at <start>.
set -e
packages=$1 folder=$2 zone=$3 start=$4 speed=$5

mount --make-rprivate /
mount -t tmpfs none /run
mount -t tmpfs none /var/spool
mkdir -p /var/spool/cron/crontabs
if [ -e /dev/log ]; then mount --bind /dev/null /dev/log; fi

# No crontab, no setting and no password check of the machine.
mkdir -p "$folder/etc/cron.d" "$folder/etc/pam.d"
cp /etc/passwd /etc/group "$folder/etc"
for kind in auth account session; do echo "$kind required pam_permit.so"; done >"$folder/etc/pam.d/cron"
cp "$folder/crontab" "$folder/etc/crontab"
chown 0:0 "$folder/etc/crontab"
chmod 644 "$folder/etc/crontab"
if [ -e /etc/ld.so.cache ]; then cp /etc/ld.so.cache "$folder/etc"; fi
mount --bind "$folder/etc" /etc

usr=$(echo "$packages"/usr/lib/*-linux-*)
date +%s%N >"$folder/started"
exec env -i LD_LIBRARY_PATH="$usr:${usr%/usr/lib/*}/lib/${usr##*/}" LD_PRELOAD="$usr/faketime/libfaketime.so.1" \
  FAKETIME="@$start x$speed" FAKETIME_FMT=%s TZDIR="$packages/usr/share/zoneinfo" TZ="$zone" \
  "$packages/usr/sbin/cron" -f -L 0
