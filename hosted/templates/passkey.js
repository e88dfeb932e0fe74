// Has the browser make or use a passkey, and sends what it answers with the form of the page. What is
// asked for comes from the page's JSON twin, anew at each press of the button.
(() => {
  'use strict'
  const form = document.getElementById('form')
  const said = document.getElementById('said')
  const button = document.getElementById('submit')
  const words = form.dataset
  const say = text => { said.textContent = text }

  if (!window.PublicKeyCredential || !navigator.credentials) {
    say(words.unsupported)
    return
  }
  form.hidden = false

  // Browsers of before 2025 have bytes where JSON has base64url (WebAuthn Level 3, 5.1.8 to 5.1.10).
  const bytes = s => Uint8Array.from(atob(s.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0))
  const base64url = b => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
  const named = list => list && list.map(p => ({...p, id: bytes(p.id)}))

  const parsed = (options, create) => {
    const parse = create ? PublicKeyCredential.parseCreationOptionsFromJSON : PublicKeyCredential.parseRequestOptionsFromJSON
    if (parse) return parse.call(PublicKeyCredential, options)
    const o = {...options, challenge: bytes(options.challenge)}
    if (options.user) o.user = {...options.user, id: bytes(options.user.id)}
    if (options.allowCredentials) o.allowCredentials = named(options.allowCredentials)
    if (options.excludeCredentials) o.excludeCredentials = named(options.excludeCredentials)
    return o
  }

  const answered = credential => {
    if (credential.toJSON) return credential.toJSON()
    const from = credential.response
    const response = {clientDataJSON: base64url(from.clientDataJSON)}
    for (const name of ['attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
      if (from[name]) response[name] = base64url(from[name])
    }
    if (from.getTransports) response.transports = from.getTransports()
    return {
      id: credential.id, rawId: base64url(credential.rawId), type: credential.type, response,
      authenticatorAttachment: credential.authenticatorAttachment || undefined, clientExtensionResults: {},
    }
  }

  const send = (answer, ticket) => {
    form.elements.passkey.value = JSON.stringify(answer)
    if (ticket) form.elements.flow.value = ticket
    HTMLFormElement.prototype.submit.call(form) // form.submit is the button
  }

  form.addEventListener('submit', async event => {
    event.preventDefault()
    button.disabled = true
    say('')
    try {
      const headers = {'Accept': 'application/json', 'Content-Type': 'application/json'}
      const reply = await fetch(words.ask, {method: 'POST', headers, body: words.body})
      if ([401, 409, 410].includes(reply.status)) return send(null) // the step is over: the page says so
      const step = await reply.json()
      const create = step.step === 'passkey_setup'
      const publicKey = parsed(step.options, create)
      const credential = await (create ? navigator.credentials.create({publicKey}) : navigator.credentials.get({publicKey}))
      return send(answered(credential), step.ticket)
    } catch (e) {
      say(words[{NotAllowedError: 'refused', InvalidStateError: 'known'}[e.name]] || words.failed)
      button.disabled = false
    }
  })
})()
