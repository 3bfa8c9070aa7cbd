import { outcome, type Invocation, type Outcome } from '../ssh/shell.ts';
import type { Guest } from './commands.ts';
import { connect, withDatabases, writePassword } from './server.ts';
import { newDatabase, templateGuest, type GuestState } from './state.ts';

/** Real-life milliseconds of each step, as a small node takes them with a mirror near by. */
const STEP_MS: Record<string, number> = {
	base: 25_000,
	locale: 12_000,
	user: 500,
	postgresql: 30_000,
	role: 800,
	wkhtmltopdf: 35_000,
	sources: 40_000,
	python: 90_000,
	config: 400,
	service: 6_000,
	nginx: 8_000,
	databases: 110_000,
	verify: 3_000,
	clean: 4_000
};
const NAMES = Object.keys(STEP_MS);
/** Of `--kind postgres`. */
export const POSTGRES_STEPS = ['base', 'locale', 'postgresql', 'role', 'verify', 'clean'];
/** Steps that may have something to do in a system that is whole: another host, another role, another network. */
const AGAIN = ['postgresql', 'role', 'config', 'service', 'databases'];
/** Sources that were pushed or fetched, as `sources` leaves a note of them. */
const SOURCES = '/etc/erpcore/sources';

/** What a step cannot do without: programs and files that only another one brings. */
const NEEDS: Record<string, string[]> = {
	role: ['postgresql'],
	sources: ['base'],
	python: ['user', 'sources'],
	config: ['user', 'sources'],
	service: ['config', 'python'],
	nginx: ['base'],
	databases: ['python', 'config', 'role'],
	verify: ['service', 'nginx', 'databases'],
	clean: ['verify']
};

/** Whether stdin is setup_odoo_lxc as it is sent into a container: `bash -s -- STEP …`. */
export function isSetup({ argv, stdin }: Invocation): boolean {
	const [program = '', flag] = argv;
	const text = stdin.subarray(0, 400).toString('utf8');
	return program.endsWith('bash') && flag === '-s' && text.includes('# setup_odoo_lxc');
}

/** One step of setup_odoo_lxc on a system that may be a bare Debian still. */
export async function runSetup(guest: Guest, call: Invocation): Promise<Outcome> {
	const { argv, signal } = call;
	const [step = '', ...words] = argv.slice(argv[2] === '--' ? 3 : 2);
	const options = optionsOf(words);
	const isServer = options.kind === 'postgres';
	const version = isServer ? 18 : Number.parseInt(options.version ?? '', 10);
	if (![17, 18, 19, 20].includes(version))
		return failed(`no version of Odoo that this knows: '${options.version ?? ''}'`);
	const names = isServer ? POSTGRES_STEPS : NAMES;
	if (!names.includes(step)) return failed(`no step '${step}'; there are: ${names.join(' ')}`);
	const state = guest.state ?? bare(version);
	const done = state.installed ?? names;
	const needs = isServer && step === 'verify' ? ['postgresql'] : (NEEDS[step] ?? []);
	const lacking = needs.find((name) => !done.includes(name));
	if (lacking) return outcome(1, '', `main: line 90: step ${lacking} is missing: not found\n`);
	const isDone = guest.state !== null && done.includes(step);
	const isFar = options.postgres !== undefined && AGAIN.includes(step);
	const again = isFar || (isServer && AGAIN.includes(step));
	if (isDone && step !== 'clean' && step !== 'sources' && !again) return outcome(0);
	if (!isDone || step === 'databases') await guest.wait(STEP_MS[step] ?? 1_000, signal);
	const password = /^PG_PASSWORD='?([^'\n]*)'?$/m.exec(call.stdin.toString('utf8'))?.[1];
	const problem = isServer
		? applyServer(state, step, options, password)
		: isFar
			? applyFar(guest, state, step, version, options, password)
			: apply(guest, state, step, version, options);
	if (problem) return failed(problem);
	state.installed = [...new Set([...done, step])];
	// The last step leaves a system like any template.
	if (step === 'clean' || (isServer && step === 'verify')) delete state.installed;
	guest.cluster.guests.set(guest.container.vmid, state);
	return outcome(0, `installing ${step}\ndone: ${step}\n`);
}

function optionsOf(words: string[]): Record<string, string> {
	const options: Record<string, string> = {};
	for (let index = 0; index + 1 < words.length; index += 2)
		options[words[index]!.replace(/^--/, '')] = words[index + 1]!;
	return options;
}

function failed(message: string): Outcome {
	return outcome(1, '', `setup_odoo_lxc: ${message}\n`);
}

function bare(version: number): GuestState {
	const system = templateGuest(version, 0);
	return { ...system, active: false, databases: {}, files: {}, installed: [] };
}

/** @returns why it fails; null when it is done */
function apply(
	guest: Guest,
	state: GuestState,
	step: string,
	version: number,
	options: Record<string, string>
): string | null {
	if (step === 'sources') {
		const note = options.git
			? `odoo ${/\d+/.exec(options.ref ?? '')?.[0] ?? version}`
			: text(state.files[options.archive ?? '']);
		if (!note) return `there is no ${options.archive ?? 'source'}`;
		const found = Number(/odoo (\d+)/.exec(note)?.[1]);
		if (found !== version)
			return `these are the sources of Odoo ${found || '?'}, not of ${version}`;
		state.files[SOURCES] = Buffer.from(note).toString('base64');
	} else if (step === 'config') {
		state.version = version;
		state.files['/etc/odoo/odoo.conf'] = '';
	} else if (step === 'postgresql' && options.kind === 'odoo_only') state.kind = 'odoo_only';
	else if (step === 'service') state.active = options.kind !== 'odoo_only';
	else if (step === 'databases' && options.kind !== 'odoo_only') {
		addTemplates(guest, state.databases, version, '');
	}
	return null;
}

function addTemplates(
	guest: Guest,
	databases: GuestState['databases'],
	version: number,
	suffix: string
): void {
	for (const [language, lang] of [
		['es', 'es_419'],
		['en', 'en_US']
	] as const) {
		const name = `tpl_${version}_${language}${suffix}`;
		if (databases[name]) continue;
		const made = newDatabase(name, version, guest.cluster.now(), { lang });
		for (const module of ['mail', 'contacts']) made.modules[module] = 'installed';
		databases[name] = made;
	}
}

/** Of a system with PostgreSQL alone. @returns why it fails; null when it is done */
function applyServer(
	state: GuestState,
	step: string,
	options: Record<string, string>,
	password: string | undefined
): string | null {
	state.kind = 'postgres';
	if (step === 'postgresql') {
		if (!options.network) return '--network says who may connect';
		state.server = { roles: state.server?.roles ?? {}, networks: options.network.split(',') };
	} else if (step === 'role') {
		const role = options.role ?? 'odoo';
		if (!state.server) return 'nobody may connect from the network';
		state.server.roles[role] = password ?? state.server.roles[role] ?? null;
	}
	return null;
}

/** Of an Odoo whose databases are elsewhere. @returns why it fails; null when it is done */
function applyFar(
	guest: Guest,
	state: GuestState,
	step: string,
	version: number,
	options: Record<string, string>,
	password: string | undefined
): string | null {
	const [host, role] = [options.postgres ?? '', options.role ?? 'odoo'];
	const { cluster, container } = guest;
	if (step === 'role' && password !== undefined) {
		writePassword(state, host, role, password);
		const session = connect(cluster, { container, state }, host, role);
		if ('error' in session) return `PostgreSQL on ${host} does not let ${role} in`;
	} else if (step === 'config') {
		Object.assign(state, { version, databaseHost: host, databaseRole: role });
		state.files['/etc/odoo/odoo.conf'] = '';
	} else if (step === 'service') state.active = true;
	else if (step === 'databases') {
		const whole = withDatabases(cluster, container, state);
		if ('error' in whole) return `psql: error: ${whole.error}`;
		addTemplates(guest, whole.state.databases, version, options.suffix ?? '');
	}
	return null;
}

function text(content: string | undefined): string {
	return content === undefined ? '' : Buffer.from(content, 'base64').toString('utf8');
}

/**
 * What lies under a path of a node's own: archives of Odoo's sources, named as Odoo names them
 * (`odoo_18.0.latest.tar.gz`); nothing else.
 */
export function archiveAt(path: string): Buffer | null {
	const version = /\/odoo[_-](\d+)\.0[\w.+-]*\.tar(\.gz|\.xz|\.zst)?$/.exec(path)?.[1];
	return version ? Buffer.from(`odoo ${version}`) : null;
}
