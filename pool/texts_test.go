package pool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// texted opens a pool of phone numbers with some limits.
func texted(l pool.LimitSettings) func(*pool.Config) {
	return func(c *pool.Config) {
		takes(pool.Phone)(c)
		c.Settings.Limits = l
	}
}

// texts returns how many texts of some kinds came to numbers that begin alike; no kind means all.
func (k *kit) texts(beginning string, kinds ...message.Kind) (n int) {
	k.t.Helper()
	k.delivered()
	for _, m := range k.box.All() {
		if strings.HasPrefix(m.To, beginning) && (kinds == nil || slices.Contains(kinds, m.Kind)) {
			n++
		}
	}
	return n
}

// pump signs up by n numbers that begin alike, each from another network.
func (k *kit) pump(beginning string, n int) {
	k.t.Helper()
	for i := range n {
		in := pool.SignUpInput{Username: fmt.Sprintf("%s%04d", beginning, i), Password: right, Caller: from(i)}
		if _, err := k.SignUp(k.t.Context(), in); err != nil {
			k.t.Fatalf("SignUp(%q): %v", in.Username, err)
		}
	}
}

// Who rents a range of numbers gets few texts for it, from however many networks; the answers are
// those of before, another range and its owners are left alone, and an hour later it goes on.
func TestT6_PumpedRangesAreBounded(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed("+37120009000")
		d := k.done("+37120009000")
		k.pump("+3712000", 60)
		if n := k.texts("+3712000", message.ConfirmSignUp); n != 50 {
			t.Errorf("%d texts to a range in an hour, want 50", n)
		}
		k.pump("+3712001", 5)
		if n := k.texts("+3712001"); n != 5 {
			t.Errorf("%d texts to another range, want 5", n)
		}
		a, err := k.Account(t.Context(), d.Tokens.Access)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.ChangePassword(t.Context(), pool.ChangePasswordInput{Old: right, New: another}); err != nil {
			t.Fatal(err)
		}
		if n := k.texts("+37120009000", message.PasswordChanged); n != 1 {
			t.Errorf("the owner of a number in the range got %d notices, want one", n)
		}
		if _, n := k.told("sms_range"); n != 0 {
			t.Errorf("%d are told before the minute is over", n)
		}
		k.clock.advance(time.Hour)
		k.signUp("+37120009999")
		if n := k.texts("+37120009999"); n != 1 {
			t.Errorf("an hour later %d texts, want 1", n)
		}
		waitFor(t, func() bool { _, n := k.told("sms_range"); return n == 11 })
	}, takes(pool.Phone))
}

// What one number asks for in vain, because it has had enough, takes nothing from its neighbours.
func TestT6_OneNumberLeavesItsRange(t *testing.T) {
	t.Parallel()
	k := open(t, texted(pool.LimitSettings{RangeTexts: 10}))
	for i := range 40 {
		if _, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: phone, Caller: from(i)}); err != nil {
			t.Fatal(err)
		}
		k.ForgotUsername(t.Context(), pool.ForgotUsernameInput{Address: phone, Caller: from(i)})
	}
	neighbour := phone[:len(phone)-1] + "0"
	k.signUp(neighbour)
	if n := k.texts(neighbour); n != 1 {
		t.Errorf("%d texts to a number beside it, want 1", n)
	}
}

// A country has a budget, and its neighbours have theirs.
func TestT6_PumpedCountriesAreBounded(t *testing.T) {
	t.Parallel()
	k := open(t, texted(pool.LimitSettings{Texts: 20}))
	for i := range 8 {
		k.pump(fmt.Sprintf("+37120%02d", i), 5)
	}
	for _, other := range []string{"+3712", "+3702", "+1876", "+7495", "+49151"} {
		if other != "+3712" {
			k.pump(other+"000", 3)
		}
	}
	if n := k.texts("+371"); n < 20 || n > 21 {
		t.Errorf("%d texts to a country in an hour, want 20 and at most a slice of 1 more", n)
	}
	for _, other := range []string{"+370", "+1", "+7", "+49"} {
		if n := k.texts(other); n != 3 {
			t.Errorf("%d texts to %s, want 3", n, other)
		}
	}
	k.clock.advance(time.Hour)
	k.signUp("+37129999999")
	if n := k.texts("+37129999999"); n != 1 {
		t.Errorf("an hour later %d texts, want 1", n)
	}
	waitFor(t, func() bool { _, n := k.told("sms_country"); return n >= 19 })
}

// A number gets no more by many accounts than one number may.
func TestT6_OneNumberOfManyNames(t *testing.T) {
	t.Parallel()
	k := open(t, takes(pool.Username))
	for i := range 6 {
		in := pool.SignUpInput{Username: fmt.Sprintf("name%d", i), Password: right, Attributes: user.Attributes{"phone_number": phone}, Caller: from(i)}
		up, err := k.SignUp(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if err := confirm(k, up.Ticket, k.code(phone, i%3+1+i/3*3)); err != nil {
			t.Fatal(err)
		}
		if i == 2 {
			k.clock.advance(time.Hour) // three an hour go to a number that is typed
		}
	}
	for i := range 6 {
		for range 3 {
			k.forgot(fmt.Sprintf("name%d", i))
		}
	}
	if n := k.texts(phone, message.ResetPassword); n != 10 {
		t.Errorf("%d texts to one number in an hour, want 10", n)
	}
	waitFor(t, func() bool {
		k.clock.advance(time.Minute)
		_, n := k.told("sms_number")
		return n == 8
	})
}

// Who has signed up by many numbers, and signs in there, has no more texts sent by it than a network
// may ask for by the numbers. The answers do not show it.
func TestT6_TextsBySigningInAreBounded(t *testing.T) {
	t.Parallel()
	k := open(t, takes(pool.Phone))
	const numbers = 40
	number := func(i int) string { return fmt.Sprintf("+4915%d0000", 10000+i) }
	for i := range numbers {
		if _, err := k.SignUp(t.Context(), pool.SignUpInput{Username: number(i), Password: right, Caller: from(i)}); err != nil {
			t.Fatal(err)
		}
	}
	before := k.texts("+49")
	k.clock.advance(time.Hour)
	for i := range numbers {
		step, err := k.signInFrom(from(1), number(i), right)
		need, ok := step.(*pool.NeedConfirm)
		if !ok || need.Delivery.Destination != number(i) || need.Ticket == "" {
			t.Fatalf("sign-in %d = %+v, %v, want NeedConfirm", i, step, err)
		}
	}
	if n := k.texts("+49") - before; n != 30 {
		t.Errorf("%d texts for one network in an hour, want 30", n)
	}
	if _, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: phone, Caller: from(1)}); !limited(err) {
		t.Errorf("forgot after that = %v, want a *LimitError", err)
	}
	k.signInFrom(from(7), number(39), right)
	if n := k.texts(number(39)); n != 2 {
		t.Errorf("%d texts once another network asks, want 2", n)
	}
}

// What administrators send is not counted: a whole school may be invited in an hour.
func TestInvitationsBySMSAreNotCounted(t *testing.T) {
	t.Parallel()
	k := open(t, texted(pool.LimitSettings{RangeTexts: 1, Texts: 1}))
	for i := range 5 {
		in := pool.CreateUserInput{Username: fmt.Sprintf("+3712000%04d", i), PhoneVerified: true}
		if _, err := k.admin().CreateUser(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	if n := k.texts("+371", message.Invitation); n != 5 {
		t.Errorf("%d invitations, want 5", n)
	}
}

// A message that is tried again is one.
func TestTextsAreCountedOnce(t *testing.T) {
	t.Parallel()
	var down atomic.Int32
	n := nodes(t, memory.New(), 1, texted(pool.LimitSettings{RangeTexts: 2}), func(c *pool.Config) {
		c.Sender = faltering{c.Sender, &down}
	})[0]
	down.Store(3)
	n.signUp("+37120000001")
	for range 4 {
		n.run()
		n.clock.advance(30 * time.Second)
	}
	n.signUp("+37120000002")
	n.run()
	n.signUp("+37120000003")
	n.run()
	for number, want := range map[string]int{"+37120000001": 1, "+37120000002": 1, "+37120000003": 0} {
		if got := len(n.box.To(number)); got != want {
			t.Errorf("%d texts to %s, want %d", got, number, want)
		}
	}
}

// However many processes send, a range gets what one would send there.
func TestT6_PumpedRangesOfManyProcesses(t *testing.T) {
	t.Parallel()
	ns := nodes(t, memory.New(), 3, texted(pool.LimitSettings{RangeTexts: 20}))
	for i := range 60 {
		in := pool.SignUpInput{Username: fmt.Sprintf("+3712000%04d", i), Password: right, Caller: from(i)}
		if _, err := ns[i%3].SignUp(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		if i%20 == 19 {
			ns[i/20].run()
		}
	}
	sent := 0
	for _, n := range ns {
		n.run()
		sent += len(n.box.All())
	}
	if sent != 20 {
		t.Errorf("%d texts to a range, want 20", sent)
	}
}

// Numbers of other countries get nothing, whoever asks, and are not taken on. Who has one is left
// alone, and does not hear whether a message was sent.
func TestT6_CountriesThatAreServed(t *testing.T) {
	t.Parallel()
	const foreign = "+37120000000"
	k := open(t, restores)
	k.put(func(s *pool.Settings) { s.SignIn.Identifiers = []pool.Identifier{pool.Phone, pool.Email} })
	k.confirmed(foreign)
	k.confirmed(ada)
	d := k.done(ada)
	old := k.texts(foreign)
	k.put(func(s *pool.Settings) { s.Limits.Countries = []string{"+49", "+1876"} })
	for _, number := range []string{foreign, "+4815112345678", "+18775550100", "+390612345678"} {
		_, err := k.SignUp(t.Context(), pool.SignUpInput{Username: number, Password: right})
		if v, ok := errors.AsType[*pool.ValidationError](err); !ok || v.Fields[0].Field != "Username" {
			t.Errorf("sign-up by %s = %v, want a *ValidationError", number, err)
		}
		_, err = k.account(d).ChangeAddress(t.Context(), pool.ChangeAddressInput{To: number})
		if v, ok := errors.AsType[*pool.ValidationError](err); !ok || v.Fields[0].Field != "To" {
			t.Errorf("change to %s = %v, want a *ValidationError", number, err)
		}
		in := pool.CreateUserInput{Username: "+3712000000" + number[len(number)-1:], PhoneVerified: true}
		if _, err := k.admin().CreateUser(t.Context(), in); !errors.Is(err, pool.ErrInvalid) {
			t.Errorf("invitation to %s = %v, want ErrInvalid", in.Username, err)
		}
		if _, err := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: number}); err != nil {
			t.Errorf("forgot by %s = %v", number, err)
		}
	}
	if _, err := k.signIn(foreign, right); err != nil {
		t.Errorf("sign-in by a number of before: %v", err)
	}
	if n := k.texts("+371") - old; n != 0 {
		t.Errorf("%d texts to a country that is not served", n)
	}
	k.signUp("+18765550100")
	k.signUp(phone)
	if n := k.texts("+18765550100") + k.texts(phone); n != 2 {
		t.Errorf("%d texts to countries that are served, want 2", n)
	}
	named := open(t, takes(pool.Username), func(c *pool.Config) { c.Settings.Limits.Countries = []string{"+49"} })
	_, err := named.SignUp(t.Context(), pool.SignUpInput{Username: "ada", Password: right, Attributes: user.Attributes{"phone_number": foreign}})
	if v, ok := errors.AsType[*pool.ValidationError](err); !ok || v.Fields[0].Field != "Attributes.phone_number" {
		t.Errorf("sign-up by a name with it = %v, want a *ValidationError", err)
	}
	_, err = named.SignUp(t.Context(), pool.SignUpInput{Username: "ada", Password: right, Attributes: user.Attributes{"phone_number": foreign, "email": ada}})
	if !errors.Is(err, pool.ErrInvalid) {
		t.Errorf("sign-up that would prove it = %v, want ErrInvalid", err)
	}
}

// Where a range, a country or a number is full, whoever is behind it has the same answers, after the
// same reads, commits and kinds of change; and what is asked for in vain uses the range up like what
// is sent, so that what else arrives there does not tell either.
func TestS19_PumpedNumbersDoNotTell(t *testing.T) {
	t.Parallel()
	const number = "+37120005000"
	for name, l := range map[string]pool.LimitSettings{"range": {RangeTexts: 4}, "country": {Texts: 4}, "not full": {}} {
		want := ""
		for _, state := range []string{"absent", "attempt", "confirmed", "disabled", "reset required", "external"} {
			k := open(t, texted(l))
			states[state](k, number)
			k.clock.advance(time.Hour)
			for i := range 8 { // nobody has these, so nothing is sent
				in := pool.ForgotPasswordInput{Username: fmt.Sprintf("+3712000%04d", i), Caller: from(i)}
				if _, err := k.ForgotPassword(t.Context(), in); err != nil {
					t.Fatal(err)
				}
			}
			before := k.texts(number)
			k.store.reset()
			up, upErr := k.newcomer(number)
			forgot, forgotErr := k.ForgotPassword(t.Context(), pool.ForgotPasswordInput{Username: number})
			to, nameErr := k.ForgotUsername(t.Context(), pool.ForgotUsernameInput{Address: number})
			reads, commits := k.store.counted()
			got := fmt.Sprint(reads, kinds(commits), len(up.Ticket), up.Delivery, upErr, len(forgot.Ticket), forgot.Delivery, forgotErr, to, nameErr)
			if want == "" {
				want = got
			}
			if got != want {
				t.Errorf("%s, %s:\n%s\nwant as for nobody:\n%s", name, state, got, want)
			}
			if n := k.texts(number) - before; name != "not full" && n != 0 {
				t.Errorf("%s, %s: %d texts to a number that has had enough", name, state, n)
			} else if name == "not full" && n == 0 {
				t.Errorf("%s: no text at all", state)
			}
		}
	}
}

// Requests by user names draw on other budgets than those by numbers: who fills those of a country
// does not learn by what arrives that a name's number is there.
func TestT7_NamesDoNotTellTheirCountry(t *testing.T) {
	t.Parallel()
	const number = "+37120005000"
	k := open(t, takes(pool.Username, pool.Phone), func(c *pool.Config) { c.Settings.Limits = pool.LimitSettings{RangeTexts: 3} })
	up, err := k.signUpAs("ada", user.Attributes{"phone_number": number})
	if err != nil {
		t.Fatal(err)
	}
	if err := confirm(k, up.Ticket, k.code(number, 1)); err != nil {
		t.Fatal(err)
	}
	k.clock.advance(time.Hour)
	k.pump("+3712000", 2)
	k.forgot("ada")
	k.signUp("+37120006000") // the third that is typed
	if n := k.texts("+37120006000"); n != 1 {
		t.Errorf("%d texts to an own number after a request by a name, want 1 as after none", n)
	}
	k.pump("+3712001", 4)
	k.forgot("ada")
	if n := k.texts(number, message.ResetPassword); n != 2 {
		t.Errorf("%d codes by the name, want 2: those that are typed keep none away", n)
	}
}

func TestTextLimitsHaveBounds(t *testing.T) {
	t.Parallel()
	for _, l := range []pool.LimitSettings{
		{Texts: -1},
		{Texts: 1_000_001},
		{RangeTexts: -1},
		{RangeTexts: 10_001},
		{Countries: []string{""}},
		{Countries: []string{"+"}},
		{Countries: []string{"49"}},
		{Countries: []string{"+0"}},
		{Countries: []string{"+4"}},
		{Countries: []string{"+37"}},
		{Countries: []string{"+49", "+49"}},
		{Countries: []string{"+49 "}},
		{Countries: []string{"DE"}},
		{Countries: []string{"+4٩"}},
		{Countries: []string{"+491511234567"}},
		{Countries: make([]string, 301)},
	} {
		_, err := pool.Open(t.Context(), memory.New(), pool.Config{Settings: &pool.Settings{Limits: l}})
		if e, ok := errors.AsType[*pool.SettingsError](err); !ok || len(e.Problems) != 1 {
			t.Errorf("%+v = %v, want one problem", l, err)
		}
	}
	k := open(t, texted(pool.LimitSettings{
		Texts: 1_000_000, RangeTexts: 10_000, Countries: []string{"+1", "+7", "+49", "+371", "+1876", "+4915112345"},
	}))
	k.signUp(phone)
	k.mails(phone, 1)
}

// A store that fails as a text is counted holds it up, and loses nothing.
func TestTextsWaitForTheStore(t *testing.T) {
	t.Parallel()
	st := &miscounting{Store: memory.New()}
	st.failing.Store(1)
	n := nodes(t, st, 1, takes(pool.Phone))[0]
	n.signUp(phone)
	n.run()
	if ms := n.box.To(phone); len(ms) != 0 {
		t.Errorf("%d texts that were not counted", len(ms))
	}
	n.clock.advance(30 * time.Second)
	n.run()
	if ms := n.box.To(phone); len(ms) != 1 {
		t.Errorf("%d texts, want 1", len(ms))
	}
}

// faltering is a sender that fails for some time.
type faltering struct {
	message.Sender
	down *atomic.Int32
}

func (f faltering) Send(ctx context.Context, m message.Message) error {
	if f.down.Add(-1) >= 0 {
		return errors.New("no answer")
	}
	return f.Sender.Send(ctx, m)
}

// miscounting is a store that fails where texts are counted, for some time.
type miscounting struct {
	storage.Store
	failing atomic.Int32
}

func (m *miscounting) Commit(ctx context.Context, changes ...storage.Change) error {
	if c, ok := changes[0].(storage.Count); ok && strings.HasPrefix(c.Key.Name, "sms:") && m.failing.Add(-1) >= 0 {
		return errors.New("no answer")
	}
	return m.Store.Commit(ctx, changes...)
}

func (m *miscounting) Ephemeral() bool { return true }
