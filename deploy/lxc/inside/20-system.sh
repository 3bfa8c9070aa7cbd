step_base() {
	grep -q '^VERSION_CODENAME=bookworm' /etc/os-release || fail 'this is no Debian 12 (bookworm)'
	packages ca-certificates curl locales logrotate python3 xz-utils zstd
	# A container made by hand may lack what reaches it; who has no SSH server gets none.
	systemctl is-system-running --wait >/dev/null 2>&1 || true
}

step_locale() {
	local names=(en_US.UTF-8 es_ES.UTF-8 es_MX.UTF-8) name there
	there=$(locale -a)
	for name in "${names[@]}"; do
		grep -qix "${name/UTF-8/utf8}" <<<"$there" && continue
		grep -qx "$name UTF-8" /etc/locale.gen || printf '%s UTF-8\n' "$name" >>/etc/locale.gen
		LC_ALL=C locale-gen
	done
	put /etc/default/locale 644 <<-'EOF'
		LANG=en_US.UTF-8
	EOF
}

step_user() {
	getent group "$ODOO_USER" >/dev/null || groupadd --system "$ODOO_USER"
	id "$ODOO_USER" >/dev/null 2>&1 ||
		useradd --system --gid "$ODOO_USER" --home-dir "$ODOO_HOME" --shell /usr/sbin/nologin "$ODOO_USER"
	install -d -m 750 -o "$ODOO_USER" -g "$ODOO_USER" "$ODOO_HOME" /var/log/odoo
	install -d -m 755 /opt/odoo "$STATE"
	install -d -m 750 -g "$ODOO_USER" /etc/odoo
}
