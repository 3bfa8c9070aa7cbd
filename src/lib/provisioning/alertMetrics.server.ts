import { defineAlertMetric } from '../notifications/alerts/alertMetrics.server.ts';

// Who no longer waits is not read, and its alert closes.
defineAlertMetric({
	...{ name: 'tenant.waits_for_room', unit: 'yes_no', subjectType: 'tenant' },
	...{ worse: 'above', hasHistory: false },
	read: async (tx) => {
		const waiting = await tx.tenant.findMany({
			where: { status: 'waiting_capacity' },
			orderBy: { queuedAt: 'asc' },
			select: { id: true, slug: true, customer: { select: { companyName: true } } }
		});
		return waiting.map(({ id, slug, customer }) => ({
			...{ subjectId: id, name: slug, values: [1] },
			data: { slug, company: customer.companyName }
		}));
	}
});
