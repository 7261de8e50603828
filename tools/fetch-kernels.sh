#!/bin/sh
# fetch-kernels.sh OUTDIR: what tests/e2e boots. Debian's own kernel, in its small
# "cloud" flavour, of this machine's release, as vmlinuz-ARCH, and a busybox initrd
# that reports over the console, as initrd-ARCH. ARCH is amd64 and arm64.
#
# Versions are not pinned: a point release removes the old kernel from the archive.
# apt's signature vouches for them; OUTDIR/SOURCE records what they were.
set -eu

fail() { echo "fetch-kernels: $*" >&2; exit 1; }

[ $# = 1 ] || fail "usage: fetch-kernels.sh OUTDIR"
out=$1
tools=$(cd "$(dirname "$0")" && pwd)
cache=${PIXIE_CACHE:-$tools/../.cache}
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

up_to_date() {
	[ -e "$out/SOURCE" ] &&
		[ -z "$(find "$tools/fetch-kernels.sh" "$tools/initrd.py" "$tools/initrd-init" -newer "$out/SOURCE")" ]
}

# The newest file of a package in the cache; the name holds version and arch.
deb() { ls -t "$cache/debs/$1"_*_"$2".deb | head -n 1; }

# fetch ARCH PACKAGE...
fetch() {
	arch=$1
	shift
	"$tools/debs.sh" "$cache" "$suite" "$arch" "$@"
}

# What a network card and a disk of QEMU's take, in the order of loading.
modules='virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci
	failover net_failover virtio_net virtio_blk'

# module_files FOLDER: their paths, numbered so that they sort in this order.
module_files() {
	number=10
	for module in $modules; do
		from=$(find "$1/lib/modules" -name "$module.ko")
		[ -n "$from" ] || continue # built in
		mv "$from" "$1/$number-$module.ko"
		echo "$1/$number-$module.ko"
		number=$((number + 1))
	done
}

add() {
	arch=$1 meta=linux-image-cloud-$1
	fetch "$arch" "$meta" busybox-static
	# "linux-image-6.1.0-50-cloud-amd64 (= 6.1.176-1)"
	kernel=$(dpkg-deb -f "$(deb "$meta" "$arch")" Depends | cut -d' ' -f1)
	[ -n "$(deb "$kernel" "$arch" 2>/dev/null)" ] || fetch "$arch" "$kernel"

	dpkg-deb -x "$(deb busybox-static "$arch")" "$new/$arch"
	dpkg-deb --fsys-tarfile "$(deb "$kernel" "$arch")" |
		tar -x -C "$new/$arch" --wildcards './boot/vmlinuz-*' './lib/modules/*/virtio*.ko' \
			'./lib/modules/*/*failover.ko'
	cp "$new/$arch"/boot/vmlinuz-* "$new/out/vmlinuz-$arch"
	/usr/bin/python3 "$tools/initrd.py" "$new/$arch/bin/busybox" "$tools/initrd-init" "$new/out/initrd-$arch" \
		$(module_files "$new/$arch")
	sha256sum "$(deb "$kernel" "$arch")" "$(deb busybox-static "$arch")" |
		sed 's|  .*/|  |' >>"$new/out/SOURCE"
}

up_to_date && exit 0
mkdir -p "$(dirname "$out")" "$cache"
new=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$new"' EXIT
mkdir "$new/out"
add amd64
add arm64
rm -rf "$out"
mv "$new/out" "$out"
