#!/usr/bin/env bash
# setup_odoo_lxc: what runs inside the container, one step at a time, as root on Debian 12.
#
# The parts of this folder make one script in the order of their names. It comes on stdin (`pct exec … bash -s -- STEP …`), so
# that nothing has to be copied first; therefore everything is a function, and the last line of all calls `main`.
# Every step may run any number of times: it looks what is there and changes what is not yet so.
# Nothing is piped into what may stop reading early (`grep -q`, `head`): under `pipefail` it fails whenever it is the faster.
set -euo pipefail

export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# Options, read by `main`.
VERSION=''        # Odoo's major version: 17 to 20
KIND=all_in_one   # all_in_one | odoo_only | postgres
PG_HOST=''        # a separate PostgreSQL; empty: inside
PG_USER=odoo      # role there
PG_NETWORK=''     # who may connect, CIDR[,CIDR…]; for a PostgreSQL container
GIT_URL=''
GIT_REF=''
ARCHIVE=''        # archive or folder with Odoo's sources, inside the container
LANGUAGES=es,en
MODULES=base,web,mail,contacts
SUFFIX=''         # ends the names of the template databases: on a server of several, each has its own
# The role's password where PostgreSQL is elsewhere comes in the environment (PG_PASSWORD), never as an argument.

# These names are the product's: its client calls `runuser -u odoo -- odoo-bin … -c /etc/odoo/odoo.conf` and `psql`.
ODOO_USER=odoo
ODOO_HOME=/var/lib/odoo
ODOO_SOURCES=/opt/odoo/src
ODOO_VENV=/opt/odoo/venv
ODOO_CONF=/etc/odoo/odoo.conf
STATE=/etc/erpcore

say() { printf '%s\n' "$*"; }
SAID=no
fail() {
	SAID=yes
	printf 'setup_odoo_lxc: %s\n' "$*" >&2
	exit 1
}

# Whatever ends a step says where: `set -e` by itself is silent.
ended() {
	local code=$1 command=$2
	[[ $code == 0 || $SAID == yes ]] || printf 'setup_odoo_lxc: ended with %s at: %s\n' "$code" "$command" >&2
}

# Writes stdin to a file, and says whether that changed it. Usage: put PATH MODE [OWNER] <<EOF
# Its answer is in CHANGED, so that `put` itself can stand under `set -e`.
CHANGED=no
put() {
	local path=$1 mode=$2 owner=${3:-root:root} fresh
	fresh=$(mktemp)
	cat >"$fresh"
	CHANGED=no
	if ! cmp -s "$fresh" "$path"; then
		mkdir -p "$(dirname "$path")"
		install -m "$mode" -o "${owner%%:*}" -g "${owner##*:}" "$fresh" "$path"
		CHANGED=yes
		say "wrote $path"
	fi
	rm -f "$fresh"
}

installed() {
	local state
	for name in "$@"; do
		state=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) || return 1
		[[ $state == installed ]] || return 1
	done
}

# Installs what is missing of the given packages. The lists are fetched only when there is something to install, and once.
packages() {
	installed "$@" && return 0
	# A run that was cut off half-way leaves packages that are unpacked only.
	dpkg --configure -a
	local ages
	ages=$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -mmin -720 -print -quit 2>/dev/null)
	[[ -n $ages ]] || apt-get -q -y -o DPkg::Lock::Timeout=300 update
	say "installing $*"
	apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 --no-install-recommends install "$@"
}

as_odoo() { runuser -u "$ODOO_USER" -- env HOME="$ODOO_HOME" "$@"; }
as_postgres() { (cd / && runuser -u postgres -- "$@"); }

# psql as Odoo's role, wherever PostgreSQL is. Usage: query DATABASE SQL
query() {
	local where=()
	[[ -n $PG_HOST ]] && where=(-h "$PG_HOST" -U "$PG_USER")
	(cd / && as_odoo psql -X -At "${where[@]}" -d "$1" -c "$2")
}

# Waits until a command succeeds. Usage: within SECONDS COMMAND…
within() {
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < until)) || return 1
		sleep 0.3
	done
}
