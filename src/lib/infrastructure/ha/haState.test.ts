import { expect, it } from 'vitest';
import { judgeGuard } from './haState.ts';
import { haState } from './haWords.ts';

const seen = { state: 'started', replicated: true, copyAge: 1, isOld: false };

it.each([
	['nobody has looked yet', null, false, 'preparing'],
	['all is well', seen, false, 'ok'],
	[
		'nothing is copied since both share it',
		{ ...seen, replicated: false, copyAge: null },
		false,
		'ok'
	],
	['the second node is away', seen, true, 'alone'],
	['the copy is late', { ...seen, copyAge: 2.5 }, false, 'late'],
	['the first copy is on its way', { ...seen, copyAge: null }, false, 'preparing'],
	['its node is being fenced', { ...seen, state: 'fence' }, true, 'fence'],
	['no node has its disks', { ...seen, state: 'recovery' }, false, 'nowhere'],
	['the manager gave up', { ...seen, state: 'error' }, false, 'error'],
	['it is being moved', { ...seen, state: 'relocate' }, false, 'moving'],
	['staff stopped it', { ...seen, state: 'stopped' }, false, 'stopped'],
	['the manager does not know it', { ...seen, state: null }, false, 'preparing'],
	['a word of Proxmox is new to us', { ...seen, state: 'bored' }, false, 'unknown'],
	['the look is old', { ...seen, isOld: true }, false, 'unknown']
] as const)('when %s', (_what, guard, isAway, state) => {
	expect(judgeGuard(guard, isAway)).toBe(state);
	expect(haState(state).label).not.toBe('');
});
