/**
 * The key-encryption key of an epoch is not among those that this process was given: a fault of its
 * configuration, such as a node that was not restarted with the new key before a rotation.
 */
export class KeyUnavailable extends Error {
  override readonly name = 'KeyUnavailable'
  readonly epoch: number

  constructor(epoch: number) {
    super(`the key-encryption key of epoch ${epoch} is not available`)
    this.epoch = epoch
  }
}
