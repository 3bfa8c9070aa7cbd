import { describe, expect, it } from 'vitest';
import { ContainerStatus, NodeStatus } from '#prisma/generated/enums.ts';
import { containerTransition, nodeTransition } from './states.ts';

/** domain.md §2, read by hand: `provisioning → running ⇄ stopped`, `running ⇄ paused`, `error → running | stopped`, any → `error | deleted`. */
const CONTAINER = new Set([
	...['provisioning>running', 'running>stopped', 'stopped>running', 'running>paused'],
	...['paused>running', 'error>running', 'error>stopped'],
	...['provisioning', 'running', 'stopped', 'paused'].map((from) => `${from}>error`),
	...['provisioning', 'running', 'stopped', 'paused', 'error'].map((from) => `${from}>deleted`)
]);
const NODE = new Set([
	...['online>offline', 'offline>online', 'online>maintenance', 'offline>maintenance'],
	...['maintenance>online', 'maintenance>offline']
]);

const pairs = <T extends string>(values: T[]) =>
	values.flatMap((from) => values.map((to) => [from, to] as const));

describe.each(pairs(Object.values(ContainerStatus)))('a container, %s → %s', (from, to) => {
	const allowed = from === to || CONTAINER.has(`${from}>${to}`);
	it(allowed ? 'goes' : 'is refused', () => {
		if (allowed) expect(containerTransition(from, to)).toBe(to);
		else expect(() => containerTransition(from, to)).toThrow('WRONG_STATE');
	});
});

describe.each(pairs(Object.values(NodeStatus)))('a node, %s → %s', (from, to) => {
	const allowed = from === to || NODE.has(`${from}>${to}`);
	it(allowed ? 'goes' : 'is refused', () => {
		if (allowed) expect(nodeTransition(from, to)).toBe(to);
		else expect(() => nodeTransition(from, to)).toThrow('WRONG_STATE');
	});
});
