import type { Fault } from '../kernel/faults.ts';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { outcome, type Invocation, type Outcome } from '../ssh/shell.ts';
import type { Guest } from './commands.ts';
import { databaseCommand } from './cli-db.ts';
import { ODOO_MS } from './durations.ts';
import { refusedEntry } from './pg-tools.ts';
import { NOT_UP } from './psql.ts';
import { ownerOf } from './server.ts';
import { runShellScript } from './shell-script.ts';
import { newDatabase, type GuestState } from './state.ts';

/** The options that matter here, and the words that are no options. */
export interface OdooArguments {
	command: string;
	words: string[];
	options: Record<string, string>;
	flags: Set<string>;
}

/** Options that take the next word as their value. */
const VALUED: Record<string, string> = {
	'-c': 'config',
	'--config': 'config',
	'-d': 'database',
	'--database': 'database',
	'-i': 'init',
	'--init': 'init',
	'-u': 'update',
	'--update': 'update',
	'-D': 'data-dir',
	'--data-dir': 'data-dir',
	'--load-language': 'load-language',
	'-l': 'load-language',
	'--language': 'language',
	'--country': 'country',
	'--username': 'username',
	'--password': 'password',
	'--without-demo': 'without-demo',
	'--format': 'format',
	'--http-port': 'http-port',
	'-p': 'http-port',
	'--log-level': 'log-level',
	'--logfile': 'logfile',
	'--workers': 'workers'
};

function parse(args: string[], version: number): OdooArguments {
	const parsed: OdooArguments = { command: 'server', words: [], options: {}, flags: new Set() };
	for (let index = 0; index < args.length; index += 1) {
		const arg = args[index]!;
		const [name = '', ...inline] = arg.split('=');
		const key = VALUED[name];
		if (inline.length > 0 && key) parsed.options[key] = inline.join('=');
		// From 19 on the demo switch takes no value.
		else if (key && !(key === 'without-demo' && version >= 19))
			parsed.options[key] = args[(index += 1)] ?? '';
		else if (arg.startsWith('-')) parsed.flags.add(name);
		else parsed.words.push(arg);
	}
	const [first] = parsed.words;
	if (first && ['db', 'shell', 'module', 'neutralize', 'server'].includes(first)) {
		parsed.command = first;
		parsed.words.shift();
	}
	return parsed;
}

/**
 * `odoo-bin` with `db`, `shell`, `module` or plain server options. Faults with target `odoo` match the command without
 * its configuration option: `odoo-bin db duplicate tpl_18_es acme`, `odoo-bin shell -d acme`, `odoo-bin -d acme -i base`.
 * `drop` and `malformed` report success without any effect, `reset` kills the process in the middle, `timeout` never ends.
 */
export async function runOdoo(
	guest: Guest,
	state: GuestState,
	args: string[],
	invocation: Invocation
): Promise<Outcome> {
	const { kernel } = guest.cluster;
	if (args.includes('--version')) return outcome(0, `Odoo Server ${state.version}.0\n`);
	const parsed = parse(args, state.version);
	const line = lineOf(parsed);
	const started = performance.now();
	const fault = kernel.faults.take('odoo', line, invocation.stdin.toString('utf8'));
	const result = await withFault(guest, fault, async (interrupted) => {
		const done = await dispatch(guest, state, parsed, invocation, interrupted);
		kernel.faults.struck(fault);
		return done;
	});
	kernel.calls.add({
		at: kernel.clock.nowMs(),
		vendor: 'odoo',
		line: `${guest.container.vmid}: ${line}`,
		status: result.code,
		response: `${result.stdout.subarray(0, 2000).toString('utf8')}${result.stderr.toString('utf8')}`,
		ms: Math.round(performance.now() - started),
		fault: fault?.kind
	});
	return result;
}

function lineOf({ command, words, options }: OdooArguments): string {
	const parts = ['odoo-bin', ...(command === 'server' ? [] : [command]), ...words];
	if (options.database) parts.push('-d', options.database);
	if (options.init) parts.push('-i', options.init);
	return parts.join(' ');
}

/** @param run is told whether the process is to be killed half-way */
async function withFault(
	guest: Guest,
	fault: Fault | undefined,
	run: (interrupted: boolean) => Promise<Outcome>
): Promise<Outcome> {
	const { clock } = guest.cluster.kernel;
	const log = `${new Date(clock.nowMs()).toISOString().slice(0, 19).replace('T', ' ')} INFO ? odoo: done\n`;
	switch (fault?.kind) {
		case undefined:
			return run(false);
		case 'delay':
			if (fault.when === 'before') await sleep(fault.ms ?? 1000);
			{
				const late = await run(false);
				if (fault.when === 'after') await sleep(fault.ms ?? 1000);
				return late;
			}
		case 'reset':
			await run(true);
			return outcome(137, '', 'Killed\n');
		case 'timeout':
			if (fault.when === 'after') await run(false);
			return new Promise(() => undefined);
		case 'status': {
			if (fault.when === 'after') await run(false);
			return outcome(
				fault.status ?? 1,
				'',
				fault.body ?? 'Traceback (most recent call last):\npsycopg2.OperationalError\n'
			);
		}
		default:
			return outcome(0, '', log);
	}
}

async function dispatch(
	guest: Guest,
	state: GuestState,
	parsed: OdooArguments,
	invocation: Invocation,
	interrupted: boolean
): Promise<Outcome> {
	await guest.wait(ODOO_MS.start, invocation.signal);
	if (guest.container.readyAtMs > Date.now()) {
		return outcome(1, '', `psycopg2.OperationalError: ${NOT_UP}`);
	}
	switch (parsed.command) {
		case 'db':
			return databaseCommand(guest, state, parsed, invocation, interrupted);
		case 'shell':
			return shell(guest, state, parsed, invocation, interrupted);
		case 'module':
			return moduleCommand(guest, state, parsed, invocation);
		default:
			return server(guest, state, parsed, invocation, interrupted);
	}
}

async function shell(
	guest: Guest,
	state: GuestState,
	{ options }: OdooArguments,
	{ stdin, signal }: Invocation,
	interrupted: boolean
): Promise<Outcome> {
	const name = options.database;
	if (!name) return outcome(1, '', "NameError: name 'env' is not defined\n");
	const database = state.databases[name];
	if (!database) return missing(name);
	const refused = refusedEntry(database, ownerOf(database));
	if (refused) return outcome(1, '', `psycopg2.OperationalError: ${refused}`);
	if (!database.complete)
		return outcome(
			1,
			'',
			`KeyError: 'ir.http'\npsycopg2.errors.UndefinedTable: relation "ir_module_module" does not exist\n`
		);
	await guest.wait(ODOO_MS.shell, signal);
	const { database: after, ...result } = runShellScript(database, stdin.toString('utf8'));
	if (!interrupted && after) {
		state.databases[name] = after;
		guest.changed();
	}
	return outcome(result.code, result.stdout, result.stderr);
}

export function missing(name: string): Outcome {
	return outcome(
		1,
		'',
		`psycopg2.OperationalError: connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: FATAL:  database "${name}" does not exist\n`
	);
}

/** `-d X -i base …`: creates the database when it is absent, then installs. */
async function server(
	guest: Guest,
	state: GuestState,
	{ options, flags, words }: OdooArguments,
	{ signal }: Invocation,
	interrupted: boolean
): Promise<Outcome> {
	if (words.length > 0)
		return outcome(2, '', `odoo-bin: error: unrecognized parameters: '${words.join(' ')}'\n`);
	if (!flags.has('--stop-after-init'))
		return outcome(1, '', 'Address already in use\nPort 8069 is in use by another program.\n');
	const name = options.database ?? '';
	if (!name)
		return outcome(
			1,
			'',
			'odoo-bin: error: the -i option cannot be used without the database name (-d)\n'
		);
	const modules = (options.init ?? '').split(',').filter(Boolean);
	let database = state.databases[name];
	if (!database?.complete) {
		if (modules.length === 0) return missing(name);
		const demo =
			state.version >= 19 ? flags.has('--with-demo') : options['without-demo'] === undefined;
		database = newDatabase(name, state.version, guest.cluster.now(), {
			lang: options['load-language']?.split(',')[0],
			demo
		});
		database.complete = false;
		state.databases[name] = database;
		guest.changed();
		await guest.wait(interrupted ? ODOO_MS.init / 2 : ODOO_MS.init, signal);
		if (interrupted) return outcome(137);
		database.complete = true;
	}
	for (const module of modules) {
		if (module === 'base' || database.modules[module]) continue;
		await guest.wait(ODOO_MS.module, signal);
		if (interrupted) return outcome(137);
		database.modules[module] = 'installed';
	}
	guest.changed();
	return outcome(0, '', `INFO ${name} odoo.modules.loading: Modules loaded.\n`);
}

/** `module install|upgrade|uninstall -d X …` (from 20 on). */
async function moduleCommand(
	guest: Guest,
	state: GuestState,
	{ words, options }: OdooArguments,
	{ signal }: Invocation
): Promise<Outcome> {
	if (state.version < 20) return outcome(2, '', `Unknown command 'module'\n`);
	const database = state.databases[options.database ?? ''];
	if (!database?.complete) return missing(options.database ?? '');
	const [verb, ...modules] = words;
	for (const module of modules) {
		await guest.wait(ODOO_MS.module, signal);
		if (verb === 'uninstall') delete database.modules[module];
		else database.modules[module] = 'installed';
	}
	guest.changed();
	return outcome(0);
}
