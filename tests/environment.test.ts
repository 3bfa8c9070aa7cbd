import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

test('.env.example has every variable that the product reads, and a sentence above each group', () => {
	const source = read('src/lib/core/env.server.ts');
	const schema = source.slice(source.indexOf('z.object({'), source.indexOf('export type Env'));
	const wanted = [...schema.matchAll(/^\t([A-Z][A-Z_]+):/gm)].map(([, name]) => name);
	const example = read('.env.example');
	const given = [...example.matchAll(/^([A-Z][A-Z_]+)=/gm)].map(([, name]) => name);
	expect(wanted.length).toBeGreaterThan(20);
	expect(wanted.filter((name) => !given.includes(name))).toEqual([]);
	// What compose alone reads.
	const others = ['POSTGRES_PASSWORD', 'SSH_KEY_FILE'];
	expect(given.filter((name) => !wanted.includes(name) && !others.includes(name ?? ''))).toEqual(
		[]
	);
	expect(example).not.toMatch(/^\n[A-Z]/m);
});
