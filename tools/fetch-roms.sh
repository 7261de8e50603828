#!/bin/sh
# fetch-roms.sh OUTDIR: iPXE's ROMs from Debian's package `ipxe`, under the names
# pixie serves, and OUTDIR/SOURCE that says where they come from. OUTDIR appears
# whole or not at all; the package is kept in .cache, so the second time is offline.
set -eu

version='1.21.1+git20250501.dad20602+dfsg-1'
suite=trixie
deb=ipxe_${version}_all.deb

fail() { echo "fetch-roms: $*; or give your own: meson configure BUILD -Droms=DIR" >&2; exit 1; }

[ $# = 1 ] || { echo "usage: fetch-roms.sh OUTDIR" >&2; exit 1; }
out=$1
tools=$(cd "$(dirname "$0")" && pwd)
cache=${PIXIE_CACHE:-$tools/../.cache}
sums=$tools/roms.sha256

# check DIR FILE...: each FILE in DIR has the hash roms.sha256 pins for it.
check() (
	cd "$1" || exit
	shift
	for file; do
		grep -F "  $file" "$sums" || echo "$file is not pinned"
	done | sha256sum --status --strict -c - 2>/dev/null
)

have_package() { [ -f "$cache/debs/$deb" ] && check "$cache/debs" "$deb"; }

# Our name, then Debian's. Debian has no arm64 snponly: its full ipxe-arm64.efi
# attaches through SNP and stands in under that name.
roms='
undionly.kpxe      undionly.kpxe
snponly64.efi      snponly.efi
ipxe64.efi         ipxe-amd64.efi
ipxe-arm64.efi     ipxe-arm64.efi
snponly-arm64.efi  ipxe-arm64.efi
ipxe-riscv64.efi   ipxe-riscv64.efi
ipxe-loong64.efi   ipxe-loong64.efi
'

unpack() {
	dpkg-deb -x "$cache/debs/$deb" "$new/deb"
	echo "$roms" | while read -r ours debians; do
		[ -z "$ours" ] || cp "$new/deb/usr/lib/ipxe/$debians" "$new/roms/$ours"
	done
	chmod 644 "$new"/roms/*
	(cd "$new/roms" && check . *) || fail "a ROM in $deb differs from tools/roms.sha256"
	echo "Debian ipxe $version ($suite)" >"$new/roms/SOURCE"
}

mkdir -p "$cache" "$(dirname "$out")"
have_package || "$tools/debs.sh" "$cache" "$suite" amd64 "ipxe=$version" ||
	fail "cannot fetch Debian's package ipxe"
have_package || fail "the hash of $deb differs from tools/roms.sha256"

new=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$new"' EXIT
mkdir "$new/roms"
unpack
rm -rf "$out"
mv "$new/roms" "$out"
