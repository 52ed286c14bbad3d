import type { NeutralClient, NeutralProvider } from '../neutral.ts';
import type { Case } from './cases.ts';

export interface Outcome {
  /** `absent`: a side has no words for what the case is about. `refused`: the client got a 4xx that names the field. */
  readonly kind: 'done' | 'absent' | 'refused';
  /** Of an absent one: which side has no words. */
  readonly side?: 'client' | 'provider';
  readonly lost: readonly string[];
  /** What is wrong. */
  readonly complaints: readonly string[];
}

export interface Result {
  readonly one: Case;
  readonly client: string;
  readonly provider: string;
  readonly outcome: Outcome;
}

/** What has been measured, for the page. */
export class Results {
  readonly all: Result[] = [];

  add(one: Case, client: NeutralClient, provider: NeutralProvider, outcome: Outcome): void {
    this.all.push({ one, client: client.dialect, provider: provider.type, outcome });
  }
}
