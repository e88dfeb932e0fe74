// Verifies an access token with jose, as a resource server on Node would, and shows that nothing
// near it passes. Reads {"issuer", "client", "jwks", "access_token"} from standard input.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import {
  SignJWT, base64url, createLocalJWKSet, createRemoteJWKSet, decodeProtectedHeader, exportJWK,
  generateKeyPair, jwtVerify,
} from 'jose'

const { issuer, client, jwks, access_token: token } = await json(process.stdin)

// What a resource server asks of an access token (RFC 9068 section 4).
const rules = {
  issuer,
  typ: 'at+jwt',
  algorithms: ['ES256'],
  requiredClaims: ['iss', 'sub', 'exp', 'iat', 'jti', 'client_id'],
}

async function verify(jwt, keys, options = rules) {
  const { payload } = await jwtVerify(jwt, keys, options)
  assert.equal(payload.client_id, client, 'client_id')
  return payload
}

const checks = []
async function check(name, f) {
  await f()
  checks.push(name)
}
const refuse = (name, jwt, keys, options, code) =>
  check(`refused: ${name}`, () =>
    assert.rejects(verify(jwt, keys, options), (err) => {
      assert.equal(err.code, code, `${name}: ${err}`)
      return true
    }))

assert.ok(issuer && client && token, 'issuer, client and access_token')
const local = createLocalJWKSet(jwks)
const { kid } = decodeProtectedHeader(token)
const [header, payload, signature] = token.split('.')
const forge = (part, change) =>
  base64url.encode(JSON.stringify({ ...JSON.parse(Buffer.from(part, 'base64url')), ...change }))

await check('the key set is public, and says what each key is for', () => {
  assert.ok(jwks.keys.length > 0, 'no keys')
  for (const key of jwks.keys) {
    for (const secret of ['d', 'k', 'p', 'q']) assert.ok(!(secret in key), `key has ${secret}`)
    assert.deepEqual([key.kty, key.crv, key.alg, key.use], ['EC', 'P-256', 'ES256', 'sig'])
  }
})
await check('verified with a local key set', () => verify(token, local))
await check('verified with a key set fetched over HTTP', async () => {
  const server = createServer((_, res) =>
    res.setHeader('Content-Type', 'application/jwk-set+json').end(JSON.stringify(jwks)))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const url = new URL(`http://127.0.0.1:${server.address().port}/.well-known/jwks.json`)
    await verify(token, createRemoteJWKSet(url))
  } finally {
    server.closeAllConnections()
    server.close()
  }
})

const bad = 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'
const claim = 'ERR_JWT_CLAIM_VALIDATION_FAILED'
const flipped = Buffer.from(signature, 'base64url')
flipped[0] ^= 1
const stranger = await generateKeyPair('ES256', { extractable: true })
const strangers = createLocalJWKSet({ keys: [{ ...(await exportJWK(stranger.publicKey)), kid, alg: 'ES256' }] })
const publicKeyAsSecret = await new SignJWT({ sub: 'eve', client_id: client })
  .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid })
  .setIssuer(issuer).setIssuedAt().setExpirationTime('1h').setJti('1')
  .sign(new TextEncoder().encode(JSON.stringify(jwks.keys[0])))

await refuse('another subject', `${header}.${forge(payload, { sub: 'eve' })}.${signature}`, local, rules, bad)
await refuse('a later end', `${header}.${forge(payload, { exp: 4102444800 })}.${signature}`, local, rules, bad)
await refuse('a bit of the signature', `${header}.${payload}.${base64url.encode(flipped)}`, local, rules, bad)
await refuse('another header', `${forge(header, { x: 1 })}.${payload}.${signature}`, local, rules, bad)
await refuse('no signature', `${forge(header, { alg: 'none' })}.${payload}.`, local, rules, 'ERR_JOSE_ALG_NOT_ALLOWED')
await refuse('the public key as a secret', publicKeyAsSecret, local, rules, 'ERR_JOSE_ALG_NOT_ALLOWED')
await refuse('the key of a stranger', token, strangers, rules, bad)
await refuse('a key set without the key', token, createLocalJWKSet({ keys: [] }), rules, 'ERR_JWKS_NO_MATCHING_KEY')
await refuse('another issuer', token, local, { ...rules, issuer: 'https://eve.example' }, claim)
await refuse('another audience', token, local, { ...rules, audience: 'https://eve.example' }, claim)
await refuse('an ID token was asked for', token, local, { ...rules, typ: 'JWT' }, claim)
await refuse('a day later', token, local, { ...rules, currentDate: new Date(Date.now() + 864e5) }, 'ERR_JWT_EXPIRED')

console.log(checks.join('\n'))
