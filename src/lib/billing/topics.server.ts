import { requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';

defineTopic({
	name: 'admin.billing',
	// Figures that were shown as of before were counted again; Stripe went away, or came back.
	channels: () => ['staff:billing', 'staff:figures', 'staff:vendors'],
	guard: (event) => {
		requireStaff(event, 'billing:read');
		return '';
	}
});

defineTopic({
	name: 'admin.drifts',
	channels: () => ['staff:drifts'],
	guard: (event) => {
		requireStaff(event, 'billing:read');
		return '';
	}
});
