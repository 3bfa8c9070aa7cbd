import { requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';

defineTopic({
	name: 'admin.plans',
	channels: () => ['staff:plans'],
	guard: (event) => {
		requireStaff(event, 'plans:read');
		return '';
	}
});
