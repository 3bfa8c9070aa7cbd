# Everything is as it has to be: asked, not assumed.
step_verify() {
	if [[ $KIND == postgres ]]; then
		superuser 'select version()'
		[[ $(superuser 'show password_encryption') == scram-sha-256 ]] || fail 'passwords are not kept as SCRAM'
		[[ $(superuser "select count(*) from pg_hba_file_rules where error is not null") == 0 ]] || fail 'pg_hba.conf has an error'
		[[ $(superuser "select count(*) > 0 from pg_hba_file_rules where type = 'host' and auth_method = 'scram-sha-256' and address not in ('127.0.0.1', '::1')") == t ]] || fail 'nobody may connect from the network'
		[[ $(superuser "$MORE_CONNECTIONS") == f ]] || fail 'PostgreSQL takes fewer connections than its memory carries'
		systemctl is-enabled -q postgresql
		return 0
	fi
	nginx -t -q
	systemctl is-enabled -q nginx odoo
	[[ $(as_odoo odoo-bin --version) =~ ([0-9]+)\. && ${BASH_REMATCH[1]} == "$VERSION" ]] || fail 'this is another version of Odoo'
	grep -qx 'list_db = False' "$ODOO_CONF" || fail 'the database manager is open'
	[[ $KIND == odoo_only && -z $PG_HOST ]] && return 0
	local status language
	status=$(curl -s -m 10 -o /dev/null -w '%{http_code}' http://127.0.0.1/healthz)
	[[ $status == 200 ]] || fail "the health page answers $status"
	status=$(curl -s -m 10 -o /dev/null -w '%{http_code}' http://127.0.0.1/web/database/manager)
	[[ $status == 404 ]] || fail "the database manager answers $status"
	for language in ${LANGUAGES//,/ }; do
		[[ $(query "tpl_${VERSION}_$language$SUFFIX" "select state from ir_module_module where name = 'base'") == installed ]] || fail "tpl_${VERSION}_$language$SUFFIX is not whole"
	done
	say "Odoo $VERSION answers, with $LANGUAGES"
}

# What two systems must not share. Each copy makes its own when it starts for the first time.
step_clean() {
	put /usr/local/sbin/erpcore-first-boot 755 <<-'EOF'
		#!/bin/sh
		# The identity of this copy: keys of its SSH server, and a master password that nobody knows.
		set -eu
		if [ -x /usr/bin/ssh-keygen ] && [ -d /etc/ssh ]; then ssh-keygen -A; fi
		if [ -f /etc/odoo/odoo.conf ]; then
			hash=$(python3 - <<-'PY'
				import base64, hashlib, os
				ab64 = lambda raw: base64.b64encode(raw).decode().rstrip('=').replace('+', '.')
				salt = os.urandom(16)
				print('$pbkdf2-sha512$600000$%s$%s' % (ab64(salt), ab64(hashlib.pbkdf2_hmac('sha512', os.urandom(32), salt, 600_000))))
			PY
			)
			sed -i "s|^admin_passwd = .*|admin_passwd = $hash|" /etc/odoo/odoo.conf
		fi
		rm -f /etc/erpcore/first-boot
	EOF
	put /etc/systemd/system/erpcore-first-boot.service 644 <<-'EOF'
		[Unit]
		Description=Makes a fresh copy of a template its own
		ConditionPathExists=/etc/erpcore/first-boot
		Before=odoo.service ssh.service nginx.service

		[Service]
		Type=oneshot
		ExecStart=/usr/local/sbin/erpcore-first-boot

		[Install]
		WantedBy=multi-user.target
	EOF
	systemctl daemon-reload
	systemctl enable -q erpcore-first-boot
	# Everything that writes is at rest, so that a copy begins with databases that were shut down well.
	systemctl stop odoo nginx 2>/dev/null || true
	touch "$STATE/first-boot"
	rm -f /etc/ssh/ssh_host_*
	: >/etc/machine-id
	rm -f /var/lib/dbus/machine-id /var/lib/systemd/random-seed
	apt-get clean
	rm -rf /var/lib/apt/lists/* /var/tmp/* /root/.bash_history /root/.cache "$ODOO_HOME/.cache"
	find /var/log -type f ! -path '/var/log/journal/*' -exec truncate -s 0 {} +
	journalctl -q --rotate --vacuum-time=1s >/dev/null 2>&1 || true
	say 'clean'
}
