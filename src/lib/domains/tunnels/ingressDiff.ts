import type { IngressRule } from '../../integrations/cloudflare/types.ts';
import { ruleKey, ruleText } from './ingress.ts';

/** How one document became another. */
export interface IngressDiff {
	added: IngressRule[];
	removed: IngressRule[];
	/** Of the same host and path, with another service or other options. */
	changed: { before: IngressRule; after: IngressRule }[];
	/** The fewest rules that stand elsewhere among those that are in both. */
	moved: number;
}

/** What makes `after` out of `before`. Of several rules with one host and path the first is held against the first. */
export function diffIngress(before: IngressRule[], after: IngressRule[]): IngressDiff {
	const old = new Map(numbered(before));
	const places = new Map([...old.keys()].map((key, place) => [key, place]));
	const added: IngressRule[] = [];
	const changed: IngressDiff['changed'] = [];
	const order: number[] = [];
	for (const [key, rule] of numbered(after)) {
		const was = old.get(key);
		if (!was) {
			added.push(rule);
			continue;
		}
		order.push(places.get(key)!);
		old.delete(key);
		if (ruleText(was) !== ruleText(rule)) changed.push({ before: was, after: rule });
	}
	return { added, removed: [...old.values()], changed, moved: order.length - longestRise(order) };
}

export function isSame({ added, removed, changed, moved }: IngressDiff): boolean {
	return added.length + removed.length + changed.length + moved === 0;
}

/** Rules by what they are known by; a second one of the same has a key of its own. */
function numbered(rules: IngressRule[]): [string, IngressRule][] {
	const seen = new Map<string, number>();
	return rules.map((rule) => {
		const key = ruleKey(rule);
		const count = seen.get(key) ?? 0;
		seen.set(key, count + 1);
		return [`${key}|${count}`, rule];
	});
}

/** Length of the longest subsequence that rises: what need not move. */
function longestRise(numbers: number[]): number {
	/** The smallest end of a rise of each length. */
	const ends: number[] = [];
	for (const number of numbers) {
		let low = 0;
		let high = ends.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (ends[middle]! < number) low = middle + 1;
			else high = middle;
		}
		ends[low] = number;
	}
	return ends.length;
}
