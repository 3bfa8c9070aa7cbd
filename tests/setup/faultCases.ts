import type { FaultRequest } from '../../src/sandbox/kernel/faults.ts';
import { GIVEN_UP_AFTER } from './impatience.ts';

/** A call that a step of the set-up makes, and how to know it on the wire. */
interface Call {
	step: 'container' | 'database' | 'dns' | 'verify';
	call: string;
	target: FaultRequest['target'];
	match: string;
	/** It changes something, so that a fault may strike before or after its effect. */
	changes: boolean;
}

export type Fault = Omit<FaultRequest, 'target' | 'match'>;

export interface FaultCase {
	step: string;
	call: string;
	what: string;
	request: FaultRequest;
	/** The call is made for all set-ups together: it does not matter whose it is. */
	everybody?: boolean;
}

/** Every call of every step, but those on what all set-ups share. */
export const CALLS: readonly Call[] = [
	...proxmox('config', '^GET .*/lxc/\\d+/config', false),
	...proxmox('status', '^GET .*/lxc/\\d+/status/current', false),
	...proxmox('copy', '^POST .*/clone$', true),
	...proxmox('task of the copy', '^GET .*/tasks/UPID.*vzclone', false),
	...proxmox('limits', '^PUT .*/config$', true),
	...proxmox('disk', '^PUT .*/resize$', true),
	...proxmox('task of the disk', '^GET .*/tasks/UPID.*resize', false),
	...proxmox('start', '^POST .*/status/start$', true),
	...proxmox('task of the start', '^GET .*/tasks/UPID.*vzstart', false),
	...ssh('list of databases', 'psql .*pg_database', false),
	...ssh('state of the database', 'psql .*ir_module_module', false),
	...ssh('copy of the template', 'odoo-bin db .*duplicate', true),
	...ssh('mark', 'psql .*ir_config_parameter', false),
	...ssh('settings', 'odoo-bin shell', true),
	...ssh('login', 'curl .*/jsonrpc', false),
	{ step: 'dns', call: 'look', target: 'cloudflare', match: '^GET .*/dns_records', changes: false },
	{
		step: 'dns',
		call: 'create',
		target: 'cloudflare',
		match: '^POST .*/dns_records',
		changes: true
	},
	{ step: 'verify', call: 'edge', target: 'edge', match: '/web/login', changes: false },
	{ step: 'verify', call: 'page', target: 'odoo', match: '^GET /web/login', changes: false }
];

/** What a vendor may do instead of answering. */
const MISBEHAVIOUR: Record<string, Fault> = {
	'answers 500': { kind: 'status', status: 500, times: 2 },
	'never answers': { kind: 'timeout' },
	'cuts the connection': { kind: 'reset', times: 2 },
	'answers garbage': { kind: 'malformed', times: 2 }
};

const LOCKED = JSON.stringify({ data: null, message: 'CT is locked (disk)\n' });
export const NO_QUORUM = JSON.stringify({
	data: null,
	message: 'cluster not ready - no quorum?\n'
});

/** Faults that pass: whatever strikes, one instance is ready at the end. */
export const PASSING: readonly FaultCase[] = [
	...CALLS.flatMap((call) =>
		Object.entries(MISBEHAVIOUR).flatMap(([what, fault]) =>
			call.changes
				? [caseOf(call, what, fault), caseOf(call, `${what} after the effect`, after(fault))]
				: [caseOf(call, what, fault)]
		)
	),
	...CALLS.filter(({ changes }) => changes).map((call) =>
		caseOf(call, 'answers late, after a timeout', {
			...{ kind: 'delay', when: 'after', ms: GIVEN_UP_AFTER + 1_500 }
		})
	),
	...CALLS.filter(({ target, changes }) => target === 'proxmox' && changes).map((call) =>
		caseOf(call, 'says that the CT is locked', {
			...{ kind: 'status', status: 500, body: LOCKED, times: 3 }
		})
	),
	caseOf(
		callOf('container', 'copy', 'proxmox', '^POST .*/clone$'),
		'says that there is no quorum',
		{
			...{ kind: 'status', status: 500, body: NO_QUORUM }
		}
	),
	...['vzclone', 'resize', 'vzstart'].flatMap((type) => [
		task(type, 'ends with a warning', { kind: 'malformed', body: 'clock skew' }),
		task(type, 'ends with an error', { kind: 'status', body: 'no space left on device' }),
		task(type, 'ends with an error after its work', { kind: 'status', when: 'after' })
	]),
	...['vzclone', 'resize', 'vzstart'].map((type) =>
		caseOf(
			callOf('container', `task ${type}`, 'proxmox', `^GET .*/tasks/UPID.*${type}`),
			'is never known',
			{
				...{ kind: 'status', status: 500, times: 20 }
			}
		)
	),
	...['db duplicate', 'shell'].flatMap((command) => [
		odoo(command, 'says success and has done nothing', { kind: 'drop' }),
		odoo(command, 'is killed half-way', { kind: 'reset' }),
		odoo(command, 'fails', { kind: 'status', times: 2 }),
		odoo(command, 'fails after its work', { kind: 'status', when: 'after' })
	]),
	...Object.entries(MISBEHAVIOUR)
		.filter(([, { kind }]) => kind === 'status' || kind === 'malformed')
		.map(([what, fault]) =>
			caseOf(callOf('database', 'login inside', 'odoo', '^POST /jsonrpc'), what, fault)
		),
	...Object.entries<Fault>({
		'answers SERVFAIL': { kind: 'status', times: 3 },
		'never answers': { kind: 'drop', times: 2 },
		'answers garbage': { kind: 'malformed', times: 2 }
	}).map(([what, fault]) => caseOf(callOf('verify', 'public DNS', 'dns', ''), what, fault))
];

const FOREVER = 1_000_000;
/**
 * Whether a fault that lasts makes the set-up fail within a test's time. A Proxmox that is silent or cuts every connection
 * is a node that is down, for which a set-up waits: see outages.test.ts. All commands of a node go over a few connections,
 * so that one that is always cut is everybody's. A question that is never answered is asked three times in each of a
 * step's eight tries.
 */
function isSoonGivenUp({ target, changes }: Call, { kind }: Fault): boolean {
	if (kind === 'malformed') return true;
	if (kind === 'reset') return target !== 'proxmox' && target !== 'ssh';
	return target === 'edge' || (changes && target !== 'proxmox');
}

/** Faults that do not pass: everything of the run is undone. They strike until its undoing begins. */
export const LASTING: readonly FaultCase[] = [
	...CALLS.filter(({ call }) => !call.startsWith('task of')).flatMap((call) =>
		Object.entries(MISBEHAVIOUR)
			.filter(([, fault]) => fault.kind !== 'status' && isSoonGivenUp(call, fault))
			.map(([what, fault]) => caseOf(call, `${what} for good`, { ...fault, times: FOREVER }))
	),
	...CALLS.map((call) =>
		caseOf(call, 'answers 500 for good', { kind: 'status', status: 500, times: lasting(call) })
	),
	...['vzclone', 'resize', 'vzstart'].map((type) =>
		task(type, 'always ends with an error', { kind: 'status', body: 'no space left', times: 8 })
	),
	...['db duplicate', 'shell'].map((command) =>
		odoo(command, 'always says success and does nothing', { kind: 'drop', times: 8 })
	),
	caseOf(callOf('verify', 'public DNS', 'dns', ''), 'never answers for good', {
		...{ kind: 'drop', times: 1000 }
	})
];

/** Questions about what all set-ups share: whoever asks meets the fault, and everybody must be ready at the end. */
export const SHARED_READS: readonly FaultCase[] = [
	callOf('dns', 'ingress look', 'cloudflare', '^GET .*/configurations'),
	callOf('dns', 'resources', 'proxmox', '^GET .*/cluster/resources')
].flatMap((call) =>
	Object.entries(MISBEHAVIOUR).map(([what, fault]) => ({
		...caseOf(call, what, fault),
		...{ step: 'shared', everybody: true }
	}))
);

/** The same of what is written for all of them together. */
export const SHARED_WRITES: readonly FaultCase[] = Object.entries(MISBEHAVIOUR)
	.flatMap(([what, fault]) => [
		[what, fault] as const,
		[`${what} after the effect`, after(fault)] as const
	])
	.map(([what, fault]) => ({
		// Once each: what many ask for is written together, so that there are few such calls.
		...caseOf(callOf('dns', 'ingress document', 'cloudflare', '^PUT .*/configurations'), what, {
			...fault,
			times: 1
		}),
		...{ step: 'shared', everybody: true }
	}));

/** What is asked of Stripe when somebody has paid. */
export const PAYMENT: readonly FaultCase[] = ['checkout/sessions', 'subscriptions'].flatMap(
	(noun) =>
		Object.entries(MISBEHAVIOUR).map(([what, fault]) => ({
			...caseOf(callOf('dns', noun, 'stripe', `^GET /v1/${noun}/`), what, { ...fault, times: 3 }),
			step: 'payment'
		}))
);

/** Reads are tried three times in each of a step's eight tries, but Odoo's, which are asked for as long as it may boot. */
function lasting({ changes, target, step }: Call): number {
	if (step === 'verify') return 1000;
	if (target === 'ssh' && !changes) return FOREVER;
	return changes ? 8 : 24;
}

function proxmox(call: string, match: string, changes: boolean): Call[] {
	return [{ step: 'container', call, target: 'proxmox', match, changes }];
}

function ssh(call: string, match: string, changes: boolean): Call[] {
	return [{ step: 'database', call, target: 'ssh', match, changes }];
}

function callOf(
	step: Call['step'],
	call: string,
	target: FaultRequest['target'],
	match: string
): Call {
	return { step, call, target, match, changes: false };
}

function task(type: string, what: string, fault: Fault): FaultCase {
	return caseOf(callOf('container', `task ${type}`, 'proxmox', `^TASK ${type}`), what, fault);
}

function odoo(command: string, what: string, fault: Fault): FaultCase {
	return caseOf(
		callOf('database', `odoo-bin ${command}`, 'odoo', `^odoo-bin ${command}`),
		what,
		fault
	);
}

function caseOf({ step, call, target, match }: Call, what: string, fault: Fault): FaultCase {
	return { step, call, what, request: { target, match, ...fault } };
}

function after(fault: Fault): Fault {
	return { ...fault, when: 'after' };
}
