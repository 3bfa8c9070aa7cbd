import { requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';

defineTopic({
	// Everything that the figures are counted from, and that they were counted again.
	name: 'admin.dashboard',
	channels: () =>
		[
			...['tenants', 'customers', 'billing', 'nodes', 'containers', 'alerts', 'overview'],
			'vendors'
		].map((subject) => `staff:${subject}`),
	guard: (event) => {
		requireStaff(event, 'dashboard:read');
		return '';
	}
});
