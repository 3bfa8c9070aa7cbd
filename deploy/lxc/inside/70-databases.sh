# A database per language, ready to be copied in seconds where making one takes minutes.
step_databases() {
	[[ $KIND == odoo_only && -z $PG_HOST ]] && {
		say 'no server yet: the databases are made when there is one'
		return 0
	}
	local language
	for language in ${LANGUAGES//,/ }; do template_database "tpl_${VERSION}_$language$SUFFIX" "$(odoo_language "$language")"; done
}

odoo_language() {
	case $1 in
		es) printf es_419 ;;
		en) printf en_US ;;
		*) printf '%s' "$1" ;;
	esac
}

template_database() {
	local name=$1 language=$2
	if [[ $(query postgres "select 1 from pg_database where datname = '$name'") == 1 ]]; then
		if [[ $(query "$name" "select state from ir_module_module where name = 'base'" 2>/dev/null) == installed ]]; then
			missing_modules "$name"
			return 0
		fi
		say "$name was left half made: once more"
		as_odoo odoo-bin db -c "$ODOO_CONF" drop "$name"
	fi
	say "initialising $name ($language)"
	if ((VERSION >= 19)); then
		as_odoo odoo-bin db -c "$ODOO_CONF" init "$name" --language "$language"
	else
		as_odoo odoo-bin -c "$ODOO_CONF" -d "$name" -i base --without-demo=all --load-language="$language" --stop-after-init --no-http
	fi
	# What counts is what stands in the database, not what a command reported.
	[[ $(query "$name" "select state from ir_module_module where name = 'base'") == installed ]] || fail "$name did not come to be"
	missing_modules "$name"
	# Of the others on a server of several, nobody is let in.
	[[ -z $PG_HOST ]] || query postgres "revoke connect on database \"$name\" from public" >/dev/null
}

missing_modules() {
	local name=$1 module missing=()
	for module in ${MODULES//,/ }; do
		[[ $(query "$name" "select state from ir_module_module where name = '$module'") == installed ]] || missing+=("$module")
	done
	[[ ${#missing[@]} -gt 0 ]] || return 0
	say "$name: ${missing[*]}"
	if ((VERSION >= 20)); then
		as_odoo odoo-bin module install -c "$ODOO_CONF" -d "$name" "${missing[@]}"
	else
		local list
		list=$(IFS=,; printf '%s' "${missing[*]}")
		as_odoo odoo-bin -c "$ODOO_CONF" -d "$name" -i "$list" --stop-after-init --no-http
	fi
}
