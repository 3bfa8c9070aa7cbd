import type { Kernel } from '../kernel/kernel.ts';
import { outcome, type Invocation, type Outcome } from '../ssh/shell.ts';
import { validate } from './config.ts';
import { FILES, holds } from './files.ts';
import { journalctl } from './journal.ts';
import { start, stop } from './service.ts';
import { cloudflaredDocument, machineAt, unitOf, type Machine, type UnitState } from './state.ts';

/**
 * A command on a system with cloudflared, when it is about cloudflared.
 * @param vmid null: on the node itself
 * @returns null when it is another program's affair
 */
export function runCloudflared(
	kernel: Kernel,
	place: { node: string; vmid: number | null },
	invocation: Invocation
): Promise<Outcome> | Outcome | null {
	const machine = machineAt(kernel, place.node, place.vmid);
	if (!machine) return null;
	const [program = '', ...args] = invocation.argv;
	const name = program.split('/').at(-1)!;
	if (name === 'cloudflared') return cloudflared(machine, args);
	if (name === 'journalctl') return journalctl(kernel, machine, args, invocation);
	if (name === 'systemd-run') return systemdRun(kernel, machine, args, invocation.signal);
	if (name === 'systemctl') return systemctl(kernel, machine, args, invocation.signal);
	const file = FILES[name];
	return file && holds(machine, args) ? file(kernel, machine, args, invocation.stdin) : null;
}

function cloudflared(machine: Machine, args: string[]): Outcome {
	if (args[0] === '--version' || args[0] === '-v' || args[0] === 'version')
		return outcome(0, `cloudflared version ${machine.version} (built 2026-10-06-1540 UTC)\n`);
	const path = optionOf(args, '--config');
	if (args[0] === 'tunnel' && args.join(' ').endsWith('ingress validate')) {
		const file = path === null ? undefined : machine.files[path];
		if (!file || path === null)
			return outcome(1, '', `Cannot determine default configuration path. No file ${path}\n`);
		const { ok, stdout, stderr } = validate(path, file.content);
		return outcome(ok ? 0 : 1, stdout, stderr);
	}
	return outcome(1, '', `No help topic for '${args[0] ?? ''}'\n`);
}

async function systemdRun(
	kernel: Kernel,
	machine: Machine,
	args: string[],
	signal: AbortSignal
): Promise<Outcome> {
	const name = (optionOf(args, '--unit') ?? 'run-r1').replace(/\.service$/, '');
	const config = optionOf(args, '--config');
	const main = Object.values(machine.units).find(({ transient }) => !transient);
	if (machine.units[name]) {
		const said = `Unit ${name}.service was already loaded or has a fragment file.`;
		return outcome(1, '', `Failed to start transient service unit: ${said}\n`);
	}
	if (!config || !args.includes('run') || !main)
		return outcome(1, '', `Failed to find executable ${args.at(-1)}: No such file or directory\n`);
	const unit: UnitState = {
		...main,
		name,
		config,
		transient: true,
		active: 'inactive',
		connectorId: null
	};
	machine.units[name] = unit;
	const problem = await start(kernel, machine, unit, signal);
	if (!problem) return outcome(0);
	delete machine.units[name];
	cloudflaredDocument(kernel).changed();
	return outcome(1, '', failedJob(name));
}

function failedJob(name: string): string {
	return `Job for ${name}.service failed because the control process exited with error code.\nSee "systemctl status ${name}.service" and "journalctl -xeu ${name}.service" for details.\n`;
}

type Verb = (
	kernel: Kernel,
	machine: Machine,
	unit: UnitState,
	signal: AbortSignal
) => Outcome | Promise<Outcome>;

const VERBS: Record<string, Verb> = {
	'is-active': (_kernel, _machine, { active }) =>
		outcome(active === 'active' ? 0 : 3, `${active}\n`),
	status: (_kernel, machine, unit) => {
		const lines = [
			`● ${unit.name}.service - cloudflared`,
			`     Loaded: loaded (/etc/systemd/system/${unit.name}.service; enabled; preset: enabled)`,
			`     Active: ${unit.active}${unit.active === 'active' ? ' (running)' : ''}`,
			`   Main PID: ${unit.pid} (cloudflared)`,
			'',
			...machine.journal.slice(-10).map(({ message }) => message)
		];
		return outcome(unit.active === 'active' ? 0 : 3, `${lines.join('\n')}\n`);
	},
	// The unit that cloudflared installs has no ExecReload.
	reload: (_kernel, _machine, { name }) =>
		outcome(
			3,
			'',
			`Failed to reload ${name}.service: Job type reload is not applicable for unit ${name}.service.\n`
		),
	start: (kernel, machine, unit, signal) =>
		unit.active === 'active' ? outcome(0) : started(kernel, machine, unit, signal),
	stop: async (kernel, machine, unit, signal) => {
		await stop(kernel, machine, unit, signal);
		return outcome(0);
	},
	restart: async (kernel, machine, unit, signal) => {
		await stop(kernel, machine, unit, signal);
		return started(kernel, machine, unit, signal);
	}
};
VERBS['reload-or-restart'] = VERBS.restart!;

async function started(
	kernel: Kernel,
	machine: Machine,
	unit: UnitState,
	signal: AbortSignal
): Promise<Outcome> {
	const problem = await start(kernel, machine, unit, signal);
	return problem ? outcome(1, '', failedJob(unit.name)) : outcome(0);
}

/** Of a service that is not cloudflared's: null, somebody else may know it. */
function systemctl(
	kernel: Kernel,
	machine: Machine,
	args: string[],
	signal: AbortSignal
): Outcome | Promise<Outcome> | null {
	const [verb = '', name = ''] = args.filter((arg) => !arg.startsWith('-'));
	const unit = unitOf(machine, name);
	const exact = args.includes('--timestamp=us+utc');
	if (verb === 'show' && name.startsWith('cloudflared')) return shown(unit, exact);
	if (!unit) {
		if (!name.startsWith('cloudflared')) return null;
		if (verb === 'is-active') return outcome(4, 'inactive\n');
		return outcome(5, '', `Failed to ${verb} ${name}: Unit ${name} not loaded.\n`);
	}
	return (
		VERBS[verb]?.(kernel, machine, unit, signal) ??
		outcome(1, '', `Unknown command verb ${verb}.\n`)
	);
}

/** `systemctl show` answers for units that do not exist, too. */
function shown(unit: UnitState | undefined, exact: boolean): Outcome {
	const lines = unit
		? [
				'LoadState=loaded',
				`ActiveState=${unit.active}`,
				`SubState=${unit.active === 'active' ? 'running' : unit.active === 'failed' ? 'failed' : 'dead'}`,
				`ExecMainStartTimestamp=${unit.startedMs === null ? '' : systemdTime(unit.startedMs, exact)}`
			]
		: ['LoadState=not-found', 'ActiveState=inactive', 'SubState=dead', 'ExecMainStartTimestamp='];
	return outcome(0, `${lines.join('\n')}\n`);
}

/** `Sun 2026-11-22 00:15:00 UTC`, or with microseconds */
function systemdTime(ms: number, exact: boolean): string {
	const iso = new Date(ms).toISOString();
	const day = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][new Date(ms).getUTCDay()];
	return `${day} ${iso.slice(0, 10)} ${iso.slice(11, 19)}${exact ? `${iso.slice(19, 23)}000` : ''} UTC`;
}

function optionOf(args: string[], name: string): string | null {
	const joined = args.find((arg) => arg.startsWith(`${name}=`));
	if (joined) return joined.slice(name.length + 1);
	const at = args.indexOf(name);
	return at < 0 ? null : (args[at + 1] ?? null);
}
