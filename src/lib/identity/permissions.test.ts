import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import { db } from '#lib/core/db.server.ts';
import { testDatabase } from '../../../tests/setup/database.ts';
import {
	CUSTOMER_ROLE_GRANTS,
	STAFF_PERMISSIONS,
	STAFF_ROLES,
	STAFF_ROLE_PERMISSIONS,
	readGrants,
	seedRoles
} from './permissions.ts';
import { permissionsDocument } from './permissionsDocument.ts';

await testDatabase();

describe('permissions', () => {
	it('are documented as they are', async () => {
		const file = fileURLToPath(new URL('../../../docs/permissions.md', import.meta.url));
		const fresh = await format(permissionsDocument(), { parser: 'markdown' });
		expect(readFileSync(file, 'utf8'), 'run: node src/cli/permissions-document.ts').toBe(fresh);
	});

	it('let the administrator do everything, and the auditor read everything and change nothing', () => {
		const all = Object.keys(STAFF_PERMISSIONS);
		expect(STAFF_ROLE_PERMISSIONS.administrator).toEqual(all);
		const reads = all.filter((name) => name.endsWith(':read'));
		expect(STAFF_ROLE_PERMISSIONS.auditor).toEqual([...reads, 'profile:manage']);
		for (const role of STAFF_ROLES)
			expect(STAFF_ROLE_PERMISSIONS[role]).toContain('profile:manage');
	});

	it('read the widest scope of a grant and nothing that is unknown', () => {
		const grants = readGrants([
			'activity:read:own',
			'activity:read:all',
			'activity:read:assigned',
			'team:read',
			'team:read:world',
			'x:y'
		]);
		expect([...grants]).toEqual([
			['activity:read', 'all'],
			['team:read', 'all']
		]);
		expect(readGrants(CUSTOMER_ROLE_GRANTS.member).has('invoices:read')).toBe(false);
	});

	it('are seeded again without touching own roles', async () => {
		await db.role.create({
			data: {
				kind: 'staff',
				key: 'night-shift',
				name: 'Turno de noche',
				permissions: ['logs:read']
			}
		});
		await db.role.updateMany({
			where: { kind: 'staff', key: 'support' },
			data: { permissions: [] }
		});
		await seedRoles(db);
		const roles = await db.role.findMany({ where: { kind: 'staff' } });
		const of = (key: string) => roles.find((role) => role.key === key);
		expect(of('support')).toMatchObject({
			builtIn: true,
			permissions: STAFF_ROLE_PERMISSIONS.support
		});
		expect(of('night-shift')).toMatchObject({ builtIn: false, permissions: ['logs:read'] });
	});
});
