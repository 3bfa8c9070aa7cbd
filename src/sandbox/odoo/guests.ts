import type { Kernel } from '../kernel/kernel.ts';
import type { StoreDocument } from '../kernel/store.ts';
import { templateGuest, type GuestState } from './state.ts';

/** VMID of the template container, and the Odoo version inside. */
const TEMPLATE = { vmid: 9018, version: 18 };
const DATABASE_BYTES = 38 * 1024 ** 2;
const MODULE_BYTES = 3 * 1024 ** 2;

/** What runs inside the containers, by VMID. A container without an entry is a bare Debian. */
export class Guests {
	readonly kernel: Kernel;
	readonly #document: StoreDocument<Record<string, GuestState>>;

	constructor(kernel: Kernel) {
		this.kernel = kernel;
		this.#document = kernel.store.document('odoo', () => ({
			[TEMPLATE.vmid]: templateGuest(TEMPLATE.version, kernel.clock.now())
		}));
	}

	get(vmid: number): GuestState | undefined {
		return this.#document.get()[vmid];
	}

	/** Puts a server with its databases into a container. */
	set(vmid: number, guest: GuestState): void {
		this.#document.get()[vmid] = guest;
		this.changed();
	}

	changed(): void {
		this.#document.changed();
	}

	/** A clone holds everything of its source, secrets included. */
	copy(from: number, to: number): void {
		const source = this.get(from);
		if (source) this.#document.get()[to] = structuredClone(source);
		this.changed();
	}

	remove(vmid: number): void {
		delete this.#document.get()[vmid];
		this.changed();
	}

	/** The disk's content as text; null for a bare system. */
	save(vmid: number): string | null {
		const guest = this.get(vmid);
		return guest ? JSON.stringify(guest) : null;
	}

	restore(vmid: number, saved: string | null): void {
		if (saved === null) delete this.#document.get()[vmid];
		else this.#document.get()[vmid] = JSON.parse(saved) as GuestState;
		this.changed();
	}

	/** Installs another major version: a fresh server with that version's template databases. */
	install(vmid: number, version: number): void {
		this.set(vmid, templateGuest(version, this.kernel.clock.now()));
	}

	databaseCount(vmid: number): number {
		return Object.keys(this.get(vmid)?.databases ?? {}).length;
	}

	/** Pretended bytes of databases and files. */
	bytes(vmid: number): number {
		const guest = this.get(vmid);
		if (!guest) return 0;
		let bytes = 0;
		for (const database of Object.values(guest.databases)) {
			bytes += DATABASE_BYTES + Object.keys(database.modules).length * MODULE_BYTES;
		}
		for (const content of Object.values(guest.files)) bytes += content.length * 0.75;
		return bytes;
	}
}
