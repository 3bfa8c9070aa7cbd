import type { StepContext } from '#lib/core/saga.server.ts';
import { bareState, type BareState } from '../containers/bareState.ts';

/** What the run that builds a template remembers. */
export const buildState = bareState;

export type BuildState = BareState;
export type BuildContext = StepContext<BuildState>;
