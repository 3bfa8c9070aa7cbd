# Server and client; the client alone where the databases are in a container of their own.
step_postgresql() {
	case $KIND in
		odoo_only) packages postgresql-client ;;
		*)
			packages postgresql postgresql-client
			systemctl enable -q postgresql
			size_to_memory
			systemctl is-active -q postgresql || systemctl start postgresql
			postgresql_answers
			[[ $KIND != postgres ]] || listen_to_network
			# The control plane goes by what the memory carries. Whoever has databases here is not cut off for that.
			if [[ $(superuser "$MORE_CONNECTIONS") == t && $(superuser "$SERVED") == 0 ]]; then systemctl restart postgresql; fi
			postgresql_answers
			;;
	esac
}

# Whether what is configured now, by whoever comes last, is more than what it was started with.
MORE_CONNECTIONS="select setting::int > current_setting('max_connections')::int
	from pg_file_settings where name = 'max_connections' order by seqno desc limit 1"

SERVED="select count(*) from pg_database where not datistemplate and datname <> 'postgres'"

superuser() { as_postgres psql -X -At -d postgres -c "$1"; }
postgresql_answers() { within 60 superuser 'select 1' || fail 'PostgreSQL does not answer'; }

# Where Debian keeps the configuration of the PostgreSQL that is there.
postgresql_folder() {
	printf '/etc/postgresql/%s/main' "$(find /etc/postgresql -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -n | tail -1)"
}

# Settings that go by the memory which the container has when PostgreSQL starts: a copy is of another size than its template,
# and sizes are changed. A connection may take 10 MB; half of the memory is for them. A server of databases has a quarter for
# what it reads besides, where Odoo in the same container needs it itself. The control plane counts by the same numbers:
# src/lib/infrastructure/postgres/connections.ts.
size_to_memory() {
	local buffers=''
	[[ $KIND != postgres ]] || buffers='echo "shared_buffers = $((memory / 4))MB"'
	put /usr/local/sbin/erpcore-postgresql 755 <<-EOF
		#!/bin/sh
		# Usage: erpcore-postgresql VERSION/CLUSTER
		set -eu
		memory=\$(awk '/^MemTotal/ { print int(\$2 / 1024) }' /proc/meminfo)
		most=\$((memory / 20))
		[ "\$most" -ge 100 ] || most=100
		[ "\$most" -le 1000 ] || most=1000
		file=/etc/postgresql/\$1/conf.d/erpcore-memory.conf
		{
			echo "max_connections = \$most"
			$buffers
		} >"\$file.new"
		mv "\$file.new" "\$file"
	EOF
	# Without it PostgreSQL starts with what it had.
	put /etc/systemd/system/postgresql@.service.d/erpcore.conf 644 <<-'EOF'
		[Service]
		ExecStartPre=-/usr/local/sbin/erpcore-postgresql %I
	EOF
	[[ $CHANGED == no ]] || systemctl daemon-reload
	local folder
	folder=$(postgresql_folder)
	/usr/local/sbin/erpcore-postgresql "${folder#/etc/postgresql/}"
}

# Of a PostgreSQL container: others reach it, by password, from the networks that were named and from nowhere else.
listen_to_network() {
	[[ -n $PG_NETWORK ]] || fail '--network says who may connect'
	local folder
	folder=$(postgresql_folder)
	put "$folder/conf.d/erpcore.conf" 640 postgres:postgres <<-'EOF'
		listen_addresses = '*'
		password_encryption = scram-sha-256
	EOF
	[[ $CHANGED == no ]] || systemctl restart postgresql
	# Between marks, so that another network replaces the line and nothing else.
	sed '/^# erpcore begin$/,/^# erpcore end$/d' "$folder/pg_hba.conf" >/tmp/pg_hba.erpcore
	{
		printf '# erpcore begin\n'
		printf 'host all all %s scram-sha-256\n' ${PG_NETWORK//,/ }
		printf '# erpcore end\n'
	} >>/tmp/pg_hba.erpcore
	put "$folder/pg_hba.conf" 640 postgres:postgres </tmp/pg_hba.erpcore
	# Who is in stays in.
	[[ $CHANGED == no ]] || systemctl reload postgresql
	rm -f /tmp/pg_hba.erpcore
}

# The role that Odoo works as: it may create databases, and nothing above that. On the same system it needs no password.
step_role() {
	case $KIND in
		odoo_only) remember_password ;;
		*)
			local found
			found=$(superuser "select rolcreatedb and not rolsuper from pg_roles where rolname = '$PG_USER'")
			case $found in
				t) ;;
				f) as_postgres psql -X -q -d postgres -c "alter role \"$PG_USER\" createdb nosuperuser" ;;
				*) as_postgres createuser --createdb --no-superuser --no-createrole "$PG_USER" ;;
			esac
			[[ $KIND != postgres || -z ${PG_PASSWORD:-} ]] || set_password
			;;
	esac
}

# The statement comes on stdin: arguments are in the process list.
set_password() {
	local quoted=${PG_PASSWORD//\'/\'\'}
	printf "alter role \"%s\" password '%s';\n" "$PG_USER" "$quoted" | as_postgres psql -X -q -d postgres
}

# libpq reads it; psql, pg_dump and Odoo need no password on their command lines. A template is of no server yet.
remember_password() {
	[[ -n $PG_HOST && -n ${PG_PASSWORD:-} ]] || return 0
	# A fresh copy makes its configuration its own while it starts for the first time: both would write it.
	within 60 test ! -e "$STATE/first-boot" || fail 'the first start has not ended'
	local escaped=${PG_PASSWORD//\\/\\\\}
	put "$ODOO_HOME/.pgpass" 600 "$ODOO_USER:$ODOO_USER" <<-EOF
		$PG_HOST:5432:*:$PG_USER:${escaped//:/\\:}
	EOF
	within 20 query postgres 'select 1' || fail "PostgreSQL on $PG_HOST does not let $PG_USER in"
	[[ $(query postgres "select rolcreatedb from pg_roles where rolname = current_user") == t ]] ||
		fail "$PG_USER on $PG_HOST may not create databases"
}
