import { requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';

defineTopic({
	name: 'admin.nodes',
	channels: () => ['staff:nodes', 'staff:containers'],
	guard: (event) => {
		requireStaff(event, 'infrastructure:read');
		return '';
	}
});
