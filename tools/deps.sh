#!/bin/sh
# Installs what is missing: `tools/deps.sh build` for ./run, `tools/deps.sh test` for ./test,
# `tools/deps.sh bench` for make bench.
# Nothing missing means nothing done: no root, no network, a few milliseconds.
set -eu

# One package a line, the reason behind it. A line may be moved, not split.
build_packages='
	gcc                     # the compiler
	libc6-dev               # headers and static libc
	meson                   # the build
	ninja-build             # what meson drives
	pkg-config              # how meson finds libevent and nettle
	libevent-dev            # loop, timers, signals; holds the static library
	libsqlite3-dev          # states and history
	nettle-dev              # SHA-256
	libjansson-dev          # JSON of the API
	python3                 # meson runs in it, and small steps of the build
	ca-certificates         # a mirror may be https
	debian-archive-keyring  # checks the ROM package (tools/debs.sh)
'
test_packages='
	libcmocka-dev           # unit tests
	clang-14                # the second compiler, and the fuzzers
	libclang-rt-14-dev      # its sanitizer and libFuzzer run-time
	llvm-14                 # llvm-symbolizer: readable sanitizer reports
	python3-pytest          # conversations, clients and boots
	python3-pytest-timeout  # no test may hang
	python3-jsonschema      # answers of the API against its description
	iproute2                # namespaces, bridges, taps, veth, loss
	procps                  # ps, pgrep in the tests
	curl                    # clients: http:// and tftp://
	tftp-hpa
	atftp
	busybox-static          # client, and what runs in the booted Linux
	dnsmasq-base            # DHCP servers of the README
	isc-dhcp-server
	kea-dhcp4-server
	qemu-system-x86         # machines: BIOS, EFI x64
	qemu-system-arm         # EFI arm64
	ipxe-qemu               # their network cards boot ROMs
	ovmf                    # EFI firmware
	qemu-efi-aarch64
	tcpdump                 # what a failed boot said on the wire
	tshark                  # a second opinion on DHCP replies
	isc-dhcp-relay          # between machines and proxyDHCP
	kea-dhcp6-server        # DHCPv6 rules of the README
	u-boot-qemu             # a machine with U-Boot
	buildah                 # builds the container, without a daemon or a registry
	chromium                # shows the page
	nodejs                  # what drives it
	npm                     # fetches Playwright and axe, by tests/page/package-lock.json
'
# What pixie is measured beside, and with. atftpd, which conflicts with tftpd-hpa, is
# unpacked by bench/peers.sh and not installed.
bench_packages='
	iproute2                # a namespace of its own: nothing of the host is bound
	tftpd-hpa
	dnsmasq-base
	libpcre2-8-0            # this and the next: what atftpd needs
	libwrap0
	golang-go               # the TFTP engine of the Go original, and net/http
	golang-github-pin-tftp-dev
	nginx
	lighttpd
	wrk                     # small requests
'
# Packages that bring a service. We want the program, never the running daemon.
services='isc-dhcp-server isc-dhcp-relay kea-dhcp4-server kea-dhcp6-server
	tftpd-hpa nginx lighttpd'

fail() { echo "deps: $*" >&2; exit 1; }

names() { printf '%s\n' "$1" | sed 's/#.*//'; }

# By name, or by what another package provides: a nodejs not Debian's brings its npm.
missing() {
	installed=$(dpkg-query -W -f '${db:Status-Abbrev}, ${Package}, ${Provides}\n' |
		sed -n 's/^ii *//p' | sed 's/([^)]*)//g' | tr -s ', \n' ' ')
	for package in $(names "$1"); do
		case "$installed " in
		*" $package "*) ;;
		*) printf '%s ' "$package" ;;
		esac
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		env DEBIAN_FRONTEND=noninteractive "$@"
	elif command -v sudo >/dev/null; then
		sudo env DEBIAN_FRONTEND=noninteractive "$@"
	else
		fail "not root and no sudo here; as root run: apt-get install --no-install-recommends $wanted"
	fi
}

# Debian starts a service as soon as its package is installed, unless
# policy-rc.d says no (exit 101). An admin's own policy-rc.d stays as it is.
policy=/usr/sbin/policy-rc.d
forbid_start() {
	[ -e "$policy" ] && return
	trap allow_start EXIT
	trap 'exit 130' INT TERM
	as_root sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy"
}
allow_start() { as_root rm -f "$policy"; }

# ... and neither shall a service that we brought start at the next boot.
disable_services() {
	for service in $services; do
		case " $wanted " in
		*" $service "*) as_root update-rc.d "$service" disable ;;
		esac
	done
}

install_missing() {
	apt='apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3'
	as_root $apt update
	forbid_start
	as_root $apt install --no-install-recommends $wanted ||
		fail "apt could not install: $wanted"
	disable_services
}

# The tests' npm packages, when the lock file is not what lies there.
install_npm() {
	cd "$(dirname "$0")/../tests/page"
	cmp -s package-lock.json node_modules/.installed && return
	npm ci --ignore-scripts --no-audit --no-fund || fail "npm could not install the packages of tests/page"
	cp package-lock.json node_modules/.installed
}

case ${1-} in
build) wanted=$(missing "$build_packages") ;;
test) wanted=$(missing "$build_packages$test_packages") ;;
bench) wanted=$(missing "$build_packages$bench_packages") ;;
*) fail "usage: tools/deps.sh build|test|bench" ;;
esac
if [ -n "$wanted" ]; then
	command -v apt-get >/dev/null || fail "no apt here; install by hand: $wanted"
	echo "deps: installing $wanted"
	install_missing
fi
if [ "$1" = test ]; then
	install_npm
fi
