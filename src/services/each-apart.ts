/**
 * Works through items one after the other, carrying on past those that fail, so that a single bad row
 * cannot hold up what falls due for others.
 *
 * @returns for how many `work` gave true
 * @throws AggregateError in the end, when some failed
 */
export async function eachApart<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<boolean>,
): Promise<number> {
  const errors: unknown[] = []
  let done = 0
  for (const item of items) {
    try {
      if (await work(item)) done += 1
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw new AggregateError(errors, 'some could not be done')
  return done
}
