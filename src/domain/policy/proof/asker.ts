import { ALWAYS, Diagrams, type Node } from './diagrams.ts'

/**
 * Turns conditions into functions over attributes. Rules are put to it twice: first a `Recorder` notes
 * which words they tell apart, then a `Space` that knows so gives functions. No condition can be
 * forgotten in between, because both times the same code asks.
 */
export interface Asker {
  readonly diagrams: Diagrams
  /** The attribute is one of these words; words that it does not have count for nothing. */
  among(attribute: string, words: readonly string[]): Node
  /** The yes-or-no attribute is yes. */
  holds(attribute: string): Node
  /** The attribute, an age in milliseconds, is not beyond the limit. */
  atMost(attribute: string, limit: number): Node
  /** Recipient and source are alike in the attribute. */
  same(attribute: string): Node
  /** The person asked about has at least one of these roles. */
  hasRole(roles: readonly string[]): Node
}

/** Notes what is asked; its functions mean nothing. */
export class Recorder implements Asker {
  readonly diagrams = new Diagrams([])
  /** Word lists that must not be cut through, by attribute. */
  readonly lists = new Map<string, (readonly string[])[]>()
  readonly answers = new Set<string>()
  readonly limits = new Map<string, Set<number>>()
  readonly roles: (readonly string[])[] = []

  among(attribute: string, words: readonly string[]): Node {
    const known = this.lists.get(attribute)
    if (known) known.push(words)
    else this.lists.set(attribute, [words])
    return ALWAYS
  }

  holds(attribute: string): Node {
    this.answers.add(attribute)
    return ALWAYS
  }

  atMost(attribute: string, limit: number): Node {
    const known = this.limits.get(attribute) ?? new Set()
    this.limits.set(attribute, known.add(limit))
    return ALWAYS
  }

  same(attribute: string): Node {
    if (this.lists.has(attribute)) {
      this.among(attribute, [])
      this.among(`from.${attribute}`, [])
    } else {
      this.holds(attribute)
      this.holds(`from.${attribute}`)
    }
    return ALWAYS
  }

  hasRole(roles: readonly string[]): Node {
    this.roles.push(roles)
    return ALWAYS
  }
}
