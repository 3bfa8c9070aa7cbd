import {
	CUSTOMER_PERMISSIONS,
	CUSTOMER_ROLES,
	CUSTOMER_ROLE_GRANTS,
	STAFF_PERMISSIONS,
	STAFF_ROLES,
	STAFF_ROLE_PERMISSIONS,
	isCustomerPermission,
	readGrants
} from './permissions.ts';

/** docs/permissions.md, before Prettier aligns its tables. */
export function permissionsDocument(): string {
	const staff = Object.entries(STAFF_PERMISSIONS).map(([name, what]) => [
		`\`${name}\``,
		what,
		...STAFF_ROLES.map((role) =>
			STAFF_ROLE_PERMISSIONS[role].some((held) => held === name) ? '✓' : ''
		)
	]);
	const grants = CUSTOMER_ROLES.map((role) => readGrants(CUSTOMER_ROLE_GRANTS[role]));
	const customers = Object.entries(CUSTOMER_PERMISSIONS).map(([name, { what, scoped }]) => [
		`\`${name}\``,
		what,
		...grants.map((held) => {
			const scope = isCustomerPermission(name) ? held.get(name) : undefined;
			return scope ? (scoped ? scope : '✓') : '';
		})
	]);
	return [
		'# Permissions',
		'Made by `node src/cli/permissions-document.ts` from `src/lib/identity/permissions.ts`; a test says when it is out of date.',
		'## Staff',
		table(['Permission', 'Allows to', ...STAFF_ROLES], staff),
		'## Customers',
		'`own`: what the person made; `assigned`: what was given to it; `all`: everything of the company.',
		table(['Permission', 'Allows to', ...CUSTOMER_ROLES], customers)
	].join('\n\n');
}

function table(head: string[], rows: string[][]): string {
	const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
	return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
