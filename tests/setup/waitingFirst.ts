import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that wait for minutes, mostly for vendors that are slow or dead on purpose. */
const WAITING = [
	...['faultsDedicated', 'faultsShared', 'kill', 'outages'],
	...['dunningWork.server', 'planMoves.server', 'tenantMove.server', 'edgeServers.server']
];

/**
 * Begins with the files that wait, so that the others compute meanwhile: at the end they would wait alone. (Without a
 * cache of earlier runs Vitest begins with the largest files, and these are among the smallest.)
 */
export class WaitingFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		const sorted = await super.sort(files);
		const place = ({ moduleId }: TestSpecification) => {
			const found = WAITING.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
			return found < 0 ? WAITING.length : found;
		};
		return sorted.sort((a, b) => place(a) - place(b));
	}
}
