import type { SecretCell, SecretStore } from '../../src/kernel/secret-store.ts';

/** A store that forgets everything with the test. */
export function memorySecretStore(): SecretStore {
  const cells = new Map<string, SecretCell>();
  return {
    open(key) {
      const known = cells.get(key);
      if (known !== undefined) return known;
      const cell = memoryCell();
      cells.set(key, cell);
      return cell;
    },
  };
}

function memoryCell(): SecretCell {
  let value: string | undefined;
  let last: Promise<unknown> = Promise.resolve();
  return {
    read: () => Promise.resolve(value),
    write: (next) => {
      value = next;
      return Promise.resolve();
    },
    exclusive: (action) => {
      const turn = last.then(action, action);
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}
