import { createHash } from 'node:crypto';
import { NodeSSH } from 'node-ssh';
import { SshError } from './errors.ts';

/** What an SSH server proves itself by. */
export interface ShownHostKey {
	/** `SHA256:…`, as ssh-keygen prints it. */
	fingerprint: string;
	/** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa` */
	type: string;
}

/**
 * The host key that a server shows in the key exchange, where the connection is then ended: nobody is logged in, and no
 * key of ours is offered.
 * @param timeoutMs for connection and key exchange together
 * @throws {SshError} `unreachable` when nobody listens or nothing comes in time, `lost` when what listens is no SSH server
 */
export async function shownHostKey(
	{ host, port }: { host: string; port: number },
	timeoutMs: number
): Promise<ShownHostKey> {
	const operation = 'ssh.host-key';
	const client = new NodeSSH();
	const shown: ShownHostKey[] = [];
	try {
		await client.connect({
			host,
			port,
			// Never sent: the exchange ends at the verifier.
			username: 'nobody',
			readyTimeout: timeoutMs,
			hostVerifier: (key: Buffer) => {
				shown.push({
					fingerprint: `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`,
					type: key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1')
				});
				return false;
			}
		});
	} catch (cause) {
		if (shown[0]) return shown[0];
		const level = cause instanceof Error && 'level' in cause ? cause.level : null;
		const isAway = level === 'client-socket' || level === 'client-timeout' || level === null;
		throw new SshError({
			operation,
			kind: isAway ? 'unreachable' : 'lost',
			message: isAway ? 'The server could not be reached' : 'What answers there is no SSH server',
			retryable: true,
			cause
		});
	} finally {
		client.dispose();
	}
	throw new SshError({ operation, kind: 'lost', message: 'The server showed no key' });
}
