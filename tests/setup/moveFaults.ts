import type { FaultRequest } from '../../src/sandbox/kernel/faults.ts';
import { NO_QUORUM } from './faultCases.ts';

export type Fault = Omit<FaultRequest, 'target' | 'match' | 'only'>;
type End = 'confirming' | 'rolled_back' | 'failed';

/** What goes wrong once, or again and again, while one container is moved. */
export interface MoveFault {
	/** The step, and the call in it. */
	call: string;
	what: string;
	target: FaultRequest['target'];
	/** `ID` stands for the container's VMID. */
	match: string;
	fault: Fault;
	end: End;
	/** It strikes until the run is turned back, or for good. */
	lasts?: 'until undone' | 'for good';
	/** Another worker takes the run when it strikes, and the first wakes up late. */
	dies?: boolean;
}

export const FOREVER = 1_000_000;
export const ERROR: Fault = { kind: 'status', status: 500 };
const lasting = (
	call: string,
	target: MoveFault['target'],
	match: string,
	fault = ERROR,
	end: End = 'rolled_back'
): MoveFault => ({
	...{ call, target, match, end, what: `${fault.kind} for good`, lasts: 'until undone' },
	fault: { ...fault, times: FOREVER }
});
const once = (
	call: string,
	target: MoveFault['target'],
	match: string,
	fault: Fault
): MoveFault => ({
	...{ call, target, match, end: 'confirming', fault },
	what: `${fault.kind} ${fault.when ?? 'before'}`
});
const death = (call: string, target: MoveFault['target'], match: string): MoveFault[] =>
	(['before', 'after'] as const).map((when) => ({
		...{ call, target, match, end: 'confirming', dies: true, fault: { kind: 'timeout', when } },
		what: `worker dies ${when}`
	}));

export const MIGRATE = '^POST .*/lxc/ID/migrate$';
const FULL: Fault = { kind: 'status', body: 'no space left on device' };
export const MOVE_FAULTS: readonly MoveFault[] = [
	lasting('preflight: configuration', 'proxmox', '^GET .*/lxc/ID/config'),
	lasting('preflight: what Proxmox says', 'proxmox', '^GET .*/lxc/ID/migrate'),
	lasting('backup: vzdump', 'proxmox', '^POST .*/vzdump'),
	{ ...lasting('backup: task', 'proxmox', '^TASK vzdump ID', FULL), what: 'storage full' },
	lasting('backup: digest', 'ssh', 'sha256sum.*lxc-ID-'),
	...death('backup: vzdump', 'proxmox', '^POST .*/vzdump'),
	lasting('offair: edge', 'edge', '/web/login', { kind: 'status', status: 200, body: 'SHOWN' }),
	lasting('migrate: asked', 'proxmox', MIGRATE),
	{
		...lasting('migrate: asked', 'proxmox', MIGRATE, { kind: 'status', status: 403 }),
		what: '403'
	},
	{
		...lasting('migrate: asked', 'proxmox', MIGRATE, { ...ERROR, body: NO_QUORUM }),
		what: 'no quorum for good'
	},
	{
		...once('migrate: asked', 'proxmox', MIGRATE, { ...ERROR, body: NO_QUORUM, times: 2 }),
		what: 'no quorum for a while'
	},
	once('migrate: asked', 'proxmox', MIGRATE, { kind: 'reset', when: 'after' }),
	once('migrate: asked', 'proxmox', MIGRATE, { kind: 'malformed', when: 'after' }),
	{ ...once('migrate: task', 'proxmox', '^TASK vzmigrate ID', FULL), end: 'rolled_back' },
	once('migrate: task', 'proxmox', '^TASK vzmigrate ID', { ...FULL, when: 'after' }),
	once('migrate: task read', 'proxmox', '^GET .*vzmigrate(:|%3A)ID', { ...ERROR, times: 20 }),
	...death('migrate: asked', 'proxmox', MIGRATE),
	...death('migrate: task read', 'proxmox', '^GET .*vzmigrate(:|%3A)ID').slice(0, 1),
	lasting('start: health inside', 'ssh', 'pct exec ID .*web/health'),
	lasting('start: databases', 'ssh', 'pct exec ID .*pg_database'),
	{
		...lasting('start: health inside, and no way back', 'ssh', 'pct exec ID .*web/health'),
		...{ end: 'failed', what: 'for good' }
	},
	...death('start: health inside', 'ssh', 'pct exec ID .*web/health').slice(0, 1),
	{
		...lasting('onair: edge', 'edge', '/web/login', { kind: 'status', status: 502 }, 'failed'),
		...{ what: 'dark after the switch', lasts: 'for good' }
	}
];
