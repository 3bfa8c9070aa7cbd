step_wkhtmltopdf() {
	packages wkhtmltopdf fonts-dejavu-core fontconfig
	wkhtmltopdf --version
}

# Odoo's sources, from an archive, a folder, or git. What is there already in the right version stays.
step_sources() {
	local have want
	want="${ARCHIVE:+archive $(digest_of "$ARCHIVE")}${GIT_URL:+git $GIT_URL $GIT_REF}"
	have=$(cat "$STATE/sources" 2>/dev/null || true)
	if [[ -z $want || ($want == "$have" && -z $GIT_URL) ]]; then
		[[ -d $ODOO_SOURCES/odoo ]] || fail 'nothing says where the sources of Odoo are'
		say "sources: ${have:-those that are there}"
		return 0
	fi
	local fresh=$ODOO_SOURCES.new
	rm -rf "$fresh"
	mkdir -p "$fresh"
	if [[ -n $GIT_URL ]]; then fetch_git "$fresh"; else unpack "$ARCHIVE" "$fresh"; fi
	[[ -f $fresh/odoo/__init__.py || -f $fresh/odoo/release.py ]] || fail 'these are not the sources of Odoo'
	check_version "$fresh"
	chown -R root:root "$fresh"
	# Whoever packed them may have let nobody else read them.
	chmod -R u=rwX,go=rX "$fresh"
	rm -rf "$ODOO_SOURCES"
	mv "$fresh" "$ODOO_SOURCES"
	printf '%s\n' "$want" >"$STATE/sources"
	rm -f "$STATE/requirements"
}

digest_of() {
	if [[ -d $1 ]]; then (cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1); else
		[[ -f $1 ]] || fail "there is no $1"
		sha256sum "$1" | cut -d' ' -f1
	fi
}

# The archives of nightly.odoo.com and GitHub have one folder around everything.
unpack() {
	local from=$1 to=$2
	if [[ -d $from ]]; then
		local inner
		inner=$(find "$from" -maxdepth 1 -name 'odoo*.tar*' | sort -V | tail -1)
		if [[ -n $inner && ! -d $from/odoo ]]; then from=$inner; else
			cp -a "$from/." "$to/"
			return 0
		fi
	fi
	tar -xf "$from" -C "$to"
	local -a inside
	mapfile -t inside < <(find "$to" -mindepth 1 -maxdepth 1)
	[[ ${#inside[@]} -eq 1 && -d ${inside[0]} && ! -d $to/odoo ]] || return 0
	mv "${inside[0]}" "$to.inner"
	rm -rf "$to"
	mv "$to.inner" "$to"
}

fetch_git() {
	packages git
	local at
	[[ -d $ODOO_SOURCES/.git ]] && at=$(git -C "$ODOO_SOURCES" rev-parse HEAD 2>/dev/null || true)
	git -c advice.detachedHead=false clone -q --depth 1 ${GIT_REF:+--branch "$GIT_REF"} "$GIT_URL" "$1"
	say "git: $(git -C "$1" rev-parse HEAD)${at:+ (was $at)}"
}

check_version() {
	python3 - "$1/odoo/release.py" "$VERSION" <<-'EOF'
		import re, sys
		text = open(sys.argv[1], encoding='utf-8').read()
		found = re.search(r'version_info\s*=\s*\(\s*[\'"]?(?:saas~)?(\d+)', text)
		if not found or found.group(1) != sys.argv[2]:
		    sys.exit('these are the sources of Odoo %s, not of %s' % (found.group(1) if found else '?', sys.argv[2]))
		least = re.search(r'MIN_PY_VERSION\s*=\s*\((\d+),\s*(\d+)', text)
		if least and tuple(map(int, least.groups())) > sys.version_info[:2]:
		    sys.exit('Odoo %s needs Python %s.%s; Debian 12 has %s.%s' % (sys.argv[2], *least.groups(), *sys.version_info[:2]))
	EOF
}

# What compiles is needed for building alone and taken away again: it would be in every clone.
TOOLCHAIN=(build-essential python3-dev libpq-dev libldap2-dev libsasl2-dev libxml2-dev libxslt1-dev libjpeg-dev zlib1g-dev libffi-dev libssl-dev)
RUNTIME=(libpq5 libldap-2.5-0 libxml2 libxslt1.1 libjpeg62-turbo zlib1g libmagic1)

step_python() {
	packages python3 python3-venv
	[[ -x $ODOO_VENV/bin/python3 ]] || python3 -m venv "$ODOO_VENV"
	local list=$ODOO_SOURCES/requirements.txt want
	want=$({ cat "$list" "$ODOO_SOURCES/setup.py" 2>/dev/null || true; } | sha256sum | cut -d' ' -f1)
	if [[ $(cat "$STATE/requirements" 2>/dev/null) != "$want" ]]; then
		if [[ ! -f $list && -f $ODOO_SOURCES/setup.py ]]; then
			build_with pip_install "$ODOO_SOURCES"
		elif grep -qE '^[[:space:]]*[^#[:space:]]' "$list" 2>/dev/null; then
			build_with pip_install -r "$list"
		fi
		printf '%s\n' "$want" >"$STATE/requirements"
	fi
	put /usr/local/bin/odoo-bin 755 <<-EOF
		#!/bin/sh
		cd "$ODOO_HOME" 2>/dev/null || cd /
		exec "$ODOO_VENV/bin/python3" $(launcher) "\$@"
	EOF
	as_odoo odoo-bin --version
}

# A checkout has odoo-bin, a source archive setup/odoo; both read the package beside them.
launcher() {
	local name
	for name in odoo-bin setup/odoo; do
		[[ -f $ODOO_SOURCES/$name ]] && printf '"%s"' "$ODOO_SOURCES/$name" && return 0
	done
	printf -- '-m odoo'
}

pip_install() { "$ODOO_VENV/bin/pip" install --disable-pip-version-check --no-cache-dir -q "$@"; }

# What was not there before is written down before it is installed: of a run that broke off, the next one finds it there.
build_with() {
	local list=$STATE/toolchain name
	local -a ours=()
	{
		[[ ! -e $list ]] || cat "$list"
		for name in "${TOOLCHAIN[@]}"; do installed "$name" || printf '%s\n' "$name"; done
	} | sort -u >"$list.new"
	mv "$list.new" "$list"
	packages "${TOOLCHAIN[@]}" "${RUNTIME[@]}"
	"$@"
	mapfile -t ours <"$list"
	[[ ${#ours[@]} -eq 0 ]] || {
		apt-mark -q manual "${RUNTIME[@]}" >/dev/null
		apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 purge --autoremove "${ours[@]}"
	}
	rm -f "$list"
}
