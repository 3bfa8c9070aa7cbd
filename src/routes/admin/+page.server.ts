import { overview } from '#lib/analytics/overview.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'dashboard:read');
	return {
		overview: await overview(),
		may: {
			create: staff.permissions.has('tenants:create'),
			tenants: staff.permissions.has('tenants:read'),
			nodes: staff.permissions.has('infrastructure:read'),
			billing: staff.permissions.has('billing:read'),
			alerts: {
				read: staff.permissions.has('notifications:read'),
				acknowledge: staff.permissions.has('notifications:write')
			}
		}
	};
};
