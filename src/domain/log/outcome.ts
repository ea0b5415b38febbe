// What reading something from outside comes to: a refusal is a value, not an exception.

/** A value, or the reason why there is none. */
export type Outcome<Value, Failure extends string> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly reason: Failure }
