import {
	shownCertificate,
	type ShownCertificate
} from '#lib/integrations/proxmox/certificate.server.ts';
import { ProxmoxError } from '#lib/integrations/proxmox/errors.ts';
import { SshError } from '#lib/integrations/ssh/errors.ts';
import { shownHostKey, type ShownHostKey } from '#lib/integrations/ssh/hostKey.server.ts';
import { AppError } from '#lib/core/errors.ts';
import { m } from '#i18n/paraglide/messages.js';

export interface NodePlace {
	/** `https://pve1.example.com:8006`, see `apiUrlField`. */
	apiUrl: string;
	sshHost: string;
	sshPort: number;
}

export interface Fingerprints {
	api: ShownCertificate;
	ssh: ShownHostKey;
}

/** How long a person waits for both; tests shorten it. */
export const patience = { handshakeMs: 5_000 };

/**
 * What a node's two servers prove themselves by, for somebody to compare and confirm. Only the handshakes are made: no
 * token, no key, no request is sent to a server that nobody has confirmed yet.
 * @param fields names of the form's fields that a refusal is put beside
 * @throws {AppError} BAD_INPUT beside the URL or the SSH host, when one of them is not there or is something else
 */
export async function showFingerprints(
	{ apiUrl, sshHost, sshPort }: NodePlace,
	fields: { api: string; ssh: string } = { api: 'api_url', ssh: 'ssh_host' }
): Promise<Fingerprints> {
	const [api, ssh] = await Promise.allSettled([
		shownCertificate(apiUrl, patience.handshakeMs),
		shownHostKey({ host: sshHost, port: sshPort }, patience.handshakeMs)
	]);
	if (api.status === 'fulfilled' && ssh.status === 'fulfilled')
		return { api: api.value, ssh: ssh.value };
	const refused: Record<string, string> = {};
	if (api.status === 'rejected') refused[fields.api] = apiProblem(api.reason);
	if (ssh.status === 'rejected') refused[fields.ssh] = sshProblem(ssh.reason);
	throw new AppError('BAD_INPUT', { fields: refused });
}

function apiProblem(error: unknown): string {
	if (!(error instanceof ProxmoxError)) throw error;
	if (error.kind === 'unreachable') return m.enrol_api_unreachable();
	return error.kind === 'lost' ? m.enrol_api_silent() : m.enrol_api_no_tls();
}

function sshProblem(error: unknown): string {
	if (!(error instanceof SshError)) throw error;
	return error.kind === 'lost' ? m.enrol_ssh_none() : m.enrol_ssh_unreachable();
}
