// Package hosted is the pages of a user pool: sign up, confirm, sign in, second factors and their
// set-up, forgot and reset, forgotten user name, choose a new password, sign out. A program that has
// none of its own puts them in front of itself with one line, and asks in its handlers who is there:
//
//	home := func(w http.ResponseWriter, r *http.Request) {
//		fmt.Fprintf(w, "Hello, %s", web.User(r.Context()).Username)
//	}
//	http.ListenAndServe(addr, hosted.New(p, hosted.Config{}).Wrap(http.HandlerFunc(home)))
//
// Its own pages link to "/auth/account" and "/auth/sign-out". A program that guards its handlers
// one by one takes the middleware of [Pages.Sessions], and routes "/auth/" to the pages.
//
// The pages are server-rendered HTML with one style sheet, and work without JavaScript. The only
// script is that of the pages for passkeys, which browsers use in no other way. The pages are in
// English or German, as the browser asks; light or dark, and wide or narrow, as it is; and carry the
// name, logo and colour of the pool's Settings.Branding.
//
// # How a page works
//
// A GET shows a page and changes nothing. A POST does something, once, and always leads to a GET by
// 303: to the next page, or to the same one, which says what was wrong. So pages can be reloaded
// and gone back to, and nothing is ever sent twice. What is carried from page to page is in a short
// cookie of that one form, so that tabs do not disturb each other; the ticket of a step is there,
// and in no URL and no form (security.md S1). So is what an authenticator app is set up by, and so are
// new recovery codes until their owner has kept them: while their page is shown. A challenge of the
// program's own (hook.Set.CreateChallenge) is shown as the texts of its Params, in the order of their
// names, above one field for the answer, where that is 1.5 KiB at the most; a larger one is for the JSON
// twins.
//
// # JSON
//
// Each page has a JSON twin: the same URL, asked with "Accept: application/json", and posted to
// with a body of "Content-Type: application/json" from a page of the same origin. A GET says what the
// page asks for, and which kinds of factor there are to choose:
//
//	{"page":"sign-in","fields":[{"name":"username",...},...],"kinds":["password","passkey","email"]}
//
// A POST brings the fields, all of them texts, with the "ticket" of the step that it answers. The answer
// is the next step, or what was wrong:
//
//	{"step":"totp","ticket":"...","expires":"...","others":["recovery_code"]}
//	{"error":"wrong_code","fields":{"code":"wrong_code"}}
//
// Steps are those of pool.MarshalStep; their ticket is a handle that is good only beside the cookie. Each
// step is answered at a page:
//
//	sign-in            username, password
//	by-email, by-sms   username; by-question likewise, for a challenge of the program's own
//	by-passkey         nothing
//	password           password
//	totp, code         code; set-up-app likewise, for "totp_setup"
//	passkey            passkey, the JSON that the browser gives, as a text; set-up-passkey likewise
//	recovery-code      recovery_code
//	question           answer; for "custom"
//	choose             kind, one of the "kinds" or "others" of the step
//	lost-factors       nothing
//	new-password       new_password
//	sign-up            username, password, and the attributes that its GET lists
//	confirm            code; resend, which takes nothing, has another sent
//	forgot             username; forgot-username likewise, an address
//	reset              code, new_password
//	sign-out           nothing
//
// Those that end a sign-in by a second factor take "remember":"on" where devices are remembered by choice.
// Of one's own account "security" lists the factors and devices; what changes them takes a POST:
//
//	add-app, add-passkey                nothing; its step is answered at new-app, new-passkey, with a name
//	add-codes                           kind; its step is answered at confirm-codes
//	prefer-factor                       kind; "" asks which
//	ask-for-passkey                     on: "on" or ""
//	new-recovery-codes                  nothing
//	rename-factor, remove-factor        kind, id and, for the former, name; a device is of kind "device"
//	step-up                             acr_values, max_age; after "needs_proof" elsewhere
//
// # What a link in a mail leads to
//
// A pool that confirms by link (Settings.SignUp.ByLink) is to be opened with
//
//	pool.Config{ConfirmURL: "https://shop.example.com/auth/link"}
//
// The page moves the link from the URL into a cookie and asks for a click; only that confirms
// (security.md S2). By the links of Pool.CancelChange people undo what they have not done, in the same
// manner, with
//
//	pool.Config{CancelURL: "https://shop.example.com/auth/not-me"}
package hosted
