/** Until Cloudflare has given it its id, a tunnel that is being made is known by ours. */
const PENDING = 'pending:';

export function pendingId(id: string): string {
	return `${PENDING}${id}`;
}

/** Cloudflare has it. */
export function isMade({ cloudflareId }: { cloudflareId: string }): boolean {
	return !cloudflareId.startsWith(PENDING);
}
