import { requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';

defineTopic({
	name: 'admin.billing',
	channels: () => ['staff:billing'],
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
