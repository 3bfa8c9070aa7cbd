import { setTimeout as sleep } from 'node:timers/promises';
import type { Kernel } from '../kernel/kernel.ts';
import { outcome, type Invocation, type Outcome } from '../ssh/shell.ts';
import { catchUp } from './service.ts';
import type { JournalEntry, Machine } from './state.ts';

/** How often somebody who follows is told, as inotify would at once. */
const FOLLOW_MS = 20;
const BOOT = 'b6d1c2f04d0a4f0c8a1d7e2f3c4b5a69';

interface Asked {
	units: string[];
	lines: number;
	after: number | null;
	follow: boolean;
	format: 'json' | 'cat';
}

/** `journalctl -u UNIT -n N -o json|cat [--after-cursor C] [-f]` over the journal of a system. */
export async function journalctl(
	kernel: Kernel,
	machine: Machine,
	args: string[],
	invocation: Invocation
): Promise<Outcome> {
	const asked = askedFor(args);
	if (typeof asked === 'string') return outcome(1, '', `${asked}\n`);
	const since = (index: number): JournalEntry[] => {
		catchUp(kernel, machine);
		return machine.journal.filter(
			(entry) => entry.index > index && asked.units.includes(entry.unit)
		);
	};
	const first = since(asked.after ?? 0).slice(-asked.lines || Infinity);
	let told = machine.lastIndex;
	const text = first.map((entry) => written(entry, asked.format)).join('');
	if (!asked.follow || !invocation.emit) {
		return outcome(0, first.length === 0 && asked.format === 'cat' ? '-- No entries --\n' : text);
	}
	invocation.emit(Buffer.from(text));
	while (!invocation.signal.aborted) {
		await sleep(FOLLOW_MS);
		const fresh = since(told);
		told = machine.lastIndex;
		if (fresh.length > 0)
			invocation.emit(Buffer.from(fresh.map((entry) => written(entry, asked.format)).join('')));
	}
	return outcome(130);
}

function askedFor(args: string[]): Asked | string {
	const asked: Asked = { units: [], lines: Infinity, after: null, follow: false, format: 'cat' };
	const words = args.flatMap((arg) =>
		arg.startsWith('--') && arg.includes('=')
			? [arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1)]
			: [arg]
	);
	while (words.length > 0) {
		const option = words.shift()!;
		if (option === '-f' || option === '--follow') asked.follow = true;
		else if (option === '--no-pager' || option === '-q' || option === '--quiet') continue;
		else if (option === '-u' || option === '--unit')
			asked.units.push(serviceName(words.shift() ?? ''));
		else if (option === '-n' || option === '--lines') asked.lines = Number(words.shift());
		else if (option === '-o' || option === '--output') {
			const format = words.shift();
			if (format !== 'json' && format !== 'cat') return `Unknown output format '${format}'.`;
			asked.format = format;
		} else if (option === '--after-cursor') {
			const index = /;i=([0-9a-f]+);/.exec(words.shift() ?? '')?.[1];
			if (!index) return 'Failed to seek to cursor: Invalid argument';
			asked.after = Number.parseInt(index, 16);
		} else return `journalctl: unrecognized option '${option}'`;
	}
	if (asked.follow && asked.lines === Infinity) asked.lines = 10;
	return asked;
}

function serviceName(name: string): string {
	return name.endsWith('.service') ? name : `${name}.service`;
}

function written(entry: JournalEntry, format: Asked['format']): string {
	if (format === 'cat') return `${entry.message}\n`;
	const fields = {
		__CURSOR: `s=4f3d2c1b0a994e5f8d7c6b5a49382716;i=${entry.index.toString(16)};b=${BOOT};m=${(entry.us % 1e12).toString(16)};t=${entry.us.toString(16)};x=${entry.index}`,
		__REALTIME_TIMESTAMP: String(entry.us),
		_BOOT_ID: BOOT,
		_HOSTNAME: 'cloudflared',
		PRIORITY: String(entry.priority),
		SYSLOG_IDENTIFIER: entry.identifier,
		_PID: String(entry.identifier === 'systemd' ? 1 : entry.pid),
		...(entry.identifier === 'systemd' ? { UNIT: entry.unit } : { _SYSTEMD_UNIT: entry.unit }),
		MESSAGE: entry.message
	};
	return `${JSON.stringify(fields)}\n`;
}
