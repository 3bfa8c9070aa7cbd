/** Real-life milliseconds of Odoo's commands on the hardware that the nodes pretend to be. */
export const ODOO_MS = {
	start: 1_200,
	init: 45_000,
	module: 12_000,
	duplicate: 7_000,
	drop: 1_500,
	dump: 6_000,
	load: 15_000,
	rename: 900,
	shell: 3_500
} as const;
