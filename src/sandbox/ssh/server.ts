import { createHash, timingSafeEqual } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import ssh2, { type AuthContext, type Connection, type ServerChannel } from 'ssh2';
import type { Fault } from '../kernel/faults.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { clusterOf, type Cluster } from '../proxmox/cluster.ts';
import { NodeServer } from '../proxmox/server.ts';
import type { NodeState } from '../proxmox/state.ts';
import { keyFolder, keyPair, type KeyPair } from './keys.ts';
import { runOnNode } from './pct.ts';
import { runPrefixed } from './prefixes.ts';
import { outcome, runLine, type Invocation, type Outcome } from './shell.ts';
import { enter, enters, terminalOf } from './terminals.ts';

export interface SshAccess {
	node: string;
	host: string;
	port: number;
	user: string;
	/** Private key of the one client that may log in. */
	key_path: string;
	/** `SHA256:…` of the host key, as `ssh-keygen -l` prints it. */
	host_key: string;
}

export interface SshStandIn {
	nodes: SshAccess[];
	close(): Promise<void>;
}

/** Real-life milliseconds of starting `pct` (Perl) on a node. */
const PCT_MS = 350;
/** How long a client that says nothing on stdin may yet begin to. */
const SILENT_MS = 30_000;

/**
 * Starts one SSH server per node: public key only, `exec` only, as root.
 * @param options.ports one per node in order; 0 or missing takes any free one
 * @param options.dataDir where host keys and the client's key live; null: a temporary folder, removed by `close`
 */
export async function startSsh(
	kernel: Kernel,
	options: { ports: number[]; dataDir: string | null }
): Promise<SshStandIn> {
	const cluster = clusterOf(kernel);
	const folder = keyFolder(options.dataDir);
	const clientKey = keyPair(join(folder, 'id_ed25519'), 'erp-core');
	const servers = new Map<string, { server: NodeServer; access: SshAccess }>();
	const start = async (node: NodeState, wanted: number): Promise<SshAccess> => {
		const known = servers.get(node.name);
		if (known) return known.access;
		const hostKey = keyPair(join(folder, `host_${node.name}`), node.name);
		const server = new NodeServer((port) => listen(cluster, node.name, hostKey, clientKey, port));
		const port = await server.open(wanted);
		if (!node.online) await server.follow(false);
		cluster.watch((changed) => {
			if (changed.name === node.name) void server.follow(changed.online);
		});
		const access: SshAccess = {
			node: node.name,
			host: '127.0.0.1',
			port,
			user: 'root',
			key_path: join(folder, 'id_ed25519'),
			host_key: fingerprint(hostKey.public)
		};
		servers.set(node.name, { server, access });
		return access;
	};
	cluster.serve(async (node) => {
		const access = await start(node, 0);
		if (node.joined) node.joined.ssh = access.port;
		return { ssh: access };
	});
	const nodes = await Promise.all(
		cluster.state.nodes.map(async (node, index) => ({
			joined: node.joined !== undefined,
			access: await start(node, node.joined?.ssh ?? options.ports[index] ?? 0)
		}))
	);
	return {
		nodes: nodes.flatMap(({ joined, access }) => (joined ? [] : [access])),
		close: async () => {
			await Promise.all([...servers.values()].map(({ server }) => server.close()));
			if (!options.dataDir) rmSync(folder, { recursive: true, force: true });
		}
	};
}

/** `SHA256:` and the unpadded base64 of the public key's digest. */
export function fingerprint(publicKey: string): string {
	const blob = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');
	return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

async function listen(
	cluster: Cluster,
	node: string,
	hostKey: KeyPair,
	clientKey: KeyPair,
	port: number
): Promise<{ port: number; close(): Promise<void> }> {
	const open = new Set<Connection>();
	const server = new ssh2.Server(
		{ hostKeys: [hostKey.private], ident: 'OpenSSH_10.0p2 Debian-7' },
		(client) => {
			open.add(client);
			client.on('close', () => open.delete(client));
			// A client that goes away in the middle is its own affair.
			client.on('error', () => open.delete(client));
			client.on('authentication', (context) => authenticate(context, clientKey));
			client.on('session', (accept) => {
				const session = accept();
				const pty = terminalOf(session);
				session.on('exec', (acceptExec, _reject, info) => {
					const terminal = pty();
					const vmid = terminal && enters(info.command);
					if (vmid) enter(cluster, node, vmid, terminal, acceptExec());
					else void serve(cluster, node, client, acceptExec(), info.command);
				});
				session.on('shell', (_accept, reject) => reject?.());
				session.on('subsystem', (_accept, reject) => reject?.());
			});
		}
	);
	// As sshd does: without it every small answer waits for the acknowledgement of the one before.
	const listener = createServer({ noDelay: true }, (socket) => server.injectSocket(socket));
	await new Promise<void>((resolve, reject) => {
		listener.once('error', reject);
		listener.listen(port, '127.0.0.1', resolve);
	});
	const address = listener.address();
	return {
		port: typeof address === 'object' && address ? address.port : port,
		close: () =>
			new Promise((resolve) => {
				for (const client of open) client.end();
				listener.close(() => resolve());
				// A client that does not say goodbye is not waited for.
				setTimeout(() => resolve(), 500).unref();
			})
	};
}

function authenticate(context: AuthContext, clientKey: KeyPair): void {
	const allowed = ssh2.utils.parseKey(clientKey.public);
	if (context.method !== 'publickey' || context.username !== 'root' || allowed instanceof Error) {
		context.reject(['publickey']);
		return;
	}
	const known = allowed.getPublicSSH();
	const same = context.key.data.length === known.length && timingSafeEqual(context.key.data, known);
	const signed =
		!context.signature ||
		!context.blob ||
		allowed.verify(context.blob, context.signature, context.hashAlgo) === true;
	if (same && signed) context.accept();
	else context.reject(['publickey']);
}

async function serve(
	cluster: Cluster,
	node: string,
	client: Connection,
	channel: ServerChannel,
	command: string
): Promise<void> {
	const { kernel } = cluster;
	const started = performance.now();
	const gone = new AbortController();
	channel.on('close', () => gone.abort());
	channel.on('error', () => gone.abort());
	const stdin = await readAll(channel);
	const fault = kernel.faults.take('ssh', command, stdin.toString('utf8'));
	let result: Outcome | null = null;
	if (fault?.kind === 'delay' && fault.when === 'before') await sleep(fault.ms ?? 1000);
	if (!fault || fault.kind === 'delay' || fault.when === 'after') {
		await kernel.work('ssh', PCT_MS);
		const emit = (chunk: Buffer) => void (channel.writable && channel.write(chunk));
		result = await run(cluster, node, command, { stdin, emit, signal: gone.signal });
		kernel.faults.struck(fault);
	}
	if (fault?.kind === 'delay' && fault.when === 'after') await sleep(fault.ms ?? 1000);
	const sent = fault && fault.kind !== 'delay' ? spoil(fault, client) : result;
	kernel.calls.add({
		at: kernel.clock.nowMs(),
		vendor: 'ssh',
		line: command,
		request: stdin.toString('utf8'),
		status: sent?.code ?? fault?.kind ?? 'lost',
		response: sent ? `${sent.stdout.toString('utf8')}${sent.stderr.toString('utf8')}` : undefined,
		ms: Math.round(performance.now() - started),
		fault: fault?.kind
	});
	if (!sent || !channel.writable) return;
	if (sent.stderr.length > 0) channel.stderr.write(sent.stderr);
	channel.write(sent.stdout);
	channel.exit(sent.code);
	channel.end();
}

/** What the client gets in place of the real outcome; null: nothing more comes. */
function spoil(fault: Fault, client: Connection): Outcome | null {
	if (fault.kind === 'status') return outcome(fault.status ?? 1, '', fault.body ?? '');
	if (fault.kind === 'malformed') return outcome(0, fault.body ?? '\u0000garbage');
	if (fault.kind === 'reset' || fault.kind === 'drop') client.end();
	return null;
}

async function run(
	cluster: Cluster,
	node: string,
	command: string,
	{ stdin, emit, signal }: Pick<Invocation, 'stdin' | 'emit' | 'signal'>
): Promise<Outcome> {
	// A node's own files are out of reach: nothing that we send reads or writes them.
	const files = { read: () => null, write: () => undefined };
	try {
		return await runLine(
			command,
			stdin,
			(invocation) =>
				runPrefixed({ ...invocation, emit }, (inner) => runOnNode(cluster, node, inner), files),
			files,
			signal
		);
	} catch (error) {
		if (signal.aborted) return outcome(255);
		throw error;
	}
}

/**
 * Everything on stdin. A client that neither writes nor closes it gets its command run without; one that is only slow, on a
 * busy machine, must not: its statement would be lost, and the answer be empty.
 */
async function readAll(channel: ServerChannel): Promise<Buffer> {
	const chunks: Buffer[] = [];
	return new Promise((resolve) => {
		const silent = setTimeout(() => resolve(Buffer.alloc(0)), SILENT_MS).unref();
		channel.on('data', (chunk: Buffer) => {
			clearTimeout(silent);
			chunks.push(chunk);
		});
		const done = () => {
			clearTimeout(silent);
			resolve(Buffer.concat(chunks));
		};
		channel.on('end', done);
		channel.on('close', done);
	});
}
