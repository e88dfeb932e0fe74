package hosted

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
)

// The pages, by the last part of their path. Their words go by the same names, with "_" for "-".
const (
	accountPage       = "account"
	addAppPage        = "add-app"
	addCodesPage      = "add-codes"
	addKeyPage        = "add-passkey"
	askForPasskeyPage = "ask-for-passkey"
	byEmailPage       = "by-email"
	byPasskeyPage     = "by-passkey"
	byQuestionPage    = "by-question"
	bySMSPage         = "by-sms"
	choosePage        = "choose"
	codePage          = "code"
	codesPage         = "recovery-codes"
	confirmCodesPage  = "confirm-codes"
	confirmPage       = "confirm"
	forgotNamePage    = "forgot-username"
	forgotPage        = "forgot"
	linkPage          = "link"
	lostPage          = "lost-factors"
	newAppPage        = "new-app"
	newCodesPage      = "new-recovery-codes"
	newKeyPage        = "new-passkey"
	newPasswordPage   = "new-password"
	notMePage         = "not-me"
	passkeyPage       = "passkey"
	passwordPage      = "password"
	preferPage        = "prefer-factor"
	questionPage      = "question"
	recoveryPage      = "recovery-code"
	removeFactorPage  = "remove-factor"
	renameFactorPage  = "rename-factor"
	resendPage        = "resend"
	resetPage         = "reset"
	securityPage      = "security"
	setUpAppPage      = "set-up-app"
	setUpKeyPage      = "set-up-passkey"
	signInPage        = "sign-in"
	signOutPage       = "sign-out"
	signUpPage        = "sign-up"
	stepUpPage        = "step-up"
	totpPage          = "totp"
)

// page is one page: a form, its words, and where it leads. HTML and JSON are two ways to show it.
type page struct {
	name string
	// step pages are only for who is at that step: a flow with a ticket.
	step bool
	// factor pages are steps of which one leads to another by the same ticket: who chooses another kind
	// of factor goes on with the same flow. Any of them takes it; see [visit.elsewhere].
	factor bool
	// remembers says that an answer here may end a sign-in by two factors, on a device that is to be
	// remembered; see [visit.fields].
	remembers bool
	// own pages are of one's own account. Who is not signed in is sent to sign in.
	own bool
	// on is the page on which the form is, where it is another's button and has no page of its own.
	on string
	// shown is asked before the page is shown; where it answers, the page is not. Nil means that it
	// is.
	shown func(*visit) *outcome
	// form lists the fields. Nil means a button alone.
	form func(pool.Settings) []field
	// submit takes the form. Nil means that the page has none.
	submit func(*visit, context.Context) outcome
	// more lists the pages that this one leads to besides; those that take only a post are buttons.
	more []string
}

func (p *page) key() string { return strings.ReplaceAll(p.name, "-", "_") }

// shownAs returns the page on which the form is.
func (p *page) shownAs() string {
	return cmp.Or(p.on, p.name)
}

// fields returns all that the form may hold.
func (p *page) fields(s pool.Settings) []field {
	if p.form == nil {
		return nil
	}
	if p.remembers && s.Devices.Remember == pool.RememberByChoice {
		return append(p.form(s), rememberField)
	}
	return p.form(s)
}

// fields returns what the form asks for now. A code that begins a sign-in has not shown a second factor,
// and a step-up remembers no device: there it would be a promise that nobody keeps.
func (v *visit) fields() []field {
	return slices.DeleteFunc(v.page.fields(v.settings), func(f field) bool {
		return f.Name == rememberField.Name && (v.flow.First || v.signedIn())
	})
}

// pages are all of them, by name. A function, because handlers refer to it.
func pages() map[string]*page {
	all := map[string]*page{}
	for _, p := range []page{
		{name: signInPage, shown: (*visit).alreadyIn, form: signInForm, submit: (*visit).signIn, more: []string{forgotPage, forgotNamePage, signUpPage}},
		{name: byPasskeyPage, on: signInPage, submit: beginBy(mfa.KindPasskey)},
		{name: byEmailPage, shown: offers(mfa.KindEmail), form: loginForm, submit: beginBy(mfa.KindEmail), more: []string{signInPage}},
		{name: byQuestionPage, shown: offers(mfa.KindCustom), form: loginForm, submit: beginBy(mfa.KindCustom), more: []string{signInPage}},
		{name: bySMSPage, shown: offers(mfa.KindSMS), form: loginForm, submit: beginBy(mfa.KindSMS), more: []string{signInPage}},
		{name: signUpPage, shown: (*visit).maySignUp, form: signUpForm, submit: (*visit).signUp, more: []string{signInPage}},
		{name: confirmPage, step: true, form: codeForm, submit: (*visit).confirm, more: []string{resendPage, signInPage}},
		{name: resendPage, on: confirmPage, step: true, submit: (*visit).resend},
		{name: linkPage, step: true, shown: (*visit).landed, submit: (*visit).confirmLink},
		{name: passwordPage, step: true, factor: true, form: passwordForm, submit: (*visit).password, more: []string{forgotPage}},
		{name: newPasswordPage, step: true, form: newPasswordForm, submit: (*visit).newPassword, more: []string{signInPage}},
		{name: forgotPage, form: loginForm, submit: (*visit).forgot, more: []string{signInPage}},
		{name: forgotNamePage, shown: (*visit).mayForgetName, form: addressForm, submit: (*visit).forgotName, more: []string{signInPage}},
		{name: resetPage, step: true, form: resetForm, submit: (*visit).reset, more: []string{forgotPage, signInPage}},
		{name: choosePage, step: true, factor: true, form: kindForm, submit: (*visit).choose, more: []string{signInPage}},
		{name: totpPage, step: true, factor: true, remembers: true, form: totpForm, submit: (*visit).code, more: []string{signInPage}},
		{name: codePage, step: true, factor: true, remembers: true, form: codeForm, submit: (*visit).code, more: []string{signInPage}},
		{name: questionPage, step: true, factor: true, form: answerForm, submit: (*visit).answer, more: []string{signInPage}},
		{name: recoveryPage, step: true, factor: true, remembers: true, form: recoveryForm, submit: (*visit).recoveryCode, more: []string{signInPage}},
		{name: lostPage, step: true, factor: true, submit: (*visit).loseFactors, more: []string{signInPage}},
		{name: notMePage, step: true, shown: (*visit).landed, submit: (*visit).undo},
		{name: setUpAppPage, step: true, factor: true, remembers: true, form: totpForm, submit: (*visit).code, more: []string{signInPage}},
		{name: passkeyPage, step: true, factor: true, remembers: true, form: passkeyForm, submit: (*visit).passkey, more: []string{signInPage}},
		{name: setUpKeyPage, step: true, factor: true, remembers: true, form: passkeyForm, submit: (*visit).newPasskey, more: []string{signInPage}},
		{name: stepUpPage, shown: (*visit).mayStepUp, form: stepUpForm, submit: (*visit).stepUp, more: []string{signOutPage}},
		{name: codesPage, shown: (*visit).hasCodes, submit: (*visit).keptCodes},
		{name: accountPage, own: true, shown: (*visit).mustBeIn, more: []string{securityPage, signOutPage}},
		{name: securityPage, own: true, shown: (*visit).ownFactors, more: []string{accountPage}},
		{name: addAppPage, own: true, on: securityPage, submit: (*visit).addApp},
		{name: newAppPage, own: true, step: true, shown: (*visit).mustBeIn, form: newAppForm, submit: (*visit).newApp, more: []string{securityPage}},
		{name: addKeyPage, own: true, on: securityPage, submit: (*visit).addPasskey},
		{name: newKeyPage, own: true, step: true, shown: (*visit).mustBeIn, form: newPasskeyForm, submit: (*visit).confirmPasskey, more: []string{securityPage}},
		{name: addCodesPage, own: true, on: securityPage, form: kindForm, submit: (*visit).addCodes},
		{name: confirmCodesPage, own: true, step: true, shown: (*visit).mustBeIn, form: codeForm, submit: (*visit).confirmCodes, more: []string{securityPage}},
		{name: preferPage, own: true, on: securityPage, form: kindForm, submit: (*visit).prefer},
		{name: askForPasskeyPage, own: true, on: securityPage, form: switchForm, submit: (*visit).askForPasskey},
		{name: newCodesPage, own: true, on: securityPage, submit: (*visit).newCodes},
		{name: renameFactorPage, own: true, on: securityPage, form: renameForm, submit: (*visit).renameFactor},
		{name: removeFactorPage, own: true, on: securityPage, form: removeForm, submit: (*visit).removeFactor},
		{name: signOutPage, submit: (*visit).signOut},
	} {
		all[p.name] = &p
	}
	return all
}

// field is one field of a form.
type field struct {
	Name         string `json:"name"`
	Type         string `json:"type"` // of HTML's input
	Autocomplete string `json:"autocomplete,omitempty"`
	InputMode    string `json:"inputmode,omitempty"`
	Min          int    `json:"minlength,omitempty"` // characters of a new password
	Optional     bool   `json:"optional,omitempty"`
	words        string // key of its words
	label        string // key of its label, where that is another's
}

// secret reports whether what is typed there is never shown again.
func (f field) secret() bool {
	return f.Type == "password" || f.Name == "passkey" || f.Name == "answer" || f.Autocomplete == "one-time-code" || f.Name == "recovery_code"
}

func loginForm(s pool.Settings) []field { return []field{loginField(s)} }

// addressForm asks for an address by which users sign in; there is none where they have only names.
func addressForm(s pool.Settings) []field {
	s.SignIn.Identifiers = slices.DeleteFunc(slices.Clone(s.SignIn.Identifiers), func(id pool.Identifier) bool {
		return id != pool.Email && id != pool.Phone
	})
	if len(s.SignIn.Identifiers) == 0 {
		return nil
	}
	return loginForm(s)
}

func codeForm(pool.Settings) []field { return []field{codeField} }

func passwordForm(pool.Settings) []field { return []field{presentPassword} }

func newPasswordForm(s pool.Settings) []field {
	return []field{chosenPassword("new_password", s.Passwords)}
}

func resetForm(s pool.Settings) []field {
	return []field{codeField, chosenPassword("new_password", s.Passwords)}
}

var (
	presentPassword = field{Name: "password", Type: "password", Autocomplete: "current-password", words: "password"}
	rememberField   = field{Name: "remember", Type: "checkbox", Optional: true, words: "remember"}
	codeField       = field{Name: "code", Type: "text", Autocomplete: "one-time-code", InputMode: "numeric", words: "code"}
)

func chosenPassword(name string, p password.Policy) field {
	least := p.MinLength
	if least == 0 {
		least = password.MinLength
	}
	return field{Name: name, Type: "password", Autocomplete: "new-password", Min: least, words: "new_password"}
}

// loginField asks for a login of the kinds that the pool takes.
func loginField(s pool.Settings) field {
	kinds := slices.DeleteFunc(slices.Sorted(slices.Values(s.SignIn.Identifiers)), func(id pool.Identifier) bool {
		return id == pool.PreferredUsername // which looks like the chosen one
	})
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	f := field{Name: "username", Type: "text", Autocomplete: "username", words: "login_" + strings.Join(names, "_")}
	if len(kinds) == 1 {
		switch kinds[0] {
		case pool.Email:
			f.Type, f.InputMode = "email", "email"
		case pool.Phone:
			f.Type, f.InputMode = "tel", "tel"
		case pool.Username, pool.PreferredUsername: // plain text
		}
	}
	return f
}

// typed returns what may be shown again of a form.
func typed(fields []field, in map[string]string) map[string]string {
	kept := maps.Clone(in)
	maps.DeleteFunc(kept, func(name, _ string) bool {
		return !slices.ContainsFunc(fields, func(f field) bool { return f.Name == name && !f.secret() })
	})
	return kept
}
