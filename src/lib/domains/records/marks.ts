/** What of ours a DNS record may have been made for. */
export const OWNER_KINDS = ['tenant', 'domain', 'base', 'host'] as const;
export type OwnerKind = (typeof OWNER_KINDS)[number];

export interface Owner {
	kind: OwnerKind;
	/** Of the tenant, the custom domain, the base domain or the host of a tunnel. */
	id: string;
}

const MARK = /\berpcore (tenant|domain|base|host) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b/g;

/** The comment by which a record of ours is known again. */
export function markOf({ kind, id }: Owner): string {
	return `erpcore ${kind} ${id}`;
}

/** Whose a record is by its comment; null when it carries no mark of ours, or two that contradict each other. */
export function ownerIn(comment: string | null | undefined): Owner | null {
	const found = new Map(
		[...(comment ?? '').matchAll(MARK)].map(([mark, kind, id]) => [mark, { kind, id }])
	);
	const [only, ...others] = [...found.values()];
	if (!only?.id || others.length > 0) return null;
	return isOwnerKind(only.kind) ? { kind: only.kind, id: only.id } : null;
}

export function isOwnerKind(kind: string | null | undefined): kind is OwnerKind {
	return OWNER_KINDS.some((one) => one === kind);
}

export function isSameOwner(a: Owner | null, b: Owner | null): boolean {
	return a !== null && b !== null && a.kind === b.kind && a.id === b.id;
}
