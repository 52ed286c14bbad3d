/**
 * A set for things that come and go with every request. A JavaScript `Set` leaves its outgrown tables behind, each with
 * its old entries and a link to the next table: once one of them is old to the garbage collector, everything that
 * enters later survives with it until a full collection, and every request is then copied twice instead of forgotten.
 * Here a member knows its place in one array, and nothing is left behind. Members must be extensible objects.
 */
export class Roster<T extends object> {
  readonly #place = Symbol('place in a roster');
  readonly #members: T[] = [];

  get size(): number {
    return this.#members.length;
  }

  has(member: T): boolean {
    return this.#placeOf(member) !== -1;
  }

  add(member: T): void {
    if (this.has(member)) return;
    this.#seat(member, this.#members.length);
    this.#members.push(member);
  }

  /** False where the member is not there. The last member takes its place. */
  delete(member: T): boolean {
    const place = this.#placeOf(member);
    if (place === -1) return false;
    this.#seat(member, -1);
    const last = this.#members.pop();
    if (last !== undefined && last !== member) {
      this.#members[place] = last;
      this.#seat(last, place);
    }
    return true;
  }

  /** The members of this moment; those that leave meanwhile are still among them. */
  members(): T[] {
    return [...this.#members];
  }

  #placeOf(member: T): number {
    return (member as Record<symbol, number | undefined>)[this.#place] ?? -1;
  }

  #seat(member: T, place: number): void {
    (member as Record<symbol, number>)[this.#place] = place;
  }
}
