import { createHash } from 'node:crypto';
import type { Cluster } from '../proxmox/cluster.ts';
import type { ContainerState } from '../proxmox/state.ts';
import { runCloudflared } from '../cloudflared/commands.ts';
import { runNginx } from '../nginx/commands.ts';
import { runPrefixed } from '../ssh/prefixes.ts';
import { outcome, type Files, type Invocation, type Outcome } from '../ssh/shell.ts';
import { manifests } from './addons.ts';
import { curl } from './curl.ts';
import { runOdoo } from './cli.ts';
import { find, freeBytes, isFolder, move, pgTool, tar } from './pg-tools.ts';
import { psql } from './psql.ts';
import { DuplicateDatabase, withDatabases } from './server.ts';
import { isSetup, POSTGRES_STEPS, runSetup } from './setup.ts';
import { configText, type GuestState } from './state.ts';

/** Where a command runs. */
export interface Guest {
	cluster: Cluster;
	container: ContainerState;
	/** Null on a bare system. */
	state: GuestState | null;
	files: Files;
	/** Waits real-life milliseconds, scaled; throws when the caller is gone. */
	wait(ms: number, signal: AbortSignal): Promise<void>;
	changed(): void;
}

/** Runs a command inside a running container, prefixes (`timeout`, `env`, `runuser`, `sh -c`) included. */
export function runInGuest(
	cluster: Cluster,
	container: ContainerState,
	invocation: Invocation
): Promise<Outcome> {
	const guest = guestOf(cluster, container);
	return runPrefixed(invocation, (inner) => run(guest, inner), guest.files);
}

/** `pct push`: a file of the node lies inside as well. */
export function putFile(
	cluster: Cluster,
	container: ContainerState,
	path: string,
	content: Buffer
): Outcome {
	const guest = guestOf(cluster, container);
	if (!guest.state)
		return outcome(1, '', `failed to create file: ${path}: No such file or directory\n`);
	guest.files.write(path, content);
	return outcome(0);
}

function guestOf(cluster: Cluster, container: ContainerState): Guest {
	const state = cluster.guests.get(container.vmid) ?? null;
	const changed = () => cluster.guests.changed();
	return {
		cluster,
		container,
		state,
		changed,
		files: {
			read: (path) => {
				if (path === '/etc/odoo/odoo.conf' && state) return Buffer.from(configText(state));
				const content = state?.files[path];
				return content === undefined ? null : Buffer.from(content, 'base64');
			},
			write: (path, content) => {
				if (!state) return;
				state.files[path] = content.toString('base64');
				changed();
			}
		},
		wait: async (ms, signal) => {
			signal.throwIfAborted();
			await cluster.kernel.work('odoo', ms, signal);
		}
	};
}

async function run(guest: Guest, invocation: Invocation): Promise<Outcome> {
	const { kernel } = guest.cluster;
	const { node, vmid } = guest.container;
	const told =
		runCloudflared(kernel, { node, vmid }, invocation) ??
		runNginx(kernel, { node, vmid }, invocation);
	if (told) return told;
	const [program = '', ...args] = invocation.argv;
	const name = program.split('/').at(-1)!;
	const plain = PLAIN[name];
	if (plain) return plain(guest, args, invocation);
	if (isSetup(invocation)) return runSetup(guest, invocation);
	if (guest.state) {
		const { cluster, state } = guest;
		if ((name === 'odoo-bin' || name === 'odoo') && has(state, 'python')) {
			if (args.includes('--version')) return runOdoo(guest, state, args, invocation);
			const whole = withDatabases(cluster, guest.container, state);
			if ('error' in whole) return outcome(1, '', `psycopg2.OperationalError: ${whole.error}`);
			return runOdoo(guest, whole.state, args, invocation).catch((error: unknown) => {
				if (error instanceof DuplicateDatabase) return outcome(1, '', error.message);
				throw error;
			});
		}
		if (name === 'psql' && has(state, 'postgresql')) return psql(guest, state, args, invocation);
		if ((name === 'pg_dump' || name === 'pg_restore') && has(state, 'postgresql'))
			return pgTool(guest, state, name, args, invocation);
		const stores = filestores(guest, state);
		if (name === 'tar') return tar(guest, stores, args, invocation);
		if (name === 'find')
			return args.includes('__manifest__.py') ? manifests(state, args) : find(stores, args);
		if (name === 'mv') return move(stores, args);
		if (name === 'curl' && has(guest.state, 'base')) return curl(guest, args, invocation);
		if (name === 'systemctl') return systemctl(guest, guest.state, args);
	}
	return outcome(
		127,
		'',
		`lxc-attach: ${guest.container.vmid}: lxc_attach_run_command: 1841 No such file or directory - Failed to exec "${program}"\n`
	);
}

/** Files of databases lie beside Odoo, wherever the databases are; they are kept with these. */
function filestores({ cluster, container }: Guest, state: GuestState): GuestState {
	const whole = withDatabases(cluster, container, state);
	return 'state' in whole ? whole.state : state;
}

/** Whether a step of setup_odoo_lxc has brought what it brings. */
function has({ installed, kind }: GuestState, step: string): boolean {
	if (kind === 'postgres' && !POSTGRES_STEPS.includes(step)) return false;
	return installed === undefined || installed.includes(step);
}

type Plain = (guest: Guest, args: string[], invocation: Invocation) => Outcome;

const PLAIN: Record<string, Plain> = {
	true: () => outcome(0),
	false: () => outcome(1),
	getent: (_guest, args) => outcome(0, `151.101.2.132   ${args[1] ?? ''}\n`),
	hostname: (guest) => outcome(0, `${guest.container.config.hostname ?? ''}\n`),
	whoami: () => outcome(0, 'root\n'),
	id: () => outcome(0, 'uid=0(root) gid=0(root) groups=0(root)\n'),
	echo: (_guest, args) => outcome(0, `${args.join(' ')}\n`),
	printenv: (_guest, args, { env }) => {
		if (args[0]) return env[args[0]] === undefined ? outcome(1) : outcome(0, `${env[args[0]]}\n`);
		return outcome(
			0,
			Object.entries(env)
				.map(([key, value]) => `${key}=${value}\n`)
				.join('')
		);
	},
	cat: (guest, args, { stdin }) => {
		const parts =
			args.length === 0 || args[0] === '-' ? [stdin] : args.map((path) => guest.files.read(path));
		const missing = parts.indexOf(null);
		if (missing >= 0) return outcome(1, '', `cat: ${args[missing]}: No such file or directory\n`);
		return outcome(0, Buffer.concat(parts.filter((part) => part !== null)));
	},
	tee: (guest, args, { stdin }) => {
		for (const path of args.filter((arg) => !arg.startsWith('-'))) guest.files.write(path, stdin);
		return outcome(0, stdin);
	},
	mkdir: () => outcome(0),
	df: (guest) => outcome(0, `     Avail\n${freeBytes(guest)}\n`),
	test: (guest, args) => {
		const [operator, path = ''] = args;
		if (operator === '-d')
			return outcome(guest.state && isFolder(filestores(guest, guest.state), path) ? 0 : 1);
		const content = guest.files.read(path);
		if (operator === '-e' || operator === '-f') return outcome(content ? 0 : 1);
		if (operator === '-s') return outcome(content && content.length > 0 ? 0 : 1);
		return outcome(2, '', `test: ${operator}: unexpected operator\n`);
	},
	rm: (guest, args) => {
		const force = args.some((arg) => /^-\w*f/.test(arg));
		const folders = args.some((arg) => /^-\w*r/.test(arg));
		for (const path of args.filter((arg) => !arg.startsWith('-'))) {
			if (folders && guest.state) {
				for (const file of Object.keys(guest.state.files))
					if (file.startsWith(`${path}/`)) delete guest.state.files[file];
				guest.changed();
			}
			if (!guest.state || guest.state.files[path] === undefined) {
				if (!force)
					return outcome(1, '', `rm: cannot remove '${path}': No such file or directory\n`);
				continue;
			}
			delete guest.state.files[path];
			guest.changed();
		}
		return outcome(0);
	},
	sha256sum: (guest, args, { stdin }) =>
		eachFile(
			guest,
			args,
			stdin,
			'sha256sum',
			(content, path) => `${createHash('sha256').update(content).digest('hex')}  ${path}\n`
		),
	stat: (guest, args, { stdin }) =>
		eachFile(
			guest,
			args.filter((arg) => arg.startsWith('/')),
			stdin,
			'stat',
			(content) => `${content.length}\n`
		),
	// Of a database's filestore alone: nothing else is asked for.
	du: (guest, args) => {
		const path = args.findLast((arg) => arg.startsWith('/')) ?? '';
		const stores = guest.state && filestores(guest, guest.state);
		const store = stores?.databases[path.split('/').at(-1) ?? '']?.filestore;
		if (!store || Object.keys(store).length === 0)
			return outcome(1, '', `du: cannot access '${path}': No such file or directory\n`);
		const bytes = Object.values(store).reduce(
			(sum, content) => sum + Buffer.from(content, 'base64').length,
			0
		);
		return outcome(0, `${Math.ceil(bytes / 1024)}\t${path}\n`);
	},
	wc: (guest, args, { stdin }) =>
		eachFile(
			guest,
			args.filter((arg) => arg !== '-c'),
			stdin,
			'wc',
			(content, path) => `${content.length} ${path}\n`
		)
};

function eachFile(
	guest: Guest,
	paths: string[],
	stdin: Buffer,
	program: string,
	line: (content: Buffer, path: string) => string
): Outcome {
	if (paths.length === 0) return outcome(0, line(stdin, '-'));
	let output = '';
	for (const path of paths) {
		const content = guest.files.read(path);
		if (!content) return outcome(1, output, `${program}: ${path}: No such file or directory\n`);
		output += line(content, path);
	}
	return outcome(0, output);
}

function systemctl(guest: Guest, state: GuestState, args: string[]): Outcome {
	const [verb, unit = ''] = args.filter((arg) => !arg.startsWith('-'));
	const service = unit.replace(/\.service$/, '');
	if (!['odoo', 'nginx', 'postgresql'].includes(service)) {
		return outcome(
			4,
			verb === 'is-active' ? 'inactive\n' : '',
			`Unit ${unit}.service could not be found.\n`
		);
	}
	const active = service !== 'odoo' || state.active;
	if (verb === 'is-active') return outcome(active ? 0 : 3, active ? 'active\n' : 'inactive\n');
	if (service === 'odoo' && (verb === 'stop' || verb === 'start' || verb === 'restart')) {
		state.active = verb !== 'stop';
		guest.changed();
		return outcome(0);
	}
	return outcome(verb === 'reload' || verb === 'restart' || verb === 'start' ? 0 : 1);
}
