import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './hash.ts';
import { MEMORY_FLAGS } from './memory.ts';

test('npm start and the image start the application with the same limits as the demo', () => {
	const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
		scripts: { start: string };
	};
	expect(scripts.start).toBe(`node ${MEMORY_FLAGS.join(' ')} src/server.ts`);
	const [, command = ''] =
		/^CMD (\[.*\])$/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8')) ?? [];
	expect(JSON.parse(command)).toEqual(['node', ...MEMORY_FLAGS, 'src/server.ts']);
});
