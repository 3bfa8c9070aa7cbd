/**
 * An object that is made at its first use. Modules may then be imported where there is no database and no
 * environment: by the build, and by tests before their set-up has run.
 */
export function lazy<T extends object>(make: () => T): T {
	let made: T | undefined;
	const target = () => (made ??= make());
	return new Proxy({} as T, {
		get(_, property) {
			const value: unknown = Reflect.get(target(), property);
			return typeof value === 'function' ? value.bind(target()) : value;
		},
		has: (_, property) => Reflect.has(target(), property)
	});
}
