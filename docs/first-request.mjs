// An agency's first request, made with a client library that is not ours (openid-client).
// usage: npx node docs/first-request.mjs <output of `ostiary agency add --json`> [origin of the server]
import { readFile } from 'node:fs/promises'
import { importJWK } from 'jose'
import * as oauth from 'openid-client'

const [file, origin = 'http://127.0.0.1:8080'] = process.argv.slice(2)
const { agencyId, clientId, privateJwk } = JSON.parse(await readFile(file, 'utf8'))
const { kid, ...jwk } = privateJwk

// The agency signs in with its own key (private_key_jwt). The token is bound to another key, which this process has just
// made (DPoP): whoever copies the token cannot use it.
const key = await importJWK(jwk, jwk.alg)
const server = await oauth.discovery(
  new URL(origin),
  clientId,
  {},
  oauth.PrivateKeyJwt({ key, kid }),
  {
    algorithm: 'oauth2',
    execute: origin.startsWith('http://') ? [oauth.allowInsecureRequests] : [],
  },
)
const DPoP = oauth.getDPoPHandle(server, await oauth.randomDPoPKeyPair('ES256'))
const { access_token: token } = await oauth.clientCredentialsGrant(
  server,
  { resource: `${origin}/v1` },
  { DPoP },
)

const url = new URL(`/v1/agencies/${agencyId}`, origin)
const answer = await oauth.fetchProtectedResource(server, token, url, 'GET', undefined, undefined, {
  DPoP,
})
console.log(answer.status, await answer.json())
