/** Steps of setup_odoo_lxc inside the container, in order: `bash -s -- --list` says the same (held by a test). */
export const SETUP_STEPS = [
	'base',
	'locale',
	'user',
	'postgresql',
	'role',
	'wkhtmltopdf',
	'sources',
	'python',
	'config',
	'service',
	'nginx',
	'databases',
	'verify',
	'clean'
] as const;

export type SetupStep = (typeof SETUP_STEPS)[number];
