import { expect, test } from 'vitest';
import { expectConsole, unexpectedConsole } from './console.ts';

test('a line that nobody expected is reported', () => {
	console.error('something %s', 'broke');
	expect(unexpectedConsole()).toEqual(['console.error: something broke']);
});

test('an expected line passes, and one that does not come is reported', () => {
	expectConsole(/careful/);
	console.warn('be careful');
	expect(unexpectedConsole()).toEqual([]);
	expect(unexpectedConsole()).toEqual(['expected but not written: /careful/']);
	console.warn('be careful');
});
