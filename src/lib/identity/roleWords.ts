import { m } from '#i18n/paraglide/messages.js';

const CUSTOMER_ROLES: Record<string, { label: () => string; text: () => string }> = {
	owner: { label: m.portal_role_owner, text: m.portal_role_owner_text },
	manager: { label: m.portal_role_manager, text: m.portal_role_manager_text },
	member: { label: m.portal_role_member, text: m.portal_role_member_text },
	auditor: { label: m.portal_role_auditor, text: m.portal_role_auditor_text }
};

/** A customer's role in words; one that a company made itself carries its own name. */
export function customerRole(role: { key: string; name: string }): { label: string; text: string } {
	const known = CUSTOMER_ROLES[role.key];
	return known ? { label: known.label(), text: known.text() } : { label: role.name, text: '' };
}
