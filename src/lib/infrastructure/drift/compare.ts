import { GIB, MIB } from '#lib/core/bytes.ts';
import type { ClusterResource, ContainerConfig } from '#lib/integrations/proxmox/types.ts';
import type { Found } from '#lib/logs/drifts.server.ts';
import { ipOf, rootVolumeOf } from '../containers/configs.ts';
import { readMark, TAG, tagsOf } from '../containers/marks.ts';
import { diskSizeGb } from '../containers/reconcile.ts';

/** A container as our row says it is. */
export interface Booked {
	id: string;
	vmid: number;
	hostname: string;
	purpose: string;
	nodeName: string;
	cpuCores: number;
	ramMb: number;
	diskGb: number;
	/** Lease of our pool; null where it has none of ours. */
	address: string | null;
	wantedRunning: boolean;
	adopted: boolean;
	rootVolume: string | null;
}

/** A file system is smaller than the volume that it is on, and Proxmox gives its size while it is mounted. */
const FILE_SYSTEM = 0.85;

/** What the answer for the whole cluster shows of one container. */
export interface BulkLook {
	found: Found[];
	/** Something does not fit: its configuration tells what. */
	isOdd: boolean;
}

/** Compares a row with what the cluster says of its VMID. @returns null when nothing can be said: its node is down */
export function compareBulk(
	row: Booked,
	guest: ClusterResource | undefined,
	online: Set<string>
): BulkLook | null {
	if (!guest) return online.has(row.nodeName) ? { found: [missing(row)], isOdd: false } : null;
	if (guest.type !== 'lxc') {
		const theirs = { type: guest.type, name: guest.name ?? '' };
		return { found: [{ ...missing(row), theirs, cause: 'vmid-taken' }], isOdd: false };
	}
	if (guest.status !== 'running' && guest.status !== 'stopped') return null;
	const found: Found[] = [];
	if (guest.node !== row.nodeName)
		found.push(
			drift('moved', row, { node: row.nodeName }, { node: guest.node }, 'moved-elsewhere')
		);
	const isTemplate = row.purpose === 'template';
	if (isTemplate !== guest.template)
		found.push(
			drift(
				'template',
				row,
				{ template: isTemplate },
				{ template: guest.template },
				isTemplate ? 'not-a-template' : 'made-template'
			)
		);
	if (isTemplate || guest.template) return { found, isOdd: false };
	const isRunning = guest.status === 'running';
	const states = [{ status: 'running' }, { status: 'stopped' }] as const;
	if (row.wantedRunning && !isRunning)
		found.push(drift('stopped', row, ...states, 'stopped-elsewhere'));
	if (!row.wantedRunning && isRunning && !row.adopted)
		found.push(drift('running', row, states[1], states[0], 'started-elsewhere'));
	return { found, isOdd: isOdd(row, guest) };
}

function isOdd(row: Booked, guest: ClusterResource): boolean {
	const disk = guest.maxdisk === undefined ? null : guest.maxdisk / GIB / row.diskGb;
	return (
		(guest.maxcpu !== undefined && guest.maxcpu !== row.cpuCores) ||
		(guest.maxmem !== undefined && guest.maxmem !== row.ramMb * MIB) ||
		(disk !== null && disk > 0 && (disk < FILE_SYSTEM || disk > 1.001)) ||
		(guest.name !== undefined && guest.name !== row.hostname) ||
		(!row.adopted && !tagsOf(guest.tags).includes(TAG))
	);
}

/** Limits as a container has them. */
export interface Limits {
	cpu_cores: number;
	ram_mb: number;
	disk_gb: number;
}

/** What its configuration says; Proxmox leaves out what is not limited. */
export function limitsOf(config: ContainerConfig, row: Booked): Limits {
	return {
		cpu_cores: config.cores ?? row.cpuCores,
		ram_mb: config.memory ?? 512,
		disk_gb: Math.round(diskSizeGb(config.rootfs) * 100) / 100
	};
}

/**
 * Compares a row with the container's own configuration. What is not this container at all is not compared any further;
 * of one that was there before us the limits are the row's to follow.
 */
export function compareConfig(row: Booked, config: ContainerConfig): Found[] {
	const other = otherContainer(row, config);
	if (other) return [other];
	if (row.adopted) return [];
	const found: Found[] = [];
	const ours: Limits = { cpu_cores: row.cpuCores, ram_mb: row.ramMb, disk_gb: row.diskGb };
	const theirs: Limits = { ...limitsOf(config, row), cpu_cores: config.cores ?? 0 };
	const limits = differing(ours, theirs);
	if (limits) found.push(drift('limits', row, limits.ours, limits.theirs, 'changed-elsewhere'));
	const names = differing(
		{ hostname: row.hostname, address: row.address },
		{ hostname: config.hostname ?? null, address: ipOf(config.net0) }
	);
	if (names) found.push(drift('address', row, names.ours, names.theirs, 'changed-elsewhere'));
	return found;
}

/** Our VMID holds something else: another container, or one whose mark somebody took away. */
export function otherContainer(
	row: Pick<Booked, 'id' | 'hostname' | 'adopted' | 'rootVolume'>,
	config: ContainerConfig
): Found | null {
	if (row.adopted) {
		const volume = rootVolumeOf(config.rootfs);
		if (volume === row.rootVolume) return null;
		return drift('mark', row, { root: row.rootVolume }, { root: volume }, 'other-container');
	}
	const mark = readMark(config.description)?.containerId ?? null;
	if (mark === row.id) return null;
	return drift(
		'mark',
		row,
		{ mark: row.id, hostname: row.hostname },
		{ mark, hostname: config.hostname ?? null },
		mark ? 'other-mark' : 'mark-gone'
	);
}

function differing(ours: object, theirs: object): { ours: object; theirs: object } | null {
	const has = new Map(Object.entries(theirs));
	const keys = Object.entries(ours).flatMap(([key, value]) => (has.get(key) === value ? [] : key));
	if (keys.length === 0) return null;
	const only = (side: object) =>
		Object.fromEntries(Object.entries(side).filter(([key]) => keys.includes(key)));
	return { ours: only(ours), theirs: only(theirs) };
}

function missing(row: Booked): Found {
	const { vmid, hostname, nodeName: node } = row;
	return drift('missing', row, { vmid, hostname, node }, {}, 'destroyed-elsewhere');
}

function drift(
	kind: string,
	{ id }: { id: string },
	ours: object,
	theirs: object,
	cause: string
): Found {
	const subject = { subjectType: 'container', subjectId: id };
	return { kind: `infrastructure.${kind}`, ...subject, ours, theirs, cause };
}

/** A container that is in nobody's books. */
export interface Stranger {
	clusterId: string;
	vmid: number;
	hostname: string;
	template: boolean;
	/** Null when it was not read. */
	config: ContainerConfig | null;
}

/** What is found of a stranger. A lost copy of ours (its mark names a row of ours) is for the sweeper: null. */
export function strangerFound(stranger: Stranger, isOurRow: (id: string) => boolean): Found | null {
	const { clusterId, vmid, hostname, template, config } = stranger;
	const mark = readMark(config?.description);
	if (mark && isOurRow(mark.containerId)) return null;
	const address = ipOf(config?.net0);
	return {
		kind: 'infrastructure.stranger',
		subjectType: 'guest',
		subjectId: `${clusterId}/${vmid}`,
		theirs: { vmid, hostname, ...(address && { address }) },
		cause: mark
			? 'other-installation'
			: template
				? 'foreign-template'
				: config
					? 'made-elsewhere'
					: undefined
	};
}

/** An address of ours that something else has in its configuration, too. */
export function addressTwice(
	owner: Booked,
	holder: { vmid: number; hostname: string },
	address: string
): Found {
	const theirs = { address, vmid: holder.vmid, hostname: holder.hostname };
	return drift('address-twice', owner, { address }, theirs, 'address-taken');
}
