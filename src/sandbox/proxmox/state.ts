/** What the cluster holds. Everything is plain JSON: it is one document of the store. */
export interface ClusterState {
	name: string;
	nodes: NodeState[];
	storages: StorageState[];
	containers: Record<string, ContainerState>;
	tasks: TaskState[];
	tokens: TokenState[];
	acl: AclState[];
	pools: string[];
	backups: BackupState[];
	nextPid: number;
	/** Counts configuration changes of the cluster, as corosync does. */
	version: number;
}

export interface NodeState {
	name: string;
	ip: string;
	nodeid: number;
	online: boolean;
	cores: number;
	memoryBytes: number;
	rootBytes: number;
	/** Bytes in use that no container accounts for: the console fills a node with it. */
	extraMemoryBytes: number;
	/** Cores kept busy by something else. */
	extraCores: number;
	bootedAt: number;
	/** Of an older release, `8.4.1`: its terminals take no API token. */
	version?: string;
	/** Seconds that its clock is ahead of everybody's. */
	clockAheadS?: number;
	/** Of a node that joined later: nothing hands out its addresses but the answer to its joining, so they stay. */
	joined?: { api: number; ssh: number };
}

export interface StorageState {
	storage: string;
	type: string;
	content: string[];
	shared: boolean;
	totalBytes: number;
	/** Bytes filled by something else: per node, or under `*` where the storage is shared. */
	filled: Record<string, number>;
	offline: boolean;
	/** Templates and images that are simply there. */
	volumes: { volid: string; format: string; size: number; ctime: number }[];
}

export type ConfigValue = string | number;

export interface ContainerState {
	vmid: number;
	node: string;
	config: Record<string, ConfigValue>;
	/** Set values and deletions that wait for a reboot. */
	pending: Record<string, { value?: ConfigValue; delete?: boolean }>;
	status: 'running' | 'stopped';
	pool?: string;
	/** Unix seconds of the last start. */
	startedAt: number | null;
	/** Real-time milliseconds from which the services inside answer. */
	readyAtMs: number;
	createdAt: number;
	snapshots: SnapshotState[];
	/** What runs inside does not end when it is asked to. */
	ignoresShutdown?: boolean;
	/** It was frozen to disk and can be resumed. */
	suspended?: boolean;
}

export interface SnapshotState {
	name: string;
	description: string;
	snaptime: number;
	config: Record<string, ConfigValue>;
	/** What was inside, as the guest stand-in wrote it. */
	guest: string | null;
}

export interface TaskState {
	upid: string;
	node: string;
	pid: number;
	pstart: number;
	starttime: number;
	type: string;
	id: string;
	user: string;
	tokenid?: string;
	endtime?: number;
	exitstatus?: string;
	log: string[];
}

export interface TokenState {
	/** `erpcore@pve!control` */
	id: string;
	user: string;
	secret: string;
	privsep: boolean;
	expire: number;
	comment: string;
}

export interface AclState {
	path: string;
	/** A user or a full token id. */
	ugid: string;
	role: string;
	propagate: boolean;
}

export interface BackupState {
	volid: string;
	storage: string;
	/** Where it lies when the storage is not shared. */
	node: string;
	vmid: number;
	ctime: number;
	notes: string;
	protected: boolean;
	/** The archive's bytes, base64. */
	content: string;
	size: number;
	sha256: string;
}

export const GIB = 1024 ** 3;
export const TEMPLATE_VMID = 9018;
/** The token that the sandbox hands out; the product refuses it in production. */
export const SANDBOX_TOKEN = {
	id: 'erpcore@pve!control',
	secret: '5a9db0c5-0000-4000-8000-e29c04e5a9db'
};

/** One cluster of three empty nodes with the Odoo template on shared storage. */
export function initialState(now: number): ClusterState {
	const node = (index: number): NodeState => ({
		name: `pve${index}`,
		ip: `10.10.0.${10 + index}`,
		nodeid: index,
		online: true,
		cores: 16,
		memoryBytes: 64 * GIB,
		rootBytes: 1000 * GIB,
		extraMemoryBytes: 0,
		extraCores: 0,
		bootedAt: now - 40 * 86_400
	});
	const storage = (
		name: string,
		type: string,
		content: string[],
		shared: boolean,
		gib: number
	): StorageState => ({
		storage: name,
		type,
		content,
		shared,
		totalBytes: gib * GIB,
		filled: {},
		offline: false,
		volumes: []
	});
	const local = storage('local', 'dir', ['vztmpl', 'backup', 'iso'], false, 1000);
	local.volumes.push({
		volid: 'local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst',
		format: 'tzst',
		size: 130_000_000,
		ctime: now - 60 * 86_400
	});
	return {
		name: 'jeturing',
		nodes: [node(1), node(2), node(3)],
		storages: [
			local,
			storage('local-lvm', 'lvmthin', ['rootdir', 'images'], false, 1000),
			storage('local-zfs', 'zfspool', ['rootdir', 'images'], false, 1000),
			storage('nfs-backup', 'nfs', ['backup'], true, 4000),
			storage('ceph', 'rbd', ['rootdir', 'images'], true, 3000)
		],
		containers: { [TEMPLATE_VMID]: odooTemplate(now) },
		tasks: [],
		tokens: [
			token(SANDBOX_TOKEN.id, SANDBOX_TOKEN.secret, 'ERP Core'),
			token('auditor@pve!readonly', '5a9db0c5-0000-4000-8000-a0d1704a0d17', 'Read-only')
		],
		acl: [
			{ path: '/', ugid: 'erpcore@pve', role: 'ERPCore', propagate: true },
			{ path: '/', ugid: SANDBOX_TOKEN.id, role: 'ERPCore', propagate: true },
			{ path: '/', ugid: 'auditor@pve', role: 'PVEAuditor', propagate: true },
			{ path: '/', ugid: 'auditor@pve!readonly', role: 'PVEAuditor', propagate: true }
		],
		pools: [],
		backups: [],
		nextPid: 4000,
		version: 3
	};
}

function token(id: string, secret: string, comment: string): TokenState {
	return { id, user: id.split('!')[0]!, secret, privsep: true, expire: 0, comment };
}

function odooTemplate(now: number): ContainerState {
	return {
		vmid: TEMPLATE_VMID,
		node: 'pve1',
		config: {
			arch: 'amd64',
			cores: 2,
			features: 'nesting=1',
			hostname: 'tpl-odoo-18',
			memory: 2048,
			net0: 'name=eth0,bridge=vmbr0,gw=10.20.0.1,hwaddr=BC:24:11:90:18:00,ip=10.20.255.254/16,type=veth',
			onboot: 0,
			ostype: 'debian',
			rootfs: `ceph:base-${TEMPLATE_VMID}-disk-0,size=10G`,
			swap: 512,
			template: 1,
			unprivileged: 1
		},
		pending: {},
		status: 'stopped',
		startedAt: null,
		readyAtMs: 0,
		createdAt: now - 30 * 86_400,
		snapshots: []
	};
}
