import { outcome, type Invocation, type Outcome } from '../ssh/shell.ts';
import type { Guest } from './commands.ts';
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
export async function runSetup(guest: Guest, { argv, signal }: Invocation): Promise<Outcome> {
	const [step = '', ...words] = argv.slice(argv[2] === '--' ? 3 : 2);
	const options = optionsOf(words);
	const version = Number.parseInt(options.version ?? '', 10);
	if (![17, 18, 19, 20].includes(version))
		return failed(`no version of Odoo that this knows: '${options.version ?? ''}'`);
	if (!NAMES.includes(step)) return failed(`no step '${step}'; there are: ${NAMES.join(' ')}`);
	const state = guest.state ?? bare(version);
	const done = state.installed ?? NAMES;
	const lacking = (NEEDS[step] ?? []).find((name) => !done.includes(name));
	if (lacking) return outcome(1, '', `main: line 90: step ${lacking} is missing: not found\n`);
	if (guest.state && done.includes(step) && step !== 'clean' && step !== 'sources')
		return outcome(0);
	await guest.wait(STEP_MS[step] ?? 1_000, signal);
	const problem = apply(guest, state, step, version, options);
	if (problem) return failed(problem);
	state.installed = [...new Set([...done, step])];
	// The last step leaves a system like any template.
	if (step === 'clean') delete state.installed;
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
	} else if (step === 'service') state.active = options.kind !== 'odoo_only';
	else if (step === 'databases' && options.kind !== 'odoo_only') {
		for (const [suffix, lang] of [
			['es', 'es_419'],
			['en', 'en_US']
		] as const) {
			const name = `tpl_${version}_${suffix}`;
			state.databases[name] ??= newDatabase(name, version, guest.cluster.now(), { lang });
			for (const module of ['mail', 'contacts'])
				state.databases[name].modules[module] = 'installed';
		}
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
