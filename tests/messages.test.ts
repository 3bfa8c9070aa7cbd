import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const keysOf = (locale: string) =>
	Object.keys(
		JSON.parse(readFileSync(`${root}/src/i18n/${locale}.json`, 'utf8')) as Record<string, string>
	);

/** Keys that are put together from parts, by what they begin with and where: there are none. */
const COMPOSED: string[] = [];

test('both languages have the same messages', () => {
	expect(keysOf('en')).toEqual(keysOf('es'));
});

test('every message is said somewhere', () => {
	const said = new Set<string>();
	for (const path of readdirSync(`${root}/src`, { recursive: true, encoding: 'utf8' })) {
		if (!/\.(ts|svelte)$/.test(path) || path.includes('paraglide')) continue;
		const text = readFileSync(`${root}/src/${path}`, 'utf8');
		for (const [, key] of text.matchAll(/\bm\.([a-z]\w*)/g)) said.add(key!);
	}
	const unsaid = keysOf('es').filter(
		(key) => !said.has(key) && !COMPOSED.some((prefix) => key.startsWith(prefix))
	);
	// Remove them with `{ "key": null }`, see src/i18n/add.ts.
	expect(unsaid).toEqual([]);
});
