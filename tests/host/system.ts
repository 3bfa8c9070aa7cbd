import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join, resolve } from 'node:path';
import { type Container, run, type Ran } from './container.ts';

export const VMID = 9101;
export const SCRIPT = resolve('deploy/lxc/setup_odoo_lxc');
/** What stands in for Odoo's sources. */
export const SOURCES = resolve('tests/host/odoo');
const INSIDE = resolve('deploy/lxc/inside');
/** The parts inside as one text, in the order of their names. */
export const STEPS = readdirSync(INSIDE)
	.sort()
	.map((name) => readFileSync(join(INSIDE, name), 'utf8'))
	.join('');

/** @throws {Error} with what it said, unless it ended with 0 */
export async function well(ran: Promise<Ran>): Promise<Ran> {
	const ended = await ran;
	if (ended.code !== 0)
		throw new Error(`${ended.code}: ${ended.stdout.slice(-1000)}${ended.stderr}`);
	return ended;
}

/** The container as those see it who work on it. */
export function systemIn(container: Container) {
	const line = async (...argv: string[]) => (await container.exec(argv)).stdout.trim();
	return {
		/** What a command says. */
		line,
		/** The script as somebody types it on a Proxmox host. */
		hand: (...words: string[]): Promise<Ran> =>
			run(SCRIPT, words, { env: container.asProxmoxHost(VMID) }),
		/** One step, as a worker of ours sends it. */
		step: (name: string, ...options: string[]): Promise<Ran> =>
			container.exec(['bash', '-s', '--', name, '--version', '18', ...options], STEPS),
		/** Everything that a step may have written, by content, mode and owner; what changes by itself aside. */
		fingerprint: async (): Promise<string> => {
			const files = `find /etc /opt /usr/local /var/lib/odoo -xdev \\( -name __pycache__ -prune \\) -o -type f -printf '%p %m %u %s ' -exec sha256sum {} \\; | sort`;
			const psql = ['runuser', '-u', 'odoo', '--', 'psql', '-X', '-Atl', '-d', 'postgres'];
			return [
				await line('sh', '-c', files),
				await line('dpkg-query', '-W'),
				await line(...psql)
			].join('\n');
		},
		/** What the world sees: nginx's port, from outside. */
		get: (path: string, headers: Record<string, string> = {}) =>
			new Promise<{ status: number; body: string }>((resolve, reject) => {
				request({ host: container.address, path, headers }, (answer) => {
					let body = '';
					answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
					answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
				})
					.on('upgrade', (answer, socket) => {
						socket.destroy();
						resolve({ status: answer.statusCode ?? 0, body: '' });
					})
					.on('error', reject)
					.end();
			})
	};
}
