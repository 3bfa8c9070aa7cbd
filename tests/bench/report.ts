import { cpus, loadavg } from 'node:os';

export interface Figure {
	what: string;
	/** As measured. */
	value: number;
	unit: 'ms' | 's' | 'MB' | 'kB' | 'points' | 'failed' | 'domains' | 'calls' | 'min' | '%';
	/** What it should be at most (`points`: at least) on a quiet machine with two cores; printed, not asserted. */
	aim?: number;
	/** Measured in the same run, in the same unit: what the machine needs for next to nothing. */
	reference?: { what: string; value: number };
}

const figures: Figure[] = [];

/** Prints a figure now, and again in the table at the end. */
export function figure(measured: Figure): void {
	figures.push(measured);
	console.log(`  ${line(measured)}`);
}

/** Says why something has no figure. */
export function notMeasured(what: string, reason: string): void {
	console.log(`  ${what}: not measured (${reason})`);
}

export function heading(text: string): void {
	console.log(`\n${text}   [load ${loadavg()[0]?.toFixed(1)} on ${cpus().length} cores]`);
}

/** Every figure of this run as a table in Markdown. */
export function table(): string {
	const rows = figures.map(({ what, value, unit, aim, reference }) => [
		what,
		`${round(value)} ${unit}`,
		reference ? `${round(reference.value)} ${unit} (${reference.what})` : '',
		reference ? `× ${round(value / reference.value)}` : '',
		aim === undefined ? '' : `${unit === 'points' ? '≥' : '≤'} ${aim} ${unit}`
	]);
	const head = ['Figure', 'Measured', 'Reference', 'Ratio', 'Aim'];
	return [head, head.map(() => '---'), ...rows]
		.map((cells) => `| ${cells.join(' | ')} |`)
		.join('\n');
}

function line({ what, value, unit, aim, reference }: Figure): string {
	const parts = [`${what}: ${round(value)} ${unit}`];
	if (reference) {
		const { what: name, value: base } = reference;
		parts.push(`× ${round(value / base)} of ${name} (${round(base)} ${unit})`);
	}
	if (aim !== undefined) parts.push(`aim ${unit === 'points' ? '≥' : '≤'} ${aim}`);
	return parts.join('  ·  ');
}

function round(value: number): string {
	if (!Number.isFinite(value)) return '–';
	return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
