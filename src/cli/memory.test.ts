import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './hash.ts';
import { MEMORY_ENV, MEMORY_FLAGS } from './memory.ts';

test('npm start and the image start the application with the same limits as the demo', () => {
	const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
		scripts: { start: string };
	};
	expect(scripts.start).toBe(`node ${MEMORY_FLAGS.join(' ')} build/main.js`);
	const image = readFileSync(join(root, 'Dockerfile'), 'utf8');
	for (const [name, value] of Object.entries(MEMORY_ENV))
		expect(image).toMatch(new RegExp(`^ENV .*\\b${name}=${value}\\b`, 'm'));
	const [, command = ''] = /^CMD (\[.*\])$/m.exec(image) ?? [];
	expect(JSON.parse(command)).toEqual(['node', ...MEMORY_FLAGS, 'build/main.js']);
});
