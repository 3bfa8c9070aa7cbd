import type { ContainerConfig } from '#lib/integrations/proxmox/types.ts';
import { readMark, TAG, tagsOf, writeMark, type Mark } from './marks.ts';
import type { Resources } from '../placement/placement.ts';

/** What a container must be in Proxmox. */
export interface Wanted extends Resources, Mark {
	hostname: string;
	bridge: string;
	vlan: number | null;
	/** With its prefix: 10.10.20.5/24 */
	address: string;
	gateway: string;
}

/** What Proxmox has under its VMID. */
export interface Seen {
	node: string;
	running: boolean;
	/** `create` while it is being cloned, `disk`, `backup` …; null when nothing holds it. */
	lock: string | null;
	/** The HA manager looks after it. */
	managed: boolean;
	/** What the manager is at; null: it does not look after it, or has not looked yet. */
	service: string | null;
	config: Pick<ContainerConfig, ComparedOption>;
}

type ComparedOption =
	| 'cores'
	| 'description'
	| 'hostname'
	| 'memory'
	| 'net0'
	| 'onboot'
	| 'rootfs'
	| 'tags'
	| 'unprivileged';

export type Action =
	/** There is nothing yet. */
	| { do: 'clone' }
	/** The VMID is somebody else's. */
	| { do: 'another_vmid' }
	/** Something works on it. */
	| { do: 'wait'; lock: string }
	| { do: 'configure'; set: Record<string, string | number> }
	| { do: 'resize'; diskGb: number }
	| { do: 'start' }
	| { do: 'ready' };

/**
 * The one thing to do next, decided from what is there and not from what we remember: after a crash or a lost answer
 * the same look leads on.
 * @throws {Error} when the template is of a kind that we do not run
 */
export function nextAction(wanted: Wanted, seen: Seen | 'foreign' | null): Action {
	if (!seen) return { do: 'clone' };
	if (!isOurs(seen, wanted.containerId)) return { do: 'another_vmid' };
	if (seen.lock) return { do: 'wait', lock: seen.lock };
	if (!seen.config.unprivileged) {
		throw new Error('the template is a privileged container; only unprivileged ones are run');
	}
	const set = differences(wanted, seen.config);
	if (Object.keys(set).length > 0) return { do: 'configure', set };
	if (diskSizeGb(seen.config.rootfs) < wanted.diskGb)
		return { do: 'resize', diskGb: wanted.diskGb };
	return seen.running ? { do: 'ready' } : { do: 'start' };
}

/** Whether what is there carries the mark of this container's row. */
export function isOurs(seen: Seen | 'foreign', containerId: string): seen is Seen {
	return seen !== 'foreign' && readMark(seen.config.description)?.containerId === containerId;
}

function differences(wanted: Wanted, config: Seen['config']): Record<string, string | number> {
	const set: Record<string, string | number> = {};
	if (config.cores !== wanted.cpuCores) set.cores = wanted.cpuCores;
	if (config.memory !== wanted.ramMb) set.memory = wanted.ramMb;
	if (config.hostname !== wanted.hostname) set.hostname = wanted.hostname;
	if (!config.onboot) set.onboot = 1;
	if (readMark(config.description)?.jobId !== wanted.jobId) set.description = writeMark(wanted);
	const tags = tagsOf(config.tags);
	if (!tags.includes(TAG)) set.tags = [...tags, TAG].join(';');
	const net = netOptions(config.net0);
	const wantedNet: Record<string, string> = {
		name: 'eth0',
		bridge: wanted.bridge,
		ip: wanted.address,
		gw: wanted.gateway,
		...(wanted.vlan === null ? {} : { tag: String(wanted.vlan) })
	};
	const differs = Object.entries(wantedNet).some(([key, value]) => net[key] !== value);
	if (differs || (wanted.vlan === null && net.tag !== undefined)) {
		// The clone has a MAC of its own; everything else of the template's interface was the template's.
		const kept = net.hwaddr ? { hwaddr: net.hwaddr } : {};
		set.net0 = Object.entries({ ...wantedNet, ...kept, type: 'veth' })
			.map(([key, value]) => `${key}=${value}`)
			.join(',');
	}
	return set;
}

function netOptions(value = ''): Record<string, string> {
	const options: Record<string, string> = {};
	for (const part of value.split(',')) {
		const cut = part.indexOf('=');
		if (cut > 0) options[part.slice(0, cut)] = part.slice(cut + 1);
	}
	return options;
}

const GB: Record<string, number> = { K: 1 / 1024 ** 2, M: 1 / 1024, G: 1, T: 1024 };

/** GiB of a root disk in its read form `storage:volume,size=8G`; 0 when it is not said. */
export function diskSizeGb(rootfs = ''): number {
	const match = /(?:^|,)size=(\d+(?:\.\d+)?)([KMGT])/.exec(rootfs);
	return match ? Number(match[1]) * GB[match[2]!]! : 0;
}
