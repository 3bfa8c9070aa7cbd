import { requireCustomer } from '#lib/identity/guard.server.ts';
import { defineTopic } from '#lib/identity/topics.server.ts';

defineTopic({
	// The company that the session works for, whatever the client names.
	name: 'portal.customer',
	channels: (customerId) => [`customer:${customerId}`],
	guard: (event) => {
		const member = requireCustomer(event, 'instance:read');
		return member.customerId;
	}
});
