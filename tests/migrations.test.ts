import { expect, test } from 'vitest';
import { migrate, migrationStatus, schemaDifference } from '../src/cli/migrate.ts';
import { testDatabase } from './setup/database.ts';

const { url } = await testDatabase();

test('the migrations lead to the models', async () => {
	expect(await schemaDifference(url)).toBe('');
});

test('migrating again, twice at the same time, changes nothing', async () => {
	expect(await Promise.all([migrate(url), migrate(url)])).toEqual([[], []]);
	expect(await migrationStatus(url)).toEqual({ pending: [], failed: [], edited: [] });
});
