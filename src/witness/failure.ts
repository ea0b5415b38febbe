/** What a person has to see to before a witness may go on; its message is made for that person. */
export class WitnessFailure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'WitnessFailure'
  }
}
