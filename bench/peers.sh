#!/bin/sh
# peers.sh DIR: puts into DIR the peers that cannot simply be installed: the two Go
# servers, built offline from Debian's packages, and atftpd, which conflicts with
# tftpd-hpa, unpacked.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"
for name in tftp http; do
	[ go-$name -nt "$here/go/$name.go" ] && continue
	GOCACHE="$PWD/go-cache" GO111MODULE=off GOPATH=/usr/share/gocode \
		go build -o go-$name "$here/go/$name.go"
done
if [ ! -x atftpd ]; then
	apt-get -q download atftpd >apt.log 2>&1 || { cat apt.log >&2; exit 1; }
	dpkg -x atftpd_*.deb atftpd-root
	ln -sf atftpd-root/usr/sbin/atftpd atftpd
fi
