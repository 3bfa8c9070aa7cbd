import { outcome, type Outcome } from '../ssh/shell.ts';
import type { GuestState } from './state.ts';

const OWN = '/opt/odoo/src/addons';
const BESIDES = '/opt/odoo/addons';

/** `addons_path` of odoo.conf: what comes with Odoo, and what its owner put beside it. */
export const ADDONS_PATH = `${OWN},${BESIDES}`;

/** Modules that come with every Odoo; `base` lies in the program itself. */
const WITH_ODOO = [
	...['web', 'mail', 'contacts', 'sale', 'sale_management', 'account', 'stock', 'purchase', 'crm'],
	...['project', 'hr', 'mrp', 'point_of_sale', 'website', 'l10n_ec', 'l10n_mx', 'l10n_pe']
];

/** `find FOLDER… -mindepth 2 -maxdepth 2 -name __manifest__.py -printf '%h\n'`: the folders of modules. */
export function manifests(state: GuestState, args: string[]): Outcome {
	const lines = args
		.filter((arg) => arg.startsWith('/'))
		.flatMap((folder) => {
			const modules = folder === OWN ? WITH_ODOO : folder === BESIDES ? (state.addons ?? []) : [];
			return modules.map((module) => `${folder}/${module}\n`);
		});
	return outcome(0, lines.join(''));
}
