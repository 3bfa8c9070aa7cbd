import { z } from 'zod';

/** Proxmox writes booleans as 1, "1" or true, and leaves false ones out. */
export const flag = z
	.union([z.boolean(), z.number(), z.string()])
	.nullish()
	.transform((value) => value === true || value === 1 || value === '1');
const number = z.coerce.number();
const text = z.string();

export const versionSchema = z.looseObject({ version: text, release: text, repoid: text });

export const clusterStatusSchema = z.array(
	z.discriminatedUnion('type', [
		z.looseObject({
			type: z.literal('cluster'),
			name: text,
			nodes: number,
			quorate: flag,
			version: number
		}),
		z.looseObject({
			type: z.literal('node'),
			name: text,
			ip: text.nullish(),
			online: flag,
			local: flag
		})
	])
);

export const resourceSchema = z.looseObject({
	id: text,
	type: text,
	vmid: number.optional(),
	name: text.optional(),
	node: text.optional(),
	storage: text.optional(),
	/** `running`, `stopped`, `unknown` · `online`, `offline` · `available`, `unknown` */
	status: text.optional(),
	/** Fraction of `maxcpu`. */
	cpu: number.optional(),
	maxcpu: number.optional(),
	/** Bytes. */
	mem: number.optional(),
	maxmem: number.optional(),
	disk: number.optional(),
	maxdisk: number.optional(),
	/** Seconds. */
	uptime: number.optional(),
	template: flag,
	tags: text.optional(),
	lock: text.optional(),
	pool: text.optional(),
	shared: flag
});

export const nodeStatusSchema = z.looseObject({
	cpu: number,
	cpuinfo: z.looseObject({ cpus: number, cores: number, sockets: number, model: text.optional() }),
	memory: z.looseObject({ total: number, used: number, free: number }),
	rootfs: z.looseObject({ total: number, used: number, avail: number }),
	loadavg: z.array(z.coerce.string()),
	uptime: number.optional(),
	pveversion: text
});

export const interfaceSchema = z.looseObject({
	iface: text,
	type: text,
	active: flag,
	/** With its prefix: 10.10.20.1/24 */
	cidr: text.nullish(),
	comments: text.nullish()
});

/** Seconds since 1970, UTC. */
export const nodeTimeSchema = z.looseObject({ time: number, timezone: text.optional() });

export const containerSchema = z.looseObject({
	vmid: number,
	name: text.optional(),
	status: text,
	cpu: number.optional(),
	cpus: number.optional(),
	mem: number.optional(),
	maxmem: number.optional(),
	disk: number.optional(),
	maxdisk: number.optional(),
	uptime: number.optional(),
	netin: number.optional(),
	netout: number.optional(),
	tags: text.optional(),
	lock: text.optional(),
	template: flag,
	/** Of the answer for one container: whether the HA manager looks after it, and what it is at. */
	ha: z.looseObject({ managed: flag, state: text.nullish() }).optional()
});

export const configSchema = z.looseObject({
	digest: text,
	hostname: text.optional(),
	cores: number.optional(),
	memory: number.optional(),
	swap: number.optional(),
	rootfs: text.optional(),
	net0: text.optional(),
	description: text.optional(),
	tags: text.optional(),
	lock: text.optional(),
	template: flag,
	unprivileged: flag,
	protection: flag,
	onboot: flag
});

export const snapshotSchema = z.looseObject({
	/** `current` stands for the container as it is now. */
	name: text,
	description: z
		.string()
		.nullish()
		.transform((words) => words ?? ''),
	/** Unix seconds; `current` has none. */
	snaptime: number.optional(),
	parent: text.optional()
});

export const migratePreconditionsSchema = z.looseObject({
	running: flag,
	'allowed-nodes': z.array(text).nullish(),
	/** Node → what speaks against it. */
	'not-allowed-nodes': z.record(text, z.unknown()).nullish()
});

export const storageSchema = z.looseObject({
	storage: text,
	type: text,
	content: text,
	shared: flag,
	active: flag,
	enabled: flag,
	total: number.default(0),
	used: number.default(0),
	avail: number.default(0)
});

export const contentSchema = z.looseObject({
	volid: text,
	format: text,
	size: number,
	ctime: number.optional(),
	content: text.optional(),
	vmid: number.optional(),
	notes: text.optional(),
	protected: flag
});

export const volumeSchema = z.looseObject({ path: text, size: number, notes: text.optional() });

export const taskRowSchema = z.looseObject({
	upid: text,
	node: text,
	type: text,
	id: z.coerce.string(),
	user: text,
	starttime: number,
	endtime: number.optional(),
	/** Of an ended task: its exit status. */
	status: text.optional()
});

export const taskStatusSchema = z.looseObject({
	upid: text,
	node: text,
	type: text,
	id: z.coerce.string(),
	status: z.enum(['running', 'stopped']),
	exitstatus: text.optional(),
	starttime: number
});

export const taskLogSchema = z.array(
	z.looseObject({
		n: number,
		t: z
			.string()
			.nullish()
			.transform((line) => line ?? '')
	})
);

export const upidSchema = z
	.string()
	.regex(/^UPID:[^:]+:[0-9A-F]{8}:[0-9A-F]{8,9}:[0-9A-F]{8}:[^:]+:[^:]*:[^:]+:$/i);

export type ProxmoxVersion = z.output<typeof versionSchema>;
export type ClusterStatusRow = z.output<typeof clusterStatusSchema>[number];
export type ClusterResource = z.output<typeof resourceSchema>;
export type NodeStatus = z.output<typeof nodeStatusSchema>;
export type ContainerRow = z.output<typeof containerSchema>;
export type ContainerConfig = z.output<typeof configSchema>;
export type Snapshot = z.output<typeof snapshotSchema>;
export type StorageRow = z.output<typeof storageSchema>;
export type StorageContent = z.output<typeof contentSchema>;
export type TaskRow = z.output<typeof taskRowSchema>;
export type TaskStatus = z.output<typeof taskStatusSchema>;

/** Parameters of a change, as Proxmox names them; booleans are sent as 1 and 0, undefined ones not at all. */
export type Parameters = Record<string, string | number | boolean | undefined>;

export interface CloneParameters extends Parameters {
	newid: number;
	hostname?: string;
	description?: string;
	/** A whole copy; without it templates give linked clones, which keep their template alive. */
	full?: boolean;
	/** Only with `full`. */
	storage?: string;
	/** Another node, only on shared storage. */
	target?: string;
	pool?: string;
}

export interface CreateParameters extends Parameters {
	vmid: number;
	ostemplate: string;
	hostname?: string;
	cores?: number;
	/** MiB. */
	memory?: number;
	/** `STORAGE:GiB` */
	rootfs?: string;
	net0?: string;
	restore?: boolean;
	start?: boolean;
}
