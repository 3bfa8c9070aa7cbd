import { unrecorded } from '#lib/integrations/record.ts';
import { SshError } from '#lib/integrations/ssh/errors.ts';
import { ssh } from '#lib/integrations/ssh/ssh.server.ts';
import type { Node } from '#prisma/generated/client.ts';
import { breakerOf } from './breaker.server.ts';
import { sshAccess } from './sshPool.server.ts';
import type { Seen } from './healthJudgement.ts';

const CONNECT_MS = 5_000;
const COMMAND_MS = 8_000;

/**
 * Logs in to a node over a connection of its own, past the breaker, and runs what the product needs there: `pct list`.
 * Only a worker has the key.
 */
export async function lookOverSsh(node: Node): Promise<Seen['ssh']> {
	const access = await sshAccess(node);
	if (!access) return { kind: 'no_key', error: 'this process has no SSH key' };
	const guard = breakerOf(node.id, 'ssh', node, { always: true });
	const client = ssh({ ...access, guard, connectTimeoutMs: CONNECT_MS }, unrecorded);
	const began = performance.now();
	try {
		const { code, stderr, stdout } = await client.exec(['pct', 'list'], {
			timeoutMs: COMMAND_MS,
			changes: false,
			call: null
		});
		if (code === 0) return { ms: performance.now() - began };
		return { kind: 'command', error: (stderr || stdout).trim().slice(0, 300) || `exit ${code}` };
	} catch (error) {
		if (!(error instanceof SshError)) throw error;
		return { kind: error.kind, error: error.message };
	} finally {
		await client.close();
	}
}
