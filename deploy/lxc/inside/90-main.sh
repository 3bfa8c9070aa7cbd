STEPS_ALL=(base locale user postgresql role wkhtmltopdf sources python config service nginx databases verify clean)
STEPS_POSTGRES=(base locale postgresql role verify clean)

steps_of() {
	if [[ $KIND == postgres ]]; then printf '%s\n' "${STEPS_POSTGRES[@]}"; else printf '%s\n' "${STEPS_ALL[@]}"; fi
}

main() {
	local step=${1:-}
	shift || true
	while (($#)); do
		case $1 in
			--version) VERSION=${2%%.*} ;;
			--kind) KIND=$2 ;;
			--postgres) PG_HOST=$2 ;;
			--role) PG_USER=$2 ;;
			--network) PG_NETWORK=$2 ;;
			--git) GIT_URL=$2 ;;
			--ref) GIT_REF=$2 ;;
			--archive) ARCHIVE=$2 ;;
			--languages) LANGUAGES=$2 ;;
			--modules) MODULES=$2 ;;
			--suffix) SUFFIX=$2 ;;
			*) fail "unknown option $1" ;;
		esac
		shift 2
	done
	if [[ $step == --list ]]; then
		steps_of
		return 0
	fi
	[[ $KIND == postgres || $VERSION =~ ^(17|18|19|20)$ ]] || fail "no version of Odoo that this knows: '$VERSION'"
	[[ $PG_USER =~ ^[a-z_][a-z0-9_]{0,62}$ ]] || fail "no name of a role: '$PG_USER'"
	[[ -z $SUFFIX || $SUFFIX =~ ^_[a-z0-9]{1,20}$ ]] || fail "no end of a name: '$SUFFIX'"
	[[ -z $PG_NETWORK || $PG_NETWORK =~ ^[0-9a-fA-F./:,]+$ ]] || fail "no network: '$PG_NETWORK'"
	[[ -z $PG_HOST || $PG_HOST =~ ^[A-Za-z0-9.:-]+$ ]] || fail "no address: '$PG_HOST'"
	grep -qx -- "$step" <<<"$(steps_of)" || fail "no step '$step'; there are: $(steps_of | tr '\n' ' ')"
	((EUID == 0)) || fail 'this needs root'
	# A run whose caller died may still be at work: wait for it, then find everything done.
	exec 9>/run/setup_odoo_lxc.lock
	flock -w 1800 9 || fail 'another run is at work'
	mkdir -p "$STATE"
	umask 022
	trap 'ended $? "$BASH_COMMAND"' EXIT
	"step_$step"
}

main "$@" </dev/null
exit $?
