import type { ReceiptFailure } from '../domain/log/receipt.ts'
import type { VerifyFault, VerifyHindrance } from './verify-report.ts'

/** What a person is told, by code; after the name of what was looked at. */
export const VERIFY_WORDS: Readonly<
  Record<VerifyHindrance | VerifyFault | ReceiptFailure, string>
> = {
  malformed_vkey: 'the verifier key is not one (name+id+base64 of an Ed25519 key)',
  malformed_witness: 'the key of a witness is not one (name+id+base64 of a cosignature key)',
  quorum_too_large: 'more witnesses are asked for than were named with --witness',
  no_source:
    'these two are of different sizes: name the log, or an export of it, to prove them from',
  unreachable: 'could not be fetched',
  nothing_published: 'the log has not published anything yet',
  too_large: 'the note is too large to be one',
  not_utf8: 'the note is not text',
  control_character: 'the note holds characters that no note may hold',
  malformed_note: 'is not a signed note',
  too_many_signatures: 'the note has too many signatures',
  bad_signature: 'THE SIGNATURE IS FALSE: the text was changed, or another key signed it',
  no_known_signature: 'is not signed by the key you gave: another log, or another key',
  not_signed_by_log: 'is not signed by the log itself',
  malformed_checkpoint: 'is signed, but is not a checkpoint',
  wrong_origin: 'is signed, but for a log of another name',
  key_ended:
    'IS SIGNED BY A KEY THAT HAD ENDED BEFORE: somebody else may hold it, or the log goes on without its new key',
  malformed_history: 'is signed by the log, but is not a history of its keys',
  witness_missing: 'is not cosigned by as many of your witnesses as you ask for',
  two_trees:
    'THE LOG WAS FORKED: it signed another tree of the same size; the two checkpoints together prove it',
  export_damaged:
    'THE FOLDER IS DAMAGED: it does not hold what its checkpoint says; export into an empty one',
  source_differs: 'was signed for ANOTHER TREE than the one that is served here',
  missing: 'IS NOT SERVED, though the signed checkpoint promises it',
  malformed_bundle: 'IS DAMAGED: it does not hold the entries that it should',
  malformed_entry: 'holds an entry that does not have 64 bytes',
  rewritten: 'WAS REWRITTEN: it held other entries under an earlier checkpoint',
  tile_differs: 'IS NOT THE TILE that the entries of the log give',
  root_differs: 'THE ENTRIES ARE NOT those that were signed',
  shrunk: 'THE LOG SHRANK: it is older than a checkpoint that you hold',
  forked: 'THE LOG WAS FORKED: its tree does not begin with that of a checkpoint that you hold',
  size_mismatch: 'its checkpoint has another size than its proof',
  index_out_of_range: 'names an entry beyond its own checkpoint',
  not_included: 'IS NOT IN THE LOG: its content, its position or its proof was changed',
  malformed_receipt:
    'is not a receipt (the JSON of GET /v1/disclosures/{id}/proof, or of an event)',
  private_not_opened: 'its private part is NOT THE ONE that the log committed to',
  parts_differ: 'THE LOG CONTRADICTS ITSELF: public and private part are of different events',
  other_leaf: 'proves another event than the one that was promised',
}
