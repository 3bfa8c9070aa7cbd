import type { FaultKind, FaultRequest, Vendor } from '../kernel/faults.ts';
import type { Route, SandboxRequest, SandboxResponse } from '../kernel/http.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Time } from './time.ts';

const TARGETS: Vendor[] = [
	'stripe',
	'webhook',
	'cloudflare',
	'edge',
	'proxmox',
	'ssh',
	'odoo',
	'dns',
	'smtp'
];
const KINDS: FaultKind[] = [
	'delay',
	'status',
	'timeout',
	'reset',
	'malformed',
	'duplicate',
	'reorder',
	'drop'
];

/** Reset, faults, calls, clock and read-outs: the part of the control API that no single vendor owns. */
export function controlRoutes(kernel: Kernel, time: Time): Route[] {
	return [
		{
			method: 'POST',
			path: '/__sandbox/reset',
			run: () => {
				kernel.reset();
				return { status: 200, body: { reset: true } };
			}
		},
		{
			method: 'GET',
			path: '/__sandbox/faults',
			run: () => ({ status: 200, body: { faults: kernel.faults.list() } })
		},
		{
			method: 'POST',
			path: '/__sandbox/faults',
			run: (request) => {
				const fault = faultFrom(json(request));
				return typeof fault === 'string'
					? refused(fault)
					: { status: 201, body: kernel.faults.add(fault) };
			}
		},
		{
			method: 'DELETE',
			path: '/__sandbox/faults',
			run: () => {
				kernel.faults.clear();
				return { status: 200, body: { faults: [] } };
			}
		},
		{
			method: 'DELETE',
			path: '/__sandbox/faults/:id',
			run: (_request, { id = '' }) => {
				kernel.faults.clear(id);
				return { status: 200, body: { faults: kernel.faults.list() } };
			}
		},
		{
			method: 'GET',
			path: '/__sandbox/calls',
			run: ({ query }) => {
				const vendor = query.get('vendor') ?? undefined;
				const match = query.get('match') ?? undefined;
				const { simulatedMs } = kernel.calls;
				return {
					status: 200,
					body: { calls: kernel.calls.list({ vendor, match }), simulated_ms: simulatedMs }
				};
			}
		},
		{ method: 'GET', path: '/__sandbox/clock', run: () => ({ status: 200, body: time.read() }) },
		{
			method: 'POST',
			path: '/__sandbox/clock',
			run: async (request) => {
				const { advance_seconds: seconds } = json(request);
				if (typeof seconds !== 'number' || !(seconds >= 0) || seconds > 10 * 366 * 86_400) {
					return refused('advance_seconds must be a number from 0 to ten years');
				}
				return { status: 200, body: await time.advance(seconds) };
			}
		},
		{
			method: 'GET',
			path: '/__sandbox/state',
			run: ({ query }) => ({ status: 200, body: kernel.store.peek(query.get('vendor') ?? '') })
		}
	];
}

function faultFrom(body: Record<string, unknown>): FaultRequest | string {
	const target = TARGETS.find((one) => one === body.target);
	if (!target) return `target must be one of ${TARGETS.join(', ')}`;
	const kind = KINDS.find((one) => one === body.kind);
	if (!kind) return `kind must be one of ${KINDS.join(', ')}`;
	const match = typeof body.match === 'string' ? body.match : '';
	if (!isPattern(match)) return 'match is not a regular expression';
	const whole = (name: string): number | undefined => {
		const value = body[name];
		return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined;
	};
	return {
		target,
		kind,
		match,
		when: body.when === 'after' ? 'after' : 'before',
		times: whole('times') ?? 1,
		skip: whole('skip') ?? 0,
		status: whole('status'),
		ms: whole('ms'),
		body: typeof body.body === 'string' ? body.body : undefined
	};
}

function isPattern(text: string): boolean {
	try {
		return new RegExp(text) instanceof RegExp;
	} catch {
		return false;
	}
}

function json(request: SandboxRequest): Record<string, unknown> {
	const text = request.body.toString('utf8');
	const parsed: unknown = text ? JSON.parse(text) : {};
	if (typeof parsed !== 'object' || parsed === null)
		throw new Error('the body must be a JSON object');
	return { ...parsed };
}

function refused(error: string): SandboxResponse {
	return { status: 400, body: { error } };
}
