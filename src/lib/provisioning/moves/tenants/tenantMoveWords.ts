/** What speaks against moving an instance by its database. */
export type TenantMoveRefusal =
	| 'no_room'
	| 'too_big'
	| 'busy'
	| 'moving'
	| 'kept'
	| 'adopted'
	| 'postgres'
	| 'version'
	| 'state'
	| 'offline'
	| 'same';
