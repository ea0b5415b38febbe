import { fileURLToPath } from 'node:url'

/** Where the files of this program are: schemas, policies, migrations, contract. Ends with a slash. */
export const PROGRAM_FOLDER = fileURLToPath(new URL('../..', import.meta.url))
