/** Real-life milliseconds of each task on the hardware that the nodes pretend to be. */
export const TASK_MS = {
	vzcreate: 15_000,
	vzrestore: 25_000,
	cloneFull: 10_000,
	cloneLinked: 3_000,
	vzstart: 3_000,
	vzstop: 1_500,
	vzshutdown: 5_000,
	vzreboot: 8_000,
	vzdestroy: 3_000,
	vzsnapshot: 1_500,
	vzrollback: 4_000,
	vzdelsnapshot: 1_500,
	vzmigrate: 9_000,
	vzdump: 20_000,
	resize: 1_200,
	imgdel: 800,
	/** Telling the manager of high availability: what it does comes later. */
	harequest: 300
} as const;

/** After a container's start: until PostgreSQL, Odoo and nginx inside answer. */
export const BOOT_MS = 6_000;

/** After a node's last sign of life: until its watchdog has fenced it and the others may take over. */
export const FENCE_MS = 120_000;

/** Until the cluster's manager of high availability looks at what it was told, and the node's own carries it out. */
export const HA_ROUND_MS = 10_000;

/** pveproxy holds every 401 back this long. */
export const UNAUTHORIZED_MS = 3_000;
export const READ_MS = 20;
export const CHANGE_MS = 60;
