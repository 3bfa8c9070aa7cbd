import { createHash } from 'node:crypto';
import type { IngressRule } from '../cloudflare/state.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { StoreDocument } from '../kernel/store.ts';
import { clusterOf } from '../proxmox/cluster.ts';

/** A file beside cloudflared. */
export interface FileState {
	content: string;
	/** As `stat` prints it: `644`. */
	mode: string;
	/** When content or name last changed: milliseconds of the sandbox's clock. */
	changedMs: number;
}

/** A service of systemd that runs cloudflared. */
export interface UnitState {
	name: string;
	/** Made by systemd-run: gone when it stops. */
	transient: boolean;
	/** Null: configured at Cloudflare, started with a token. */
	config: string | null;
	tunnelId: string;
	active: 'active' | 'inactive' | 'failed';
	/** When the running or the last process was started: milliseconds of the sandbox's clock. */
	startedMs: number | null;
	pid: number;
	/** What it read when it was started. */
	rules: IngressRule[] | null;
	connectorId: string | null;
	/** Of a tunnel that is configured at Cloudflare: the last version that it told of. */
	toldVersion: number;
}

export interface JournalEntry {
	/** Grows by one: the cursor. */
	index: number;
	/** Microseconds since the epoch. */
	us: number;
	unit: string;
	identifier: 'cloudflared' | 'systemd';
	priority: number;
	pid: number;
	message: string;
}

/** A system with cloudflared: a node, or a container on it. */
export interface Machine {
	node: string;
	vmid: number | null;
	version: string;
	/** Absolute path → file; those of other programs are elsewhere. */
	files: Record<string, FileState>;
	units: Record<string, UnitState>;
	journal: JournalEntry[];
	lastIndex: number;
}

interface CloudflaredState {
	machines: Machine[];
}

/** journald forgets the oldest. */
const KEPT_ENTRIES = 5_000;
const documents = new WeakMap<Kernel, StoreDocument<CloudflaredState>>();

/** Every cloudflared of a sandbox. */
export function cloudflaredDocument(kernel: Kernel): StoreDocument<CloudflaredState> {
	let document = documents.get(kernel);
	if (!document) {
		document = kernel.store.document<CloudflaredState>('cloudflared', () => ({ machines: [] }));
		documents.set(kernel, document);
	}
	return document;
}

/** The system at this place, when cloudflared is installed there. @param vmid null: the node itself */
export function machineAt(kernel: Kernel, node: string, vmid: number | null): Machine | null {
	const { machines } = cloudflaredDocument(kernel).get();
	return machines.find((one) => one.vmid === vmid && (vmid !== null || one.node === node)) ?? null;
}

/** `cloudflared.service` and `cloudflared` are one. */
export function unitOf(machine: Machine, name: string): UnitState | undefined {
	return machine.units[name.replace(/\.service$/, '')];
}

/** Writes to the journal of a system. @param priority of syslog; cloudflared's own lines are all 6 */
export function note(
	kernel: Kernel,
	machine: Machine,
	unit: UnitState,
	message: string,
	options: { identifier?: JournalEntry['identifier']; priority?: number } = {}
): void {
	machine.lastIndex += 1;
	machine.journal.push({
		index: machine.lastIndex,
		us: kernel.clock.nowMs() * 1000,
		unit: `${unit.name}.service`,
		identifier: options.identifier ?? 'cloudflared',
		priority: options.priority ?? 6,
		pid: unit.pid,
		message
	});
	machine.journal.splice(0, Math.max(0, machine.journal.length - KEPT_ENTRIES));
	cloudflaredDocument(kernel).changed();
}

/** A line as cloudflared's own logger writes it. */
export function logged(
	kernel: Kernel,
	machine: Machine,
	unit: UnitState,
	level: 'INF' | 'WRN' | 'ERR',
	text: string
): void {
	const at = new Date(kernel.clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z');
	note(kernel, machine, unit, `${at} ${level} ${text}`);
}

/**
 * What a tunnel routes by whose configuration is a file: what the service that was started last has read.
 * @returns null when cloudflared is installed nowhere for it; `down` when none runs
 */
export function localRules(kernel: Kernel, tunnelId: string): IngressRule[] | 'down' | null {
	const units = cloudflaredDocument(kernel)
		.get()
		.machines.flatMap((machine) => Object.values(machine.units).map((unit) => ({ machine, unit })))
		.filter(({ unit }) => unit.tunnelId === tunnelId && unit.config);
	if (units.length === 0) return null;
	const [last] = units
		.filter(({ machine, unit }) => unit.active === 'active' && isUp(kernel, machine))
		.sort((a, b) => (b.unit.startedMs ?? 0) - (a.unit.startedMs ?? 0));
	return last ? (last.unit.rules ?? []) : 'down';
}

function isUp(kernel: Kernel, { node, vmid }: Machine): boolean {
	const { nodes, containers } = clusterOf(kernel).state;
	const isOn = nodes.some(({ name, online }) => name === node && online);
	return isOn && (vmid === null || containers[vmid]?.status === 'running');
}

export function hex(text: string): string {
	return createHash('sha256').update(text).digest('hex');
}
