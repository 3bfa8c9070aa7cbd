import { requireStaff } from '#lib/identity/guard.server.ts';
import { securityActions, securityPage } from '#lib/identity/securityPage.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { Actions, PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	requireStaff(event, 'profile:manage');
	return {
		security: await securityPage(event),
		crumbs: [{ label: m.admin_account_security() }]
	};
};

export const actions: Actions = {
	password: (event) => {
		requireStaff(event, 'profile:manage');
		return securityActions.password(event);
	},
	begin: (event) => {
		requireStaff(event, 'profile:manage');
		return securityActions.begin(event);
	},
	cancel: (event) => {
		requireStaff(event, 'profile:manage');
		return securityActions.cancel(event);
	},
	enable: (event) => {
		requireStaff(event, 'profile:manage');
		return securityActions.enable(event);
	},
	disable: (event) => {
		requireStaff(event, 'profile:manage');
		return securityActions.disable(event);
	},
	recovery: (event) => {
		requireStaff(event, 'profile:manage');
		return securityActions.recovery(event);
	},
	revoke: (event) => {
		requireStaff(event, 'profile:manage');
		return securityActions.revoke(event);
	},
	revokeOthers: (event) => {
		requireStaff(event, 'profile:manage');
		return securityActions.revokeOthers(event);
	}
};
