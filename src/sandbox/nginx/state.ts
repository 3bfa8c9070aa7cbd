import type { Kernel } from '../kernel/kernel.ts';
import type { StoreDocument } from '../kernel/store.ts';

export interface FileState {
	/** Base64. */
	content: string;
	/** As `stat` prints it: `600`. */
	mode: string;
}

/** A system with nginx: a node, or a container on it. */
export interface Machine {
	node: string;
	vmid: number | null;
	/** What the world reaches it by; ports 80 and 443 of it. */
	address: string;
	version: string;
	/** Absolute path → file; symbolic links are in `links`. */
	files: Record<string, FileState>;
	links: Record<string, string>;
	/** What the workers serve: every file as it was at the last start or reload. Null: nginx does not run. */
	serving: { config: string } | null;
}

interface NginxState {
	machines: Machine[];
}

export const MAIN = '/etc/nginx/nginx.conf';
/** Public address of the edge that the sandbox has from the beginning, and the node on which its nginx runs. */
export const EDGE_SERVER = { address: '203.0.113.10', node: 'pve1' };

/** nginx.conf as Debian's package brings it, as far as anybody here looks. */
const DEBIANS = 'user www-data;\npid /run/nginx.pid;\nevents {\n}\nhttp {\n}\n';
const documents = new WeakMap<Kernel, StoreDocument<NginxState>>();

/** Every nginx of a sandbox. */
export function nginxDocument(kernel: Kernel): StoreDocument<NginxState> {
	let document = documents.get(kernel);
	if (!document) {
		const { node, address } = EDGE_SERVER;
		const first = () => newMachine({ node, vmid: null }, address);
		document = kernel.store.document<NginxState>('nginx', () => ({ machines: [first()] }));
		documents.set(kernel, document);
	}
	return document;
}

/** A freshly installed and started nginx. */
export function newMachine(place: { node: string; vmid: number | null }, address: string): Machine {
	const main = { content: Buffer.from(DEBIANS).toString('base64'), mode: '644' };
	return {
		...place,
		...{ address, version: '1.26.3', files: { [MAIN]: main }, links: {} },
		serving: { config: DEBIANS }
	};
}

/** The system at this place, when nginx is installed there. @param vmid null: the node itself */
export function machineAt(kernel: Kernel, node: string, vmid: number | null): Machine | null {
	const { machines } = nginxDocument(kernel).get();
	return machines.find((one) => one.vmid === vmid && (vmid !== null || one.node === node)) ?? null;
}

/** The path that a chain of links leads to. */
export function resolved(machine: Machine, path: string): string {
	let at = path;
	for (let hop = 0; hop < 8; hop += 1) {
		const target = machine.links[at];
		if (target === undefined) return at;
		at = target;
	}
	return at;
}

/** A file's bytes, links followed; null when there is none. */
export function readFile(machine: Machine, path: string): Buffer | null {
	const file = machine.files[resolved(machine, path)];
	return file ? Buffer.from(file.content, 'base64') : null;
}
