import { requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';

defineTopic({
	name: 'admin.billing',
	// The second: figures that were shown as of before were counted again.
	channels: () => ['staff:billing', 'staff:figures'],
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
