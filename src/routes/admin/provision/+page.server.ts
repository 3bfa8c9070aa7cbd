import { db } from '#lib/core/db.server.ts';
import { requireStaff } from '#lib/identity/guard.server.ts';
import { explainCapacity, placementRules } from '#lib/infrastructure/placement/placement.server.ts';
import { plansOnSale } from '#lib/plans/plans.server.ts';
import { setupSpeed } from '#lib/provisioning/speed.server.ts';
import { waitingQueue } from '#lib/provisioning/waiting.server.ts';
import { m } from '#i18n/paraglide/messages.js';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async (event) => {
	const staff = requireStaff(event, 'provisioning:read');
	const rules = await placementRules();
	const plans = await plansOnSale(db);
	const found = [];
	for (const { key, name, isolation, cpuCores, ramMb, diskGb } of plans) {
		const wanted = { isolation, cpuCores, ramMb, diskGb };
		found.push({ key, name, ...(await explainCapacity(db, wanted, rules)) });
	}
	return {
		plans: found,
		waiting: await waitingQueue(db),
		speed: await setupSpeed(db),
		may: {
			tenants: staff.permissions.has('tenants:read'),
			nodes: staff.permissions.has('infrastructure:read')
		},
		crumbs: [{ label: m.admin_nav_provision() }]
	};
};
