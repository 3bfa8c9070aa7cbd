import { m } from '#i18n/paraglide/messages.js';
import type { FoundDatabases } from '../containers/databases.ts';
import type { LookProblem, SshFindings } from './discovery.ts';
import { DECISIONS, type Decision } from './enrolmentForms.ts';

const LOOKS: Record<LookProblem, () => string> = {
	unreachable: m.enrol_look_unreachable,
	untrusted: m.enrol_look_untrusted,
	unauthorized: m.enrol_look_unauthorized,
	no_proxmox: m.enrol_look_no_proxmox
};

/** Why the node could not be asked, as a sentence. */
export function lookProblem(problem: LookProblem): string {
	return LOOKS[problem]();
}

const SSH: Record<NonNullable<SshFindings['problem']>, () => string> = {
	refused: m.enrol_ssh_refused,
	unreachable: m.enrol_ssh_unreachable,
	untrusted: m.enrol_ssh_untrusted,
	command: m.enrol_ssh_command,
	no_key: m.enrol_ssh_no_key,
	failed: m.enrol_ssh_failed
};

/** Why a worker could not do over SSH what it is to do, as a sentence. */
export function sshProblem(problem: NonNullable<SshFindings['problem']>): string {
	return SSH[problem]();
}

const DATABASES: Record<NonNullable<FoundDatabases['problem']>, () => string> = {
	not_running: m.adopt_not_running,
	no_postgres: m.adopt_no_postgres,
	unreachable: m.adopt_unreachable,
	failed: m.adopt_failed
};

/** Why nothing could be found in an adopted container, as a sentence. */
export function databasesProblem(problem: NonNullable<FoundDatabases['problem']>): string {
	return DATABASES[problem]();
}

const WORDS: Record<Decision, () => string> = {
	later: m.enrol_guest_later,
	odoo: m.enrol_guest_odoo,
	postgres: m.enrol_guest_postgres,
	ignore: m.enrol_guest_ignore
};

/** What may become of a container that is there, for a Select. */
export function decisionOptions(): { value: Decision; label: string }[] {
	return DECISIONS.map((value) => ({ value, label: WORDS[value]() }));
}

const HOST_KEY_FILES: Record<string, string> = {
	'ssh-ed25519': 'ed25519',
	'ssh-rsa': 'rsa',
	'rsa-sha2-256': 'rsa',
	'rsa-sha2-512': 'rsa',
	'ecdsa-sha2-nistp256': 'ecdsa',
	'ecdsa-sha2-nistp384': 'ecdsa',
	'ecdsa-sha2-nistp521': 'ecdsa'
};

/** What prints the fingerprint of the API's certificate on the host: an uploaded one goes before Proxmox's own. */
export const CERTIFICATE_COMMAND =
	'openssl x509 -noout -fingerprint -sha256 -in "$(ls /etc/pve/local/pveproxy-ssl.pem /etc/pve/local/pve-ssl.pem 2>/dev/null | head -1)"';

/** What prints the host key's fingerprint on the host. @param keyType `ssh-ed25519` */
export function hostKeyCommand(keyType: string): string {
	return `ssh-keygen -lf /etc/ssh/ssh_host_${HOST_KEY_FILES[keyType] ?? 'ed25519'}_key.pub`;
}

/** The line that lets our key in, to run what `deploy/proxmox/erp-core-ssh` allows and nothing else. */
export function authorizedKeysLine(publicKey: string): string {
	return `command="/usr/local/sbin/erp-core-ssh",restrict,pty ${publicKey}`;
}
