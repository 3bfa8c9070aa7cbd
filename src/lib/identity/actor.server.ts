import type { Actor } from '#lib/logs/audit.server.ts';
import type { Auth } from './auth.ts';

/** Who did it, as the audit log notes it. */
export function actorOf(auth: Auth): Actor {
	const { id, email } = auth.user;
	if (auth.token) return { kind: 'token', id, label: `${email} (${auth.token.name})` };
	return { kind: auth.side === 'staff' ? 'staff' : 'member', id, label: email };
}
