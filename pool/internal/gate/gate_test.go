package gate_test

import (
	"errors"
	"testing"
	"time"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// The whole table: every status, enabled or not, every set of proofs, both purposes. A session is
// minted only for an enabled, confirmed user who has shown a password that is still theirs; a
// temporary one earns a step and no more.
func TestT1_Decide(t *testing.T) {
	t.Parallel()
	pw := token.Proof{Method: token.MethodPassword, Revision: 3, Time: now}
	old := token.Proof{Method: token.MethodPassword, Revision: 2, Time: now}
	mail := token.Proof{Method: token.MethodEmailCode, Channel: "c", Time: now}
	text := token.Proof{Method: token.MethodSMSCode, Channel: "c", Time: now}
	unknown := token.Proof{Method: "palmistry", Time: now}
	sets := map[string][]token.Proof{
		"none": nil, "password": {pw}, "old password": {old}, "mail": {mail}, "unknown": {unknown},
		"both": {mail, pw}, "mail and old password": {mail, old}, "text": {text},
	}
	for _, status := range []user.Status{user.Unconfirmed, user.Confirmed, user.ForceChangePassword, user.ResetRequired, user.External, "", "new"} {
		for _, disabled := range []bool{false, true} {
			for name, set := range sets {
				for _, purpose := range []gate.Purpose{gate.SignIn, gate.Refresh} {
					u := &user.User{ID: "ada", Status: status, Disabled: disabled, Password: &user.Password{Revision: 3, Set: now}}
					d := gate.Decide(gate.Request{User: u, Purpose: purpose}, gate.Carried("ada", set), now)
					knows := name == "password" || name == "both"
					mailed := name == "mail" || name == "mail and old password" || name == "both" || name == "text"
					want, next := gate.Refuse, gate.Next(0)
					switch {
					case disabled:
					case status == user.Confirmed && knows:
						want = gate.Mint
					case status == user.Confirmed && mailed && purpose == gate.SignIn:
						want, next = gate.Step, gate.First
					case status == user.Unconfirmed && knows && purpose == gate.SignIn:
						want, next = gate.Step, gate.Confirm
					case status == user.ForceChangePassword && knows && purpose == gate.SignIn:
						want, next = gate.Step, gate.NewPassword
					}
					if d.Outcome() != want || d.Next() != next {
						t.Errorf("%q, disabled %v, %s, purpose %d: outcome %d next %d, want %d %d", status, disabled, name, purpose, d.Outcome(), d.Next(), want, next)
					}
					if (d.Outcome() == gate.Refuse) == (d.Reason() == "") {
						t.Errorf("%q, disabled %v, %s: reason %q", status, disabled, name, d.Reason())
					}
				}
			}
		}
	}
}

// A temporary password is good for as long as the policy says, and not a moment longer.
func TestDecideTemporaryPassword(t *testing.T) {
	t.Parallel()
	u := &user.User{ID: "ada", Status: user.ForceChangePassword, Password: &user.Password{Revision: 1, Set: now}}
	shown := gate.Carried("ada", []token.Proof{{Method: token.MethodPassword, Revision: 1}})
	for validity, until := range map[time.Duration]time.Duration{0: 7 * 24 * time.Hour, time.Hour: time.Hour} {
		r := gate.Request{User: u, Purpose: gate.SignIn, Policy: password.Policy{TemporaryValidity: validity}}
		if d := gate.Decide(r, shown, now.Add(until-1)); d.Next() != gate.NewPassword {
			t.Errorf("validity %v: outcome %d before its end, want a step", validity, d.Outcome())
		}
		if d := gate.Decide(r, shown, now.Add(until)); d.Outcome() != gate.Refuse || d.Reason() != gate.Expired {
			t.Errorf("validity %v: outcome %d, %q at its end, want Refuse", validity, d.Outcome(), d.Reason())
		}
	}
}

// Who has shown the old password has a proof of the new one; nobody else does.
func TestT1_ChosenPasswordNeedsTheOldOne(t *testing.T) {
	t.Parallel()
	was := &user.User{ID: "ada", Status: user.Confirmed, Password: &user.Password{Revision: 1}}
	is := &user.User{ID: "ada", Status: user.Confirmed, Password: &user.Password{Revision: 2}}
	for name, tt := range map[string]struct {
		by    user.ID
		proof token.Proof
		is    *user.User
		want  gate.Outcome
	}{
		"shown":      {"ada", token.Proof{Method: token.MethodPassword, Revision: 1}, is, gate.Mint},
		"an older":   {"ada", token.Proof{Method: token.MethodPassword}, is, gate.Refuse},
		"the new":    {"ada", token.Proof{Method: token.MethodPassword, Revision: 2}, is, gate.Refuse},
		"a stranger": {"eve", token.Proof{Method: token.MethodPassword, Revision: 1}, is, gate.Refuse},
		"a code":     {"ada", token.Proof{Method: token.MethodEmailCode}, is, gate.Step},
		"another":    {"ada", token.Proof{Method: token.MethodPassword, Revision: 1}, &user.User{ID: "eve", Status: user.Confirmed, Password: is.Password}, gate.Refuse},
		"none":       {"ada", token.Proof{Method: token.MethodPassword, Revision: 1}, &user.User{ID: "ada", Status: user.Confirmed}, gate.Refuse},
	} {
		chosen := gate.Chosen(was, tt.is, now, gate.Carried(tt.by, []token.Proof{tt.proof})...)
		if d := gate.Decide(gate.Request{User: tt.is, Purpose: gate.SignIn}, chosen, now); d.Outcome() != tt.want {
			t.Errorf("%s: outcome %d, want %d", name, d.Outcome(), tt.want)
		}
	}
}

func TestT1_ProofsOfOthersAreDropped(t *testing.T) {
	t.Parallel()
	u := &user.User{ID: "ada", Status: user.Confirmed, Password: &user.Password{Revision: 1}}
	proof := gate.Carried("eve", []token.Proof{{Method: token.MethodPassword, Revision: 1}, {Method: token.MethodEmailCode}})
	if d := gate.Decide(gate.Request{User: u, Purpose: gate.SignIn}, proof, now); d.Outcome() != gate.Refuse {
		t.Errorf("outcome = %d, want Refuse", d.Outcome())
	}
	u.Password = nil // the credential has gone
	own := gate.Carried("ada", []token.Proof{{Method: token.MethodPassword, Revision: 1}})
	if d := gate.Decide(gate.Request{User: u, Purpose: gate.SignIn}, own, now); d.Outcome() != gate.Refuse {
		t.Errorf("without a password: outcome = %d, want Refuse", d.Outcome())
	}
	if d := gate.Decide(gate.Request{Purpose: gate.SignIn}, own, now); d.Outcome() != gate.Refuse || d.Reason() != gate.NoUser {
		t.Errorf("nobody: outcome = %d, want Refuse", d.Outcome())
	}
}

func newGate(t *testing.T) (*gate.Gate, *seal.Keyring, *password.Hasher) {
	t.Helper()
	ring, err := seal.New(seal.Generate())
	if err != nil {
		t.Fatal(err)
	}
	door := password.NewHasher(2)
	cheap := password.Params{Memory: 8, Time: 1, Threads: 1}
	return gate.New(ring, door, password.Hash{Scheme: password.Argon2id, Params: cheap, Salt: make([]byte, 16), Digest: make([]byte, 32)}), ring, door
}

func TestT1_NoSessionWithoutADecisionToMint(t *testing.T) {
	t.Parallel()
	g, _, _ := newGate(t)
	u := &user.User{ID: "ada", Pool: "p", Epoch: 7, Status: user.Confirmed, Password: &user.Password{Revision: 1}}
	step := gate.Decide(gate.Request{User: u, Purpose: gate.SignIn}, gate.Carried("ada", []token.Proof{{Method: token.MethodEmailCode}}), now)
	for _, d := range []gate.Decision{{}, step, gate.Decide(gate.Request{User: u, Purpose: gate.SignIn}, nil, now)} {
		if s, err := g.Session(d, gate.Terms{Client: "web", Lifetime: time.Hour}); !errors.Is(err, gate.ErrNotDecided) || s != nil {
			t.Errorf("Session(%d) = %v, %v, want ErrNotDecided", d.Outcome(), s, err)
		}
	}
	proofs := []token.Proof{{Method: token.MethodPassword, Revision: 1, Time: now}}
	mint := gate.Decide(gate.Request{User: u, Purpose: gate.SignIn}, gate.Carried("ada", proofs), now)
	s, err := g.Session(mint, gate.Terms{Client: "web", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if s.User != "ada" || s.Epoch != 7 || s.Client != "web" || s.Kind != token.Grant || s.Generation != 1 || s.Version != 0 ||
		!s.Expires.Equal(now.Add(time.Hour)) || len(s.Proofs) != 1 || s.Proofs[0] != proofs[0] {
		t.Errorf("session = %+v", s)
	}
	family, err := g.Family(s)
	if err != nil || len(family) != 32 {
		t.Errorf("Family = %d bytes, %v, want 32", len(family), err)
	}
	other := s.Clone()
	other.ID = "another" // a key moved to another session's row does not open
	if _, err := g.Family(other); err == nil {
		t.Error("the family key of one session opens for another")
	}
}

// A session goes on by a decision to mint of its own user alone, and only where it is stored.
func TestT1_SessionsGoOnByADecision(t *testing.T) {
	t.Parallel()
	g, _, _ := newGate(t)
	stored := token.Session{
		ID: "s", Pool: "p", User: "ada", Version: 3, Epoch: 7, Kind: token.Grant, Client: "web", Expires: now.Add(time.Hour), Generation: 5,
		Device: "forgotten",
	}
	decides := func(id user.ID, shown ...token.Proof) gate.Decision {
		u := &user.User{ID: id, Pool: "p", Epoch: 8, Status: user.Confirmed, Password: &user.Password{Revision: 1}}
		return gate.Decide(gate.Request{User: u, Purpose: gate.SignIn}, gate.Carried(id, shown), now)
	}
	knew := token.Proof{Method: token.MethodPassword, Revision: 1, Time: now}
	s, err := g.Renewed(&stored, decides("ada", knew))
	if err != nil || s.ID != "s" || s.Version != 3 || s.Epoch != 8 || s.Generation != 5 || !s.Expires.Equal(stored.Expires) || len(s.Proofs) != 1 || s.Device != "" {
		t.Errorf("Renewed = %+v, %v", s, err)
	}
	fresh, foreign := stored, stored
	fresh.Version, foreign.Pool = 0, "q"
	for name, tt := range map[string]struct {
		s *token.Session
		d gate.Decision
	}{
		"no decision": {&stored, gate.Decision{}}, "a refusal": {&stored, decides("ada")},
		"a step": {&stored, decides("ada", token.Proof{Method: token.MethodEmailCode, Time: now})}, "of another user": {&stored, decides("eve", knew)},
		"of another pool": {&foreign, decides("ada", knew)}, "not stored": {&fresh, decides("ada", knew)},
	} {
		if s, err := g.Renewed(tt.s, tt.d); !errors.Is(err, gate.ErrNotDecided) || s != nil {
			t.Errorf("%s: Renewed = %v, %v, want ErrNotDecided", name, s, err)
		}
	}
}

// Unknown users, users without a password and wrong passwords cost one hash each (security.md S19).
func TestS19_PasswordHashesOnce(t *testing.T) {
	t.Parallel()
	g, ring, door := newGate(t)
	h, err := password.Params{Memory: 8, Time: 1, Threads: 1}.Hash(password.New("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	u := &user.User{ID: "ada", Pool: "p", Password: &user.Password{
		Hash: h.Bare(), Digest: ring.Seal(gate.PasswordLabel("p", "ada"), h.Digest), Form: user.FormNFC, Revision: 4,
	}}
	for _, tt := range []struct {
		name  string
		user  *user.User
		typed string
		ok    bool
	}{
		{"nobody", nil, "correct horse", false},
		{"no password", &user.User{ID: "eve"}, "correct horse", false},
		{"wrong", u, "incorrect horse", false},
		{"right", u, "correct horse", true},
	} {
		before := door.Count()
		p, _, err := g.Passwords(t.Context(), password.From{}, tt.user, nil, password.New(tt.typed), now)
		if err != nil || p.Holds() != tt.ok {
			t.Errorf("%s: Password = %v, %v, want %v", tt.name, p.Holds(), err, tt.ok)
		}
		if n := door.Count() - before; n != 1 {
			t.Errorf("%s: %d hashes, want 1", tt.name, n)
		}
	}
	moved := u.Clone()
	moved.ID = "eve" // a digest copied to another user's row
	if p, _, err := g.Passwords(t.Context(), password.From{}, moved, nil, password.New("correct horse"), now); p.Holds() || err == nil {
		t.Errorf("moved digest: Password = %v, %v, want an error", p.Holds(), err)
	}
}

// An owner and an attempt at one address are judged by one hash: each by their own password.
func TestS19_OwnerAndAttemptCostOneHash(t *testing.T) {
	t.Parallel()
	g, ring, door := newGate(t)
	cheap := password.Params{Memory: 8, Time: 1, Threads: 1}
	set := func(id user.ID, pw string, like ...*user.User) *user.User {
		h, err := g.Salted(t.Context(), password.From{}, password.Hash{Params: cheap}, password.New(pw), like...)
		if err != nil {
			t.Fatal(err)
		}
		return &user.User{ID: id, Pool: "p", Password: &user.Password{
			Hash: h.Bare(), Digest: ring.Seal(gate.PasswordLabel("p", id), h.Digest), Form: user.FormNFC, Revision: 1,
		}}
	}
	owner := set("owner", "the owner's own")
	attempt := set("attempt", "of the attempt", owner)
	apart := set("apart", "of the attempt")
	for _, tt := range []struct {
		name                  string
		owner, attempt        *user.User
		typed                 string
		wantOwner, wantAttemp bool
	}{
		{"owner", owner, attempt, "the owner's own", true, false},
		{"attempt", owner, attempt, "of the attempt", false, true},
		{"neither", owner, attempt, "something else", false, false},
		{"attempt alone", nil, attempt, "of the attempt", false, true},
		{"another salt", owner, apart, "of the attempt", false, false},
		{"another salt, owner", owner, apart, "the owner's own", true, false},
		{"both one password", attempt, set("twin", "of the attempt", attempt), "of the attempt", true, true},
	} {
		before := door.Count()
		o, a, err := g.Passwords(t.Context(), password.From{}, tt.owner, tt.attempt, password.New(tt.typed), now)
		if err != nil || o.Holds() != tt.wantOwner || a.Holds() != tt.wantAttemp {
			t.Errorf("%s: owner %v, attempt %v, %v", tt.name, o.Holds(), a.Holds(), err)
		}
		if n := door.Count() - before; n != 1 {
			t.Errorf("%s: %d hashes, want 1", tt.name, n)
		}
	}
}

func TestT4_CodesAreBound(t *testing.T) {
	t.Parallel()
	g, ring, _ := newGate(t)
	tk := storage.Ticket{Pool: "p", ID: "t", User: "ada", Purpose: "confirm"}
	tk.Code = ring.MAC(gate.CodePurpose, gate.CodeParts(&tk, "channel", "123456")...)
	if _, ok := g.EmailCode(&tk, "channel", "123456", now); !ok {
		t.Error("the right code is refused")
	}
	for name, change := range map[string]func(*storage.Ticket){
		"pool":    func(t *storage.Ticket) { t.Pool = "q" },
		"id":      func(t *storage.Ticket) { t.ID = "u" },
		"user":    func(t *storage.Ticket) { t.User = "eve" },
		"purpose": func(t *storage.Ticket) { t.Purpose = "reset" },
		"client":  func(t *storage.Ticket) { t.Client = "admin" },
		"state":   func(t *storage.Ticket) { t.State = []byte("{}") },
		"epoch":   func(t *storage.Ticket) { t.Epoch++ },
		"expires": func(t *storage.Ticket) { t.Expires = t.Expires.Add(time.Hour) },
		"nobody":  func(t *storage.Ticket) { t.User = "" },
		"no code": func(t *storage.Ticket) { t.Code = nil },
	} {
		c := tk
		change(&c)
		if _, ok := g.EmailCode(&c, "channel", "123456", now); ok {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, code := range []string{"", "12345", "1234567", "123457", " 123456", "１２３４５６"} {
		if _, ok := g.EmailCode(&tk, "channel", code, now); ok {
			t.Errorf("code %q accepted", code)
		}
	}
	if _, ok := g.EmailCode(&tk, "elsewhere", "123456", now); ok {
		t.Error("accepted for another address")
	}
	if _, ok := g.SMSCode(&tk, "channel", "123456", now); !ok {
		t.Error("the right code by SMS is refused")
	}
	if _, ok := g.SMSCode(&tk, "channel", "123457", now); ok {
		t.Error("a wrong code by SMS is accepted")
	}
}

// An actor is the user for as long as the gate says, by what they are and how they signed in, and
// never by what the user has shown. Their proof carries that session on, and begins no other.
func TestS6_TheGateJudgesActors(t *testing.T) {
	t.Parallel()
	g, _, _ := newGate(t)
	u := &user.User{ID: "ada", Pool: "p", Epoch: 7, Status: user.Confirmed, Password: &user.Password{Revision: 1}}
	own := gate.Carried("ada", []token.Proof{{Method: token.MethodPassword, Revision: 1, Time: now}})
	good := gate.Actor{Name: "root", Above: true}
	with := func(change func(u *user.User)) *user.User { c := u.Clone(); change(c); return c }
	for name, tt := range map[string]struct {
		user  *user.User
		actor gate.Actor
		want  gate.Reason
	}{
		"the program":             {u, good, ""},
		"a user by two factors":   {u, gate.Actor{Name: "eve", Above: true, User: true, ACR: "aal2"}, ""},
		"a user by one factor":    {u, gate.Actor{Name: "eve", Above: true, User: true, ACR: "aal1"}, gate.WeakActor},
		"a user whose level fell": {u, gate.Actor{Name: "eve", Above: true, User: true}, gate.WeakActor},
		"a peer":                  {u, gate.Actor{Name: "eve", User: true, ACR: "aal2"}, gate.NotBelow},
		"no actor":                {u, gate.Actor{}, gate.NotBelow},
		"an actor without a name": {u, gate.Actor{Above: true}, gate.NotBelow},
		"nobody":                  {nil, good, gate.NoUser},
		"disabled":                {with(func(u *user.User) { u.Disabled = true }), good, gate.Disabled},
		"a sign-up":               {with(func(u *user.User) { u.Status = user.Unconfirmed }), good, gate.NoProof},
		"to change the password":  {with(func(u *user.User) { u.Status = user.ForceChangePassword }), good, gate.ChangeForced},
		"to be reset":             {with(func(u *user.User) { u.Status = user.ResetRequired }), good, gate.ResetRequired},
		"from elsewhere":          {with(func(u *user.User) { u.Status = user.External }), good, gate.NotByPassword},
		"of no status":            {with(func(u *user.User) { u.Status = "new" }), good, gate.NoStatus},
	} {
		for _, proofs := range [][]gate.Proof{nil, own} {
			d := gate.Decide(gate.Request{User: tt.user, Purpose: gate.Impersonate, Actor: tt.actor}, proofs, now)
			if d.Reason() != tt.want || (d.Outcome() == gate.Mint) != (tt.want == "") || d.Outcome() == gate.Step {
				t.Errorf("%s: outcome %d, reason %q, want %q", name, d.Outcome(), d.Reason(), tt.want)
			}
			if tt.want == "" && (len(d.Proofs()) != 1 || d.Proofs()[0].Method != token.MethodActor) {
				t.Errorf("%s: proofs %+v", name, d.Proofs())
			}
		}
	}
	d := gate.Decide(gate.Request{User: u, Purpose: gate.Impersonate, Actor: good}, own, now)
	for _, browser := range []bool{false, true} {
		s, err := g.Session(d, gate.Terms{Client: "web", Browser: browser, Lifetime: 30 * 24 * time.Hour})
		if err != nil || s.Kind != token.Impersonation || s.Key != nil || s.Generation != 0 || !s.Expires.Equal(now.Add(30*time.Minute)) || s.Actor() != "root" {
			t.Errorf("session = %+v, %v", s, err)
		}
	}
	acting := gate.Carried("ada", d.Proofs())
	if d := gate.Decide(gate.Request{User: u, Purpose: gate.Refresh}, acting, now); d.Outcome() != gate.Mint {
		t.Errorf("the session goes on: outcome %d", d.Outcome())
	}
	begun := gate.Decide(gate.Request{User: u, Purpose: gate.Impersonate, Actor: good, May: 6}, nil, now).Proofs()
	for may, want := range map[uint32]gate.Outcome{0: gate.Mint, 2: gate.Mint, 6: gate.Mint, 1: gate.Refuse, 7: gate.Refuse, 1 << 31: gate.Refuse} {
		r := gate.Request{User: u, Purpose: gate.Refresh, May: may}
		if d := gate.Decide(r, gate.Carried("ada", begun), now); d.Outcome() != want {
			t.Errorf("of who may %b, and might 110: outcome %d, want %d", may, d.Outcome(), want)
		}
	}
	eve := gate.Actor{Name: "eve", Above: true, User: true, Epoch: 4, ACR: "aal2"}
	begun = gate.Decide(gate.Request{User: u, Purpose: gate.Impersonate, Actor: eve}, nil, now).Proofs()
	if id := gate.ActingUser(&token.Session{Proofs: begun}); id != "eve" {
		t.Errorf("in a session that eve began there is %q", id)
	}
	for by, want := range map[gate.Actor]gate.Outcome{
		eve: gate.Mint, {Name: "eve", User: true, Epoch: 4}: gate.Mint,
		{}: gate.Refuse, {Name: "eve", User: true, Epoch: 5}: gate.Refuse, {Name: "eve"}: gate.Refuse,
		{Name: "mallory", User: true, Epoch: 4}: gate.Refuse,
	} {
		r := gate.Request{User: u, Purpose: gate.Refresh, Actor: by}
		if d := gate.Decide(r, gate.Carried("ada", begun), now); d.Outcome() != want {
			t.Errorf("that eve began, with %+v: outcome %d, want %d", by, d.Outcome(), want)
		}
	}
	if d := gate.Decide(gate.Request{User: u, Purpose: gate.Refresh}, gate.Carried("eve", d.Proofs()), now); d.Outcome() != gate.Refuse {
		t.Errorf("of another user: outcome %d", d.Outcome())
	}
	if d := gate.Decide(gate.Request{User: u, Purpose: gate.SignIn}, acting, now); d.Outcome() != gate.Refuse {
		t.Errorf("at a sign-in: outcome %d", d.Outcome())
	}
	if d := gate.Decide(gate.Request{User: u, Purpose: gate.SignIn}, append(acting, own...), now); d.Outcome() != gate.Mint || len(d.Proofs()) != 1 {
		t.Errorf("beside the user's own proof: outcome %d, %+v", d.Outcome(), d.Proofs())
	}
}
