#!/bin/sh
# debs.sh DIR SUITE ARCH PACKAGE[=VERSION]...: downloads Debian packages into
# DIR/debs, whatever suite and architecture this machine itself runs.
#
# apt does the work, with its own signature check, in a private state under DIR:
# nothing of the system's apt changes and a normal user may do it. The mirror,
# the proxy and the credentials are those the machine already uses.
set -eu

fail() { echo "debs: $*" >&2; exit 1; }

[ $# -ge 4 ] || fail "usage: debs.sh DIR SUITE ARCH PACKAGE[=VERSION]..."
dir=$1 suite=$2 arch=$3
shift 3
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || fail "$keyring is missing: apt-get install debian-archive-keyring"
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
state=$dir/apt-$suite-$arch

# apt itself reads the machine's .sources and .list files for us. The archive
# is the one that carries this machine's own release; failing that (Debian
# "stable" by name, a derivative) any whose address ends in /debian.
mirror() {
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	apt-get indextargets -o APT::Get::IndexTargets::ReleaseInfo=false \
		--format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		awk -v codename="$codename" '
			$3 == "main" && $2 == codename && !exact { exact = $1 }
			$3 == "main" && $1 ~ "/debian/?$" && !likely { likely = $1 }
			END { print exact ? exact : likely }'
}

private_state() {
	uri=$(mirror)
	[ -n "$uri" ] || fail "no Debian archive among this machine's apt sources (/etc/apt/sources.list.d)"
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$dir/debs"
	: >"$state/status"
	echo "deb [arch=$arch signed-by=$keyring] $uri $suite main" >"$state/sources.list"
}

# What is not named here (proxy, netrc, https settings) stays the machine's own.
private() {
	tool=$1
	shift
	"$tool" -q \
		-o APT::Architecture="$arch" -o APT::Architectures::="$arch" \
		-o APT::Sandbox::User=root -o Acquire::Retries=3 \
		-o Acquire::Languages=none -o Acquire::http::Timeout=30 \
		-o Dir::State="$state" -o Dir::State::status="$state/status" \
		-o Dir::Cache="$state/cache" -o Dir::Etc::sourcelist="$state/sources.list" \
		-o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		"$@"
}

# The index is a day's worth: a point release may replace a package any time.
update() {
	[ -n "$(find "$state/updated" -mmin -1440 2>/dev/null)" ] && return
	private apt-get update --error-on=any >"$state/log" 2>&1 || explain "no index of $suite"
	touch "$state/updated"
}

explain() {
	reason=$(grep -E '^[EW]:' "$state/log" | sort | head -n 1)
	rm -f "$state/updated"
	fail "$1 (${reason:-see $state/log})"
}

download() {
	rm -rf "$state/new"
	mkdir "$state/new"
	(cd "$state/new" && private apt-get download "$@") >"$state/log" 2>&1 ||
		explain "cannot get $* from $suite"
	mv "$state/new"/*.deb "$dir/debs/"
}

exec 9>"$dir/lock" # two builds may ask at once
flock 9
private_state
update
download "$@"
