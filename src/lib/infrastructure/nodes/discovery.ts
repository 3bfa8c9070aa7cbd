import { z } from 'zod';
import type { Resources } from '../placement/placement.ts';
import { PATHS } from './privileges.ts';

const storage = z.object({
	name: z.string(),
	type: z.string(),
	/** rootdir, images, backup, vztmpl … */
	content: z.array(z.string()),
	shared: z.boolean(),
	active: z.boolean(),
	totalGb: z.number(),
	usedGb: z.number()
});

const guest = z.object({
	vmid: z.number(),
	type: z.enum(['lxc', 'qemu']),
	name: z.string(),
	running: z.boolean(),
	template: z.boolean(),
	cpuCores: z.number(),
	ramMb: z.number(),
	diskGb: z.number(),
	/** Static address without its prefix; null with DHCP, or where it could not be read. */
	ip: z.string().nullable(),
	/** `local-lvm:vm-101-disk-0`; null where the configuration could not be read. */
	rootVolume: z.string().nullable(),
	/** Row that the mark in its description names; null when it bears none. */
	markedAs: z.string().nullable()
});

/** What a node said of itself. Null is what it did not say: the token may not read it, or it did not answer. */
export const findingsSchema = z.object({
	at: z.iso.datetime(),
	/** 9.1.6 */
	version: z.string(),
	/** Proxmox's name of this node. */
	node: z.string().nullable(),
	/** Proxmox's name of the cluster; null: it stands alone, or nothing is known. */
	clusterName: z.string().nullable(),
	/** Names of its members, this node's among them; empty when it is not known. */
	members: z.array(z.string()),
	/** Row of the cluster that it is a member of. */
	clusterId: z.string().nullable(),
	missing: z.array(z.object({ name: z.string(), path: z.enum(PATHS) })).nullable(),
	capacity: z.object({ cpuCores: z.number(), ramMb: z.number() }).nullable(),
	storages: z.array(storage).nullable(),
	bridges: z.array(z.object({ name: z.string(), cidr: z.string().nullable() })).nullable(),
	guests: z.array(guest).nullable(),
	/** Templates anywhere in the cluster that containers can be copied from. */
	templates: z.array(guest.extend({ node: z.string() })).nullable()
});

export type Findings = z.output<typeof findingsSchema>;
export type FoundGuest = z.output<typeof guest>;
export type FoundTemplate = NonNullable<Findings['templates']>[number];

/** What the job of a worker found over SSH. */
export const sshFindingsSchema = z.object({
	at: z.iso.datetime(),
	ok: z.boolean(),
	/** How it went wrong: `refused` is our key, `command` an answer other than pct's, `no_key` this installation's. */
	problem: z
		.enum(['refused', 'unreachable', 'untrusted', 'command', 'no_key', 'failed'])
		.nullable(),
	detail: z.string().nullable(),
	/** The public half of our key, as authorized_keys wants it; null when it lies nowhere. */
	publicKey: z.string().nullable()
});
export type SshFindings = z.output<typeof sshFindingsSchema>;

/** What the two servers showed, and what they had shown before where that differs. */
export const shownSchema = z.object({
	subject: z.string(),
	issuer: z.string(),
	validFrom: z.iso.datetime(),
	validTo: z.iso.datetime(),
	names: z.string(),
	/** Of the SSH host key: `ssh-ed25519` */
	keyType: z.string(),
	/** Fingerprints that the same addresses showed to somebody earlier. */
	before: z.object({ api: z.string().nullable(), ssh: z.string().nullable() })
});
export type Shown = z.output<typeof shownSchema>;

/** Why a look at the node came to nothing, by the step or field that mends it. */
export const LOOK_PROBLEMS = ['unreachable', 'untrusted', 'unauthorized', 'no_proxmox'] as const;
export type LookProblem = (typeof LOOK_PROBLEMS)[number];

export function isLookProblem(text: string | null): text is LookProblem {
	return LOOK_PROBLEMS.some((one) => one === text);
}

/** The first release whose terminals take an API token's ticket (pve-container 6.1, termproxy 2.1). */
const TOKENS_SINCE = 9;

/**
 * False when it is known that the node's terminals take no API token: the console then goes over SSH. A node that was never
 * asked may take them.
 */
export function takesTokens(version: string | null): boolean {
	const release = Number.parseInt(version ?? '', 10);
	return Number.isNaN(release) || release >= TOKENS_SINCE;
}

/** Oldest release that is run: before it bridges have no rights of their own and errors come without words. */
export function isTooOld(version: string): boolean {
	return Number.parseInt(version, 10) < 8;
}

/** Whether enough of a node could be read to take it into service. */
export function isEnough({ node, capacity, storages, bridges }: Findings): boolean {
	return node !== null && capacity !== null && storages !== null && bridges !== null;
}

/** What the node may promise when containers lie on this storage; a shared one counts in equal parts. Null: not known. */
export function capacityOn(findings: Findings, rootfsStorage: string): Resources | null {
	const found = findings.storages?.find(({ name }) => name === rootfsStorage);
	if (!findings.capacity || !found) return null;
	const parts = found.shared ? Math.max(1, findings.members.length) : 1;
	return { ...findings.capacity, diskGb: Math.floor(found.totalGb / parts) };
}
