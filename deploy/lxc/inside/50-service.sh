# See contracts of Odoo: the manager is closed (list_db), the database is that of the host's first label (dbfilter), and the
# headers of the proxy are believed, because nobody but nginx reaches Odoo (http_interface). Connections are those of each
# process, which handles one request or scheduled job at a time; of the one with the websockets they are many at once.
step_config() {
	local password database=()
	password=$(sed -n 's/^admin_passwd = //p' "$ODOO_CONF" 2>/dev/null || true)
	[[ $password == '$pbkdf2-sha512$'* ]] || password=$(random_hash)
	[[ -z $PG_HOST ]] || database=("db_host = $PG_HOST" "db_port = 5432" "db_user = $PG_USER")
	# Who only repeats a step does not say the host again.
	[[ ${#database[@]} -gt 0 ]] || mapfile -t database < <(grep -E '^db_(host|port|user) = ' "$ODOO_CONF" 2>/dev/null || true)
	local addons=$ODOO_SOURCES/odoo/addons
	[[ -d $ODOO_SOURCES/addons ]] && addons=$addons,$ODOO_SOURCES/addons
	[[ -d /opt/odoo/addons ]] && addons=$addons,/opt/odoo/addons
	put "$ODOO_CONF" 640 "root:$ODOO_USER" <<-EOF
		[options]
		addons_path = $addons
		data_dir = $ODOO_HOME
		admin_passwd = $password
		list_db = False
		dbfilter = ^%d\$
		proxy_mode = True
		http_interface = 127.0.0.1
		http_port = 8069
		gevent_port = 8072
		db_maxconn = 5
		db_maxconn_gevent = 16
		limit_time_cpu = 60
		limit_time_real = 120
		${database[0]:-}
		${database[1]:-}
		${database[2]:-}
	EOF
	# Odoo reads it when it starts. Where there is none yet, the step `service` starts it.
	[[ $CHANGED == no ]] || systemctl try-restart odoo 2>/dev/null || true
}

# Of a password that nobody ever knew, as Odoo stores one.
random_hash() {
	python3 - <<-'EOF'
		import base64, hashlib, os
		ab64 = lambda raw: base64.b64encode(raw).decode().rstrip('=').replace('+', '.')
		salt, rounds = os.urandom(16), 600_000
		key = hashlib.pbkdf2_hmac('sha512', os.urandom(32), salt, rounds)
		print('$pbkdf2-sha512$%d$%s$%s' % (rounds, ab64(salt), ab64(key)))
	EOF
}

# The sandboxing options need a container with `nesting=1`.
step_service() {
	# Workers by the cores and memory that this container has now: clones are of other sizes than their template.
	# Without workers there would be no port for /websocket.
	put /usr/local/sbin/odoo-start 755 <<-'EOF'
		#!/bin/sh
		cores=$(nproc)
		fit=$(awk '/^MemTotal/ { print int($2 / 1024 / 400) }' /proc/meminfo)
		workers=$((cores * 2 + 1))
		[ "$workers" -le "$fit" ] || workers=$fit
		[ "$workers" -ge 2 ] || workers=2
		exec /usr/local/bin/odoo-bin -c /etc/odoo/odoo.conf --workers "$workers" --max-cron-threads 1
	EOF
	local reload=$CHANGED
	put /etc/systemd/system/odoo.service 644 <<-EOF
		[Unit]
		Description=Odoo
		After=network.target postgresql.service erpcore-first-boot.service
		Wants=postgresql.service
		StartLimitIntervalSec=0

		[Service]
		Type=exec
		User=$ODOO_USER
		Group=$ODOO_USER
		ExecStart=/usr/local/sbin/odoo-start
		Restart=always
		RestartSec=3
		KillMode=mixed
		TimeoutStopSec=90
		LimitNOFILE=65536
		NoNewPrivileges=yes
		PrivateTmp=yes
		ProtectSystem=strict
		ProtectHome=yes
		ProtectKernelTunables=yes
		ProtectControlGroups=yes
		RestrictSUIDSGID=yes
		ReadWritePaths=$ODOO_HOME /var/log/odoo

		[Install]
		WantedBy=multi-user.target
	EOF
	[[ $CHANGED == yes ]] && reload=yes
	[[ $reload == no ]] || systemctl daemon-reload
	systemctl enable -q odoo
	# A template of which the server is elsewhere has no database to start with.
	[[ $KIND == odoo_only && -z $PG_HOST ]] && return 0
	if [[ $reload == yes ]]; then systemctl restart odoo; else systemctl start odoo; fi
	within 120 curl -fsS -m 3 http://127.0.0.1:8069/web/health || {
		journalctl -u odoo -n 20 --no-pager >&2 || true
		fail 'Odoo does not answer'
	}
}
