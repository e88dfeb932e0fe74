package hosted

import (
	"strconv"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
)

// factors are what somebody has set up, as their page shows it and its twin says it.
type factors struct {
	Apps          []factor   `json:"apps"`
	Passkeys      []factor   `json:"passkeys"`
	AskForPasskey bool       `json:"ask_for_passkey"`
	SMS           bool       `json:"sms"` // codes that are sent are a second factor
	Email         bool       `json:"email"`
	Preferred     mfa.Kind   `json:"preferred,omitempty"`
	Devices       []device   `json:"devices"`
	RecoveryCodes int        `json:"recovery_codes"` // that are left
	Kinds         []mfa.Kind `json:"kinds"`          // that can be set up
	Required      bool       `json:"required"`       // one of them stays
}

// factor is one of several of its kind.
type factor struct {
	ID      string    `json:"id"`
	Name    string    `json:"name,omitempty"`
	Created time.Time `json:"created"`
}

// ownFactors reads what the page of one's own factors shows.
func (v *visit) ownFactors() *outcome {
	if no := v.mustBeIn(); no != nil {
		return no
	}
	account, err := v.sessions.Account(v.r)
	if err != nil {
		return &outcome{err: err}
	}
	has, err := account.Factors(v.r.Context())
	if err != nil {
		return &outcome{err: err}
	}
	v.factors = &factors{
		RecoveryCodes: has.RecoveryCodes, Kinds: has.Kinds, Required: has.Required, Preferred: has.Preferred,
		SMS: has.SMS, Email: has.Email, AskForPasskey: has.AskForPasskey,
		Apps: []factor{}, Passkeys: []factor{}, Devices: []device{},
	}
	for _, app := range has.Authenticators {
		v.factors.Apps = append(v.factors.Apps, factor{app.ID, app.Name, app.Created})
	}
	keys, err := account.Passkeys(v.r.Context())
	if err != nil {
		return &outcome{err: err}
	}
	for _, key := range keys {
		v.factors.Passkeys = append(v.factors.Passkeys, factor{key.ID, key.Name, key.Created})
	}
	if err := v.ownDevices(v.r.Context(), account); err != nil {
		return &outcome{err: err}
	}
	return nil
}

// any reports whether there is a factor beside a password.
func (f *factors) any() bool { return len(f.Apps)+len(f.Passkeys) > 0 || f.SMS || f.Email }

// groupView is a kind of factor on the page: what there is of it, and what can be done.
type groupView struct {
	ID, Heading, Text string
	Note              string // beside the text
	Items             []itemView
	Actions           []moreView
}

// itemView is a factor on the page.
type itemView struct {
	Name, Since string
	Agent       string // of a device
	Rename      *formView
	Remove      moreView
}

// groups returns what the page of one's own factors shows.
func (v *visit) groups() []groupView {
	f := v.factors
	apps := v.group(mfa.KindTOTP, f.Apps)
	apps.Actions = v.adds(mfa.KindTOTP, addAppPage)
	codes := groupView{ID: "codes", Heading: v.words.say("security.codes"), Text: v.words.say("security.codes_none")}
	if f.RecoveryCodes > 0 {
		codes.Text = v.words.say("security.codes_left", "count", strconv.Itoa(f.RecoveryCodes))
	}
	if f.any() {
		codes.Actions = []moreView{v.button(newCodesPage)}
	}
	keys := v.group(mfa.KindPasskey, f.Passkeys)
	if v.begins(mfa.KindPasskey) {
		keys.Actions = []moreView{v.button(addKeyPage)}
	} else {
		keys.Actions = v.adds(mfa.KindPasskey, addKeyPage)
	}
	v.asksForPasskey(&keys)
	all := []groupView{apps}
	for _, g := range []groupView{keys, v.codesBy(mfa.KindSMS, f.SMS), v.codesBy(mfa.KindEmail, f.Email)} {
		if len(g.Items)+len(g.Actions) > 0 { // else there are none here
			all = append(all, g)
		}
	}
	for i := range all {
		v.preferred(mfa.Kind(all[i].ID), &all[i])
	}
	if all = append(all, codes); v.settings.Devices.Remember != pool.RememberNever {
		all = append(all, v.devices())
	}
	return all
}

// group lists the factors of a kind.
func (v *visit) group(kind mfa.Kind, all []factor) groupView {
	g := groupView{ID: string(kind), Heading: v.words.say("security." + string(kind))}
	if len(all) == 0 {
		g.Text = v.words.say("security.none")
	}
	for i, f := range all {
		at := string(kind) + "-" + strconv.Itoa(i)
		which := []hidden{{"kind", string(kind)}, {"id", f.ID}}
		item := itemView{
			Name: f.Name, Since: v.words.say("security.since", "date", f.Created.Format(time.DateOnly)),
			Remove: v.button(removeFactorPage, which...),
		}
		if item.Name == "" {
			item.Name = v.words.say("unnamed." + string(kind))
		}
		item.Remove.ID, item.Remove.As = "remove-"+at, v.words.say("security.remove", "name", item.Name)
		item.Rename = &formView{
			Action: v.path(renameFactorPage), Hidden: append(v.hidden(v.flow), which...), Submit: v.words.say("rename_factor.submit"),
			ID: "rename-" + at, Title: v.words.say("rename_factor.title"),
			Fields: []fieldView{{field: factorName, ID: "name-" + at, Label: v.words.say("field.factor_name"), Value: f.Name}},
		}
		g.Items = append(g.Items, item)
	}
	return g
}

// adds returns the button that sets up another factor of a kind, where the pool has them.
func (v *visit) adds(kind mfa.Kind, page string) []moreView {
	for _, k := range v.factors.Kinds {
		if k == kind {
			return []moreView{v.button(page)}
		}
	}
	return nil
}

// button returns a button of this page that posts to another.
func (v *visit) button(page string, more ...hidden) moreView {
	m := v.more(v.page, page)
	m.Hidden = append(v.hidden(v.flow), more...)
	return m
}

// factorName is what the owner of a factor calls it.
var factorName = field{Name: "name", Type: "text", Autocomplete: "off", words: "factor_name", Optional: true}

func newAppForm(s pool.Settings) []field { return append(totpForm(s), factorName) }

func newPasskeyForm(s pool.Settings) []field { return append(passkeyForm(s), factorName) }

func removeForm(pool.Settings) []field {
	return []field{{Name: "kind", Type: "hidden"}, {Name: "id", Type: "hidden"}}
}

func renameForm(s pool.Settings) []field { return append(removeForm(s), factorName) }
