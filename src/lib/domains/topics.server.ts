import { requireStaff } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';

defineTopic({
	// How much of a provider's budget of calls is used, and whether it lets everybody wait.
	name: 'admin.provider-budget',
	channels: () => ['staff:providers'],
	guard: (event) => {
		requireStaff(event, 'domains:read');
		return '';
	}
});

defineTopic({
	name: 'admin.domain-bases',
	channels: () => ['staff:domain-bases'],
	guard: (event) => {
		requireStaff(event, 'domains:read');
		return '';
	}
});

defineTopic({
	// What stands in our zones, and what was asked of it.
	name: 'admin.domain-records',
	channels: () => ['staff:domain-records'],
	guard: (event) => {
		requireStaff(event, 'domains:read');
		return '';
	}
});
