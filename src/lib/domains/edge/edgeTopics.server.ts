import { requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';

defineTopic({
	// Our own edge servers, and what is applied on each.
	name: 'admin.edge-servers',
	channels: () => ['staff:edge-servers'],
	guard: (event) => {
		requireStaff(event, 'domains:read');
		return '';
	}
});
