import type { NodeSSH } from 'node-ssh';
import type { ClientChannel } from 'ssh2';
import { SshError } from './errors.ts';

/**
 * Begins a command and leaves its streams to the caller.
 * @param command words that the shell of the other side understands
 * @throws {SshError} lost
 */
export function openChannel(client: NodeSSH, command: string): Promise<ClientChannel> {
	return new Promise((resolve, reject) => {
		const lost = (cause?: Error) =>
			new SshError({
				operation: 'ssh.pipe',
				kind: 'lost',
				message: 'The connection ended before the command began',
				retryable: true,
				cause
			});
		if (!client.connection) return reject(lost());
		client.connection.exec(command, (error, channel) => {
			if (error) reject(lost(error));
			else resolve(channel);
		});
	});
}
