import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { testDatabase } from './setup/database.ts';

const { url } = await testDatabase();

/** As who operates the product runs it: the engine of migrations wants a process of its own. */
async function migrations(...args: string[]): Promise<string> {
	const env = { ...process.env, DATABASE_URL: url, DATABASE_DIRECT_URL: '' };
	const { stdout } = await promisify(execFile)(process.execPath, ['src/cli/migrate.ts', ...args], {
		env
	});
	return stdout.trim();
}

test('the migrations lead to the models', async () => {
	expect(await migrations('diff')).toBe('none');
});

test('migrating again, twice at the same time, changes nothing', async () => {
	expect(await Promise.all([migrations(), migrations()])).toEqual([
		'nothing to apply',
		'nothing to apply'
	]);
	expect(await migrations('status')).toBe('pending: none');
});
