/**
 * One fault of a request that the case, not the contract, brings to light. `code` is a stable error
 * code, `pointer` a JSON Pointer as a URI fragment into the body. Neither it nor `detail` ever holds a
 * value, or a name, that the client sent.
 */
export interface RequestFault {
  readonly code:
    | 'collected_in_future'
    | 'informant_person_required'
    | 'invalid_body'
    | 'subject_not_allowed'
    | 'subject_required'
    | 'unknown_field'
    | 'wrong_field_type'
  readonly pointer: string
  readonly detail: string
}
