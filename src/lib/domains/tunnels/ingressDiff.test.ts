import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { IngressRule } from '../../integrations/cloudflare/types.ts';
import { ruleText, sameIngress } from './ingress.ts';
import { diffIngress, isSame } from './ingressDiff.ts';

const rule = fc.record(
	{
		hostname: fc.constantFrom('a.x', 'b.x', 'c.x', 'D.x', '*.x'),
		path: fc.constantFrom('/p', '/q'),
		service: fc.constantFrom('http://1', 'http://2'),
		originRequest: fc.record({ httpHostHeader: fc.constantFrom('h.x', 'i.x') })
	},
	{ requiredKeys: ['service'] }
) satisfies fc.Arbitrary<IngressRule>;
const rules = fc.array(rule, { maxLength: 8 });
const bag = (list: IngressRule[]) => list.map(ruleText).sort();

describe('the difference of two documents', () => {
	test('is nothing exactly when they route alike', () => {
		fc.assert(
			fc.property(rules, rules, (a, b) => {
				expect(isSame(diffIngress(a, b))).toBe(sameIngress(a, b));
				expect(isSame(diffIngress(a, structuredClone(a)))).toBe(true);
			})
		);
	});

	test('applied to the one gives the rules of the other', () => {
		fc.assert(
			fc.property(rules, rules, (a, b) => {
				const { added, removed, changed } = diffIngress(a, b);
				const gone = bag([...removed, ...changed.map(({ before }) => before)]);
				const next = bag(a);
				for (const text of gone) {
					const at = next.indexOf(text);
					expect(at).toBeGreaterThanOrEqual(0);
					next.splice(at, 1);
				}
				const come = bag([...added, ...changed.map(({ after }) => after)]);
				expect([...next, ...come].sort()).toEqual(bag(b));
			})
		);
	});

	test('read backwards is the difference backwards', () => {
		fc.assert(
			fc.property(rules, rules, (a, b) => {
				const there = diffIngress(a, b);
				const back = diffIngress(b, a);
				expect(bag(back.added)).toEqual(bag(there.removed));
				expect(bag(back.removed)).toEqual(bag(there.added));
				expect(bag(back.changed.map(({ before }) => before))).toEqual(
					bag(there.changed.map(({ after }) => after))
				);
				expect(back.moved).toBe(there.moved);
			})
		);
	});

	test('of an order alone counts the fewest that moved', () => {
		const named = ['a', 'b', 'c', 'd'].map((name) => ({ hostname: name, service: 'http://1' }));
		const [a, b, c, d] = named;
		expect(diffIngress(named, [d!, a!, b!, c!])).toEqual({
			...{ added: [], removed: [], changed: [] },
			moved: 1
		});
		expect(diffIngress(named, [d!, c!, b!, a!]).moved).toBe(3);
	});
});
