import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { now } from '#lib/core/clock.server.ts';
import { db, transaction } from '#lib/core/db.server.ts';
import { env } from '#lib/core/env.server.ts';
import { publish } from '#lib/core/live.server.ts';
import { defineJob } from '#lib/core/queue.server.ts';
import { unrecorded } from '#lib/integrations/record.ts';
import { SshError } from '#lib/integrations/ssh/errors.ts';
import { ssh } from '#lib/integrations/ssh/ssh.server.ts';
import type { SshFindings } from './discovery.ts';

const CONNECT_MS = 6_000;
const COMMAND_MS = 15_000;

/** Tries what the product does over SSH, harmlessly: logs in with its key and lists containers. Only a worker has the key. */
async function lookOverSsh(enrolmentId: string): Promise<void> {
	const draft = await db.nodeEnrolment.findUnique({ where: { id: enrolmentId } });
	// Somebody discarded it, or changed its address: that look is on its way.
	if (!draft?.confirmedAt || !draft.sshHostKey) return;
	const { sshHost, sshPort, sshUser, sshHostKey } = draft;
	const found = await tryOut({
		host: sshHost,
		port: sshPort,
		username: sshUser,
		hostKey: sshHostKey
	});
	await transaction(async (tx) => {
		await tx.nodeEnrolment.updateMany({
			where: { id: enrolmentId, sshHost, sshPort, sshUser, sshHostKey },
			data: { sshFindings: found }
		});
		await publish(tx, 'staff:nodes', enrolmentId);
	});
}

async function tryOut(place: {
	host: string;
	port: number;
	username: string;
	hostKey: string;
}): Promise<SshFindings> {
	const at = now().toISOString();
	const key = await keyPair();
	const said = (problem: SshFindings['problem'], detail: string | null): SshFindings => ({
		at,
		ok: problem === null,
		problem,
		detail: detail?.slice(0, 500) ?? null,
		publicKey: key?.public ?? null
	});
	if (!key) return said('no_key', null);
	const config = { ...place, privateKey: key.private, connectTimeoutMs: CONNECT_MS };
	const client = ssh(config, unrecorded);
	try {
		const { code, stdout, stderr } = await client.exec(['pct', 'list'], {
			timeoutMs: COMMAND_MS,
			call: null,
			changes: false
		});
		if (code === 0) return said(null, null);
		return said('command', (stderr || stdout).trim());
	} catch (error) {
		if (!(error instanceof SshError)) throw error;
		if (error.kind === 'unauthorized') return said('refused', null);
		if (error.kind === 'untrusted' || error.kind === 'unreachable')
			return said(error.kind, error.message);
		return said('failed', error.message);
	} finally {
		await client.close();
	}
}

/** Both halves of our key; null where this installation has none. The public one lies beside the other. */
async function keyPair(): Promise<{ private: string; public: string | null } | null> {
	if (!env.SSH_KEY_PATH) return null;
	const [secret, open] = await Promise.all([
		readFile(env.SSH_KEY_PATH, 'utf8').catch(() => null),
		readFile(`${env.SSH_KEY_PATH}.pub`, 'utf8').catch(() => null)
	]);
	return secret === null ? null : { private: secret, public: open?.trim() ?? null };
}

defineJob({
	name: 'infrastructure.look-over-ssh',
	payload: z.object({ enrolmentId: z.uuid() }),
	run: ({ enrolmentId }) => lookOverSsh(enrolmentId),
	queue: { retryLimit: 2 }
});
