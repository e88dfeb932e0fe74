package pool_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// entrances are the methods of a pool. A visitor without any secret may knock at those with a
// probe; the others ask for a ticket or a token that only its owner has, or are the program's own.
var entrances = map[string]func(k *kit, login string) []string{
	"SignUp": func(k *kit, login string) []string {
		res, err := k.newcomer(login)
		return []string{fmt.Sprint(len(res.Ticket), res.Delivery.Destination == login, err)}
	},
	"ResendCode": func(k *kit, login string) []string {
		res, err := k.ResendCode(k.t.Context(), pool.ResendInput{Ticket: k.ticket(login)})
		return []string{fmt.Sprint(len(res.Ticket), res.Delivery.Destination == login, err)}
	},
	"ConfirmSignUp": func(k *kit, login string) (seen []string) {
		ticket := k.ticket(login)
		for range 7 {
			seen = append(seen, fmt.Sprint(confirm(k, ticket, "12345")))
		}
		return seen
	},
	"ConfirmLink": func(k *kit, login string) (seen []string) {
		ticket := k.ticket(login)
		for _, link := range []string{ticket, flip(ticket, 60)} {
			for range 4 {
				for _, own := range []string{ticket, ""} {
					step, err := k.confirmLink(link, own)
					seen = append(seen, fmt.Sprint(step, err))
				}
			}
		}
		return seen
	},
	"SignIn": func(k *kit, login string) (seen []string) {
		for range 7 {
			step, err := k.signIn(login, wrong)
			seen = append(seen, fmt.Sprint(step, err))
		}
		return seen
	},
	"ForgotPassword": func(k *kit, login string) []string {
		res, err := k.ForgotPassword(k.t.Context(), pool.ForgotPasswordInput{Username: login})
		return []string{fmt.Sprint(len(res.Ticket), res.Delivery.Destination == login, err)}
	},
	"ForgotUsername": func(k *kit, login string) (seen []string) {
		for range 7 { // beyond the mails of an hour
			to, err := k.ForgotUsername(k.t.Context(), pool.ForgotUsernameInput{Address: login})
			seen = append(seen, fmt.Sprint(to.Destination == login, err))
		}
		return seen
	},
	"ResetPassword": func(k *kit, login string) (seen []string) {
		ticket := k.forgot(login)
		for range 7 {
			seen = append(seen, fmt.Sprint(k.reset(ticket, "1234567", another)))
		}
		return seen
	},
	"CancelChange": func(k *kit, login string) (seen []string) {
		ticket := k.ticket(login)
		for _, link := range []string{ticket, flip(ticket, 3), flip(ticket, 60), "link." + ticket} {
			seen = append(seen, fmt.Sprint(k.cancel(link)))
		}
		return seen
	},
	"Respond": func(k *kit, login string) (seen []string) {
		tell := func(step pool.Step, err error) (ticket string) {
			text, _ := pool.MarshalStep(step)
			var s struct {
				Ticket, Expires string
				Options         json.RawMessage // of passkeys: TestS17_DecoyPasskeys
			}
			_ = json.Unmarshal(text, &s)
			seen = append(seen, strings.NewReplacer(cmp.Or(s.Ticket, "-"), "", cmp.Or(s.Expires, "-"), "", cmp.Or(string(s.Options), "-"), "").Replace(string(text)),
				fmt.Sprint(len(s.Ticket), err))
			return s.Ticket
		}
		for _, with := range []pool.Response{
			nil,
			pool.Choice{Kind: mfa.KindEmail},
			pool.Choice{Kind: mfa.KindSMS},
			pool.Choice{Kind: mfa.KindCustom},
			pool.Choice{Kind: mfa.KindPassword},
			pool.Choice{Kind: mfa.KindPasskey},
		} {
			ticket := tell(k.SignIn(k.t.Context(), pool.SignInInput{Username: login, With: with}))
			if ticket == "" {
				continue
			}
			for _, answer := range []pool.Response{
				strangers,
				pool.Choice{Kind: mfa.KindPasskey},
				strangers,
				pool.Code{Value: "1234567"},
				pool.CustomAnswer{Value: "koala"},
				pool.Choice{Kind: mfa.KindEmail},
				pool.Code{Value: "1234567"},
				pool.Choice{Kind: mfa.KindCustom},
				pool.CustomAnswer{Value: "koala"},
				pool.Choice{Kind: mfa.KindSMS},
				pool.Code{Value: "1234567"},
				pool.Choice{Kind: mfa.KindSMS},
				pool.Password{Value: wrong},
				pool.Choice{Kind: mfa.KindPassword},
				pool.Password{Value: wrong},
				pool.Choice{Kind: mfa.KindEmail},
				pool.Choice{Kind: mfa.KindEmail},
				pool.Choice{Kind: mfa.KindEmail},
				pool.Code{Value: "1234567"},
				pool.Code{Value: "1234567"},
				pool.Code{Value: "1234567"},
			} {
				tell(k.answer(ticket, answer))
			}
		}
		return seen
	},
	"Session": nil, "ID": nil, "Settings": nil, "Refresh": nil, "SignOut": nil, "Account": nil,
	"Close": nil, "Health": nil, "Stats": nil, "Issuer": nil, "JWKS": nil, "WaysIn": nil, "Verifier": nil, "Hashes": nil, "VerifyEvents": nil, "ListEvents": nil, "EraseEvents": nil,
	"Admin": nil, // is told what there is
	"App":   nil, // asks for a secret before anything
}

// ticket signs up at login and returns the ticket, uncounted.
func (k *kit) ticket(login string) string {
	res, err := k.newcomer(login)
	if err != nil {
		k.t.Fatal(err)
	}
	k.store.reset()
	k.hashed = k.Hashes()
	return res.Ticket
}

// states are what may be behind an address.
var states = map[string]func(k *kit, login string){
	"absent":  func(*kit, string) {},
	"attempt": func(k *kit, login string) { k.signUp(login) },
	"attempts": func(k *kit, login string) {
		k.signUp(login)
		k.clock.advance(time.Second)
		k.signUp(login)
	},
	"confirmed": func(k *kit, login string) { k.confirmed(login) },
	"disabled":  func(k *kit, login string) { k.confirmed(login); k.disable(login) },
	"reset required": func(k *kit, login string) {
		k.confirmed(login)
		k.change(login, func(u *user.User) { u.Status = user.ResetRequired })
	},
	"forced change": func(k *kit, login string) {
		k.confirmed(login)
		k.change(login, func(u *user.User) { u.Status = user.ForceChangePassword })
	},
	"expired temporary": func(k *kit, login string) {
		k.temporary(login)
		k.change(login, func(u *user.User) { u.Password.Set = u.Password.Set.Add(-7 * 24 * time.Hour) })
	},
	"deleted": func(k *kit, login string) {
		k.confirmed(login)
		if err := k.admin().DeleteUser(k.t.Context(), k.user(login).ID); err != nil {
			k.t.Fatal(err)
		}
	},
	"external": func(k *kit, login string) {
		k.confirmed(login)
		k.change(login, func(u *user.User) { u.Status, u.Password = user.External, nil })
	},
}

// change writes a user, as an administrator would.
func (k *kit) change(login string, f func(*user.User)) {
	k.t.Helper()
	u := k.user(login)
	f(u)
	if err := k.store.Store.Commit(k.t.Context(), storage.Put(u)); err != nil {
		k.t.Fatal(err)
	}
}

// Whoever is behind an address, every entrance gives the same answers after the same hashes, reads,
// commits, changes of each kind and calls of an observer; locked by guesses before, or not
// (security.md S19, CVE class 53).
func TestS19_NoEntranceTells(t *testing.T) {
	t.Parallel()
	for i := range reflect.TypeFor[*pool.Pool]().NumMethod() {
		if name := reflect.TypeFor[*pool.Pool]().Method(i).Name; !listed(name) {
			t.Errorf("%s is an entrance that is not listed: say what a stranger can learn by it", name)
		}
	}
	for entrance, probe := range entrances {
		if probe == nil {
			continue
		}
		for name, town := range towns {
			if town.only != nil && !slices.Contains(town.only, entrance) {
				continue
			}
			for _, locked := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/locked=%v", entrance, name, locked), func(t *testing.T) {
					t.Parallel()
					town.tellsNothing(t, probe, locked)
				})
			}
		}
	}
}

// towns are pools that differ in what people sign in by.
var towns = map[string]town{
	"email":             {settings: []func(*pool.Config){takes(pool.Email)}, people: ada, typed: ada},
	"email by link":     {settings: []func(*pool.Config){byLink}, people: ada, typed: ada},
	"phone":             {settings: []func(*pool.Config){takes(pool.Phone)}, people: phone, typed: phone},
	"name or email":     {settings: []func(*pool.Config){named}, people: "ada", typed: ada, chosen: "newcomer"},
	"name or link":      {settings: []func(*pool.Config){byLink, named}, people: "ada", typed: ada, chosen: "newcomer"},
	"the name of these": {settings: []func(*pool.Config){named}, people: "ada", typed: "ada", only: byName},
	"an old system":     {settings: []func(*pool.Config){takes(pool.Email), with(hook.Set{MigrateUser: new(oldSystem).migrate})}, people: ada, typed: ada},
	"recovery by phone": {settings: []func(*pool.Config){named, recovering(pool.Phone, pool.Email)}, people: "ada", typed: ada, only: resets},
	"the same by name":  {settings: []func(*pool.Config){named, recovering(pool.Phone)}, people: "ada", typed: "ada", only: resets},
	"recovery by admin": {settings: []func(*pool.Config){named, recovering()}, people: "ada", typed: ada, only: []string{"ForgotPassword"}},
	"by administrators": {settings: []func(*pool.Config){joining(reviewed, pool.Email)}, people: ada, typed: ada, only: withoutTickets},
	"by code":           {settings: []func(*pool.Config){takes(pool.Email), byCode}, people: ada, typed: ada, only: choices},
	"by SMS":            {settings: []func(*pool.Config){takes(pool.Phone, pool.Email), byCode}, people: phone, typed: phone, only: choices},
	"code by name":      {settings: []func(*pool.Config){named, byCode}, people: "ada", typed: "ada", only: choices},
	"code by alias":     {settings: []func(*pool.Config){named, byCode}, people: "ada", typed: ada, only: choices},
	"by challenge":      {settings: []func(*pool.Config){takes(pool.Email), byChallenge(animal())}, people: ada, typed: ada, only: choices},
	"by passkey":        {settings: []func(*pool.Config){takes(pool.Email), byPasskey}, people: ada, typed: ada, only: choices},
	"with passkeys":     {settings: []func(*pool.Config){takes(pool.Email), byPasskey}, people: ada, typed: ada, only: choices, keys: true},
	"passkeys by name":  {settings: []func(*pool.Config){named, byPasskey}, people: "ada", typed: "ada", only: choices, keys: true},
	"name":              {settings: []func(*pool.Config){takes(pool.Username)}, people: "ada", typed: "ada", only: byName},
}

// byCode lets sign-ins begin by codes as well.
func byCode(c *pool.Config) {
	c.Settings.SignIn.First = []mfa.Kind{mfa.KindPassword, mfa.KindEmail, mfa.KindSMS}
}

// byPasskey lets sign-ins begin by passkeys as well.
func byPasskey(c *pool.Config) {
	passkeys(c)
	byCode(c)
	c.Settings.SignIn.First = append(c.Settings.SignIn.First, mfa.KindPasskey)
}

// strangers is an answer by the passkey that [kit.givePasskey] gives, which somebody else has signed.
var strangers = pool.PasskeyAssertion{JSON: func() []byte {
	text := base64.RawURLEncoding.EncodeToString
	id, rp := text(bytes.Repeat([]byte{9}, 32)), sha256.Sum256([]byte("localhost"))
	return fmt.Appendf(nil, `{"id":%q,"rawId":%q,"type":"public-key","clientExtensionResults":{},`+
		`"response":{"clientDataJSON":%q,"authenticatorData":%q,"signature":%q}}`, id, id,
		text([]byte(`{"type":"webauthn.get","challenge":"AAAA","origin":"http://localhost"}`)),
		text(append(rp[:], 5, 0, 0, 0, 1)), text([]byte("signed")))
}()}

var choices = []string{"SignIn", "Respond"}

var resets = []string{"ForgotPassword", "ResetPassword"}

// withoutTickets are the entrances that need no ticket of a sign-up.
var withoutTickets = []string{"SignUp", "SignIn", "ForgotPassword", "ResetPassword"}

// byName are the entrances that do not tell of a user name. A sign-up does: that it is taken cannot
// be hidden.
var byName = []string{"SignIn", "Respond", "ForgotPassword", "ResetPassword"}

type town struct {
	settings      []func(*pool.Config)
	people, typed string // the login in whose name states are made, and the one that strangers type
	chosen        string // the user name of newcomers
	only          []string
	keys          bool // who is a user has a passkey
}

func (w town) tellsNothing(t *testing.T, probe func(*kit, string) []string, locked bool) {
	want := ""
	for _, state := range []string{"absent", "attempt", "attempts", "confirmed", "disabled", "reset required", "forced change", "expired temporary", "deleted", "external"} {
		var told tale
		k := open(t, append([]func(*pool.Config){told.observe}, w.settings...)...)
		k.chosen = w.chosen
		states[state](k, w.people)
		if w.keys && !slices.Contains([]string{"absent", "attempt", "attempts", "deleted"}, state) {
			k.givePasskey(w.people)
		}
		k.clock.advance(2 * time.Hour) // mails of before do not count any more
		for range 6 {
			if locked {
				k.signIn(w.typed, wrong)
			}
		}
		k.store.reset()
		k.hashed = k.Hashes()
		told.reset()
		answers := probe(k, w.typed)
		reads, commits := k.store.counted()
		got := fmt.Sprintf("%d hashes, %d reads, %v\n%q\n%q", k.Hashes()-k.hashed, reads, kinds(commits), answers, told.all)
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%s:\n%s\nwant as for nobody:\n%s", state, got, want)
		}
	}
}

// tale is what an observer was told of visits, in order: one that is slow to listen delays the answer
// each time, so that this must be the same for everybody, too.
type tale struct {
	mu  sync.Mutex
	all []string
}

func (w *tale) observe(c *pool.Config) {
	c.Observer = pool.Observer{
		Event: func(ctx context.Context, e pool.ObservedEvent) { w.add(ctx, "event", e.Kind) },
		Store: func(ctx context.Context, s pool.StoreCall) { w.add(ctx, "store", s.Operation, s.Outcome) },
		Hash:  func(ctx context.Context, h pool.HashRun) { w.add(ctx, "hash", h.Outcome) },
	}
}

func (w *tale) add(ctx context.Context, what ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Value(byChore{}) == nil {
		w.all = append(w.all, strings.Join(what, " "))
	}
}

func (w *tale) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = nil
}

func listed(name string) bool {
	_, ok := entrances[name]
	return ok
}

// The right password of an account that may not sign in looks like a wrong one (CVE class 40).
func TestS19_RightPasswordOfTheWrongState(t *testing.T) {
	t.Parallel()
	want := ""
	for state, make := range states {
		var told tale
		k := open(t, told.observe)
		make(k, ada)
		pw := right
		if state == "absent" || state == "deleted" || state == "external" {
			pw = password.New("there is none to be right")
		}
		k.store.reset()
		told.reset()
		before := k.Hashes()
		step, err := k.signIn(ada, pw)
		reads, commits := k.store.counted()
		got := fmt.Sprint(err, reads, k.Hashes()-before, kinds(commits), told.all)
		switch state {
		case "attempt", "attempts", "confirmed", "forced change":
			if err != nil {
				t.Errorf("%s = %T, %v, want a step", state, step, err)
			}
			continue
		}
		if want == "" {
			want = got
		}
		if !errors.Is(err, pool.ErrNotAuthorized) || got != want {
			t.Errorf("%s = %s, want %s", state, got, want)
		}
	}
}
