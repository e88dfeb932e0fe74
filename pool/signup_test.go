package pool_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// A sign-up at a taken address looks like any other: the same answer, hashes, commits and changes.
func TestT7_TakenAddressDoesNotTell(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	k.signUp("carol@example.com") // an attempt only
	seen := map[string]string{}
	for _, login := range []string{ada, "bob@example.com", "carol@example.com"} {
		k.store.reset()
		before := k.Hashes()
		res, err := k.SignUp(t.Context(), pool.SignUpInput{Username: login, Password: right})
		if err != nil {
			t.Fatal(err)
		}
		reads, commits := k.store.counted()
		seen[login] = fmt.Sprint(len(res.Ticket), res.Delivery.Channel, res.Delivery.Destination == login, k.Hashes()-before, reads, kinds(commits))
	}
	if seen[ada] != seen["bob@example.com"] || seen[ada] != seen["carol@example.com"] {
		t.Errorf("taken, free and attempted differ: %v", seen)
	}
	ms := k.mails(ada, 2)
	if ms[1].Kind != message.AlreadyRegistered {
		t.Errorf("the owner got %s, want %s", ms[1].Kind, message.AlreadyRegistered)
	}
}

// Signing up at an address and then signing in looks the same whether or not the address has an
// owner, and whatever password is typed.
func TestS19_SignUpThenSignInDoesNotTell(t *testing.T) {
	t.Parallel()
	k := open(t)
	const free, taken = "free@example.com", "taken@example.com"
	if up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: taken, Password: another}); err != nil {
		t.Fatal(err)
	} else if err := confirm(k, up.Ticket, k.code(taken, 1)); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for _, login := range []string{free, taken} {
		k.signUp(login)
		for _, pw := range []password.Secret{wrong, right, wrong, right} {
			k.store.reset()
			before := k.Hashes()
			step, err := k.signIn(login, pw)
			reads, commits := k.store.counted()
			seen[login] += fmt.Sprintf("%T %v %d %d %v\n", step, err, k.Hashes()-before, reads, kinds(commits))
			if need, ok := step.(*pool.NeedConfirm); ok {
				seen[login] += fmt.Sprintln(confirm(k, need.Ticket, "00000"), need.Delivery.Destination == login)
			}
		}
	}
	if seen[free] != seen[taken] {
		t.Errorf("free:\n%s\ntaken:\n%s", seen[free], seen[taken])
	}
	if _, err := pool.Finished(k.signIn(taken, another)); err != nil {
		t.Errorf("the owner: %v", err)
	}
}

// Beyond the mails that an address gets, a new ticket is not five more guesses at six digits: none
// of the million is its code (CVE class 6).
func TestT5_UnsentCodesCannotBeGuessed(t *testing.T) {
	t.Parallel()
	r := ring(t, seal.Generate())
	k := open(t, func(c *pool.Config) { c.Keys = r })
	for i := range 6 {
		ticket := k.signUp(ada)
		ms := k.mails(ada, min(i+1, 5))
		k.clock.advance(time.Second)
		got, err := k.store.Store.Read(t.Context(), "default", storage.Want{Now: k.clock.Now(), Tickets: []string{ticketID(t, ticket)}})
		if err != nil || got.Tickets[0] == nil {
			t.Fatal(err)
		}
		stored := got.Tickets[0]
		var state struct{ Channel string }
		if err := json.Unmarshal(stored.State, &state); err != nil {
			t.Fatal(err)
		}
		fits := func(code string) bool {
			return r.VerifyMAC(stored.Code, gate.CodePurpose, gate.CodeParts(stored, state.Channel, code)...)
		}
		if i < 5 { // the search finds what there is to find
			if code := k.box.Code(ada); !fits(code) {
				t.Errorf("sign-up %d: the code that was sent does not fit", i+1)
			}
			continue
		}
		for n := range 1_000_000 {
			if fits(fmt.Sprintf("%06d", n)) {
				t.Fatal("a code that was never sent can be guessed")
			}
		}
		if len(ms) != 5 {
			t.Errorf("%d mails, want 5", len(ms))
		}
	}
}

// kinds counts the changes of commits by kind.
func kinds(commits [][]storage.Change) map[string]int {
	n := map[string]int{}
	for _, changes := range commits {
		for _, c := range changes {
			name := reflect.TypeOf(c).Name()
			switch c := c.(type) {
			case storage.PutRecord:
				name += reflect.TypeOf(c.Record).String()
			case storage.DeleteRecord:
				name += reflect.TypeOf(c.Record).String()
			}
			n[name]++
		}
	}
	n["commits"] = len(commits)
	return n
}

func TestT7_TicketOfATakenAddressConfirmsNothing(t *testing.T) {
	t.Parallel()
	k := open(t)
	k.confirmed(ada)
	before := k.user(ada)
	ticket := k.signUp(ada)
	for range 5 {
		if err := confirm(k, ticket, "000000"); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("confirm = %v, want ErrBadCode as with any wrong code", err)
		}
	}
	if err := confirm(k, ticket, "000000"); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("sixth try = %v, want ErrTicketGone", err)
	}
	if after := k.user(ada); after.ID != before.ID || after.Version != before.Version {
		t.Error("the owner changed")
	}
}

// CVE class 21: whoever proves the address first has it, and the other attempt's password is dead.
func TestT7_PreHijack(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		attackers := password.New("the attacker's password")
		up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: attackers})
		if err != nil {
			t.Fatal(err)
		}
		k.mails(ada, 1)
		mine := k.signUp(ada)
		code := k.code(ada, 2)
		if err := confirm(k, up.Ticket, code); !errors.Is(err, pool.ErrBadCode) {
			t.Fatalf("owner's code with the attacker's ticket = %v, want ErrBadCode", err)
		}
		if err := confirm(k, mine, code); err != nil {
			t.Fatalf("owner: %v", err)
		}
		step, err := k.signIn(ada, attackers)
		need, ok := step.(*pool.NeedConfirm)
		if err != nil || !ok {
			t.Fatalf("attacker's password = %T, %v, want it to look as before", step, err)
		}
		if ms := k.mails(ada, 3); ms[2].Kind != message.AlreadyRegistered {
			t.Errorf("the owner got %s, want %s", ms[2].Kind, message.AlreadyRegistered)
		}
		if err := confirm(k, need.Ticket, code); !errors.Is(err, pool.ErrBadCode) {
			t.Errorf("attacker's ticket = %v, want it to confirm nothing", err)
		}
		if _, err := k.signIn(ada, right); err != nil {
			t.Errorf("owner's password: %v", err)
		}
	})
}

// Two attempts, both with their own right code: the second is told that it came too late.
func TestT7_RivalAttemptCannotConfirm(t *testing.T) {
	t.Parallel()
	k := open(t)
	one := k.signUp(ada)
	codeOne := k.code(ada, 1)
	two := k.signUp(ada)
	codeTwo := k.code(ada, 2)
	if err := confirm(k, two, codeTwo); err != nil {
		t.Fatal(err)
	}
	if err := confirm(k, one, codeOne); !errors.Is(err, pool.ErrLoginTaken) {
		t.Errorf("rival = %v, want ErrLoginTaken", err)
	}
}

func TestT7_AtMostThreeAttempts(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		first := k.signUp(ada)
		code := k.code(ada, 1)
		for i := range 3 {
			k.clock.advance(time.Second)
			k.signUp(ada)
			k.mails(ada, i+2)
		}
		if err := confirm(k, first, code); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("oldest of four = %v, want ErrTicketGone", err)
		}
	})
}

// The right password on an unproven address earns a ticket and a code of its own, and with both a
// session.
func TestT7_NeedConfirm(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.signUp(ada)
		k.mails(ada, 1)
		if _, err := k.signIn(ada, wrong); !errors.Is(err, pool.ErrNotAuthorized) {
			t.Errorf("wrong password = %v, want ErrNotAuthorized", err)
		}
		step, err := k.signIn(ada, right)
		need, ok := step.(*pool.NeedConfirm)
		if err != nil || !ok {
			t.Fatalf("SignIn = %T, %v, want *NeedConfirm", step, err)
		}
		if need.Delivery.Destination != ada {
			t.Errorf("delivery = %+v", need.Delivery)
		}
		code := k.code(ada, 2)
		done, err := pool.Finished(k.Respond(t.Context(), pool.RespondInput{Ticket: need.Ticket, With: pool.Code{Value: code}}))
		if err != nil || done.Tokens.Access.IsZero() {
			t.Fatalf("Respond = %v, want tokens", err)
		}
		if err := confirm(k, need.Ticket, code); !errors.Is(err, pool.ErrTicketGone) {
			t.Errorf("again = %v, want ErrTicketGone", err)
		}
	})
}

func TestT7_AttemptExpires(t *testing.T) {
	t.Parallel()
	k := open(t)
	ticket := k.signUp(ada)
	code := k.code(ada, 1)
	k.clock.advance(24 * time.Hour)
	if err := confirm(k, ticket, code); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("after 24 h = %v, want ErrTicketGone", err)
	}
	if _, err := k.signIn(ada, right); !errors.Is(err, pool.ErrNotAuthorized) {
		t.Errorf("sign-in after 24 h = %v, want ErrNotAuthorized", err)
	}
}

// One address gets five mails an hour, and the sixth sign-up looks like the others.
func TestT7_MailToOneAddressIsLimited(t *testing.T) {
	t.Parallel()
	k := open(t)
	for i := range 8 {
		k.signUp(ada)
		k.mails(ada, min(i+1, 5)) // before a fourth attempt voids the oldest, mail and all
		k.clock.advance(time.Second)
	}
	k.clock.advance(time.Hour)
	k.signUp(ada)
	if ms := k.mails(ada, 6); len(ms) != 6 {
		t.Errorf("%d mails, want 5 in the first hour and 1 after", len(ms))
	}
}

func TestS1_WrongAnswersUseUpTheTicket(t *testing.T) {
	t.Parallel()
	k := open(t)
	ticket := k.signUp(ada)
	code := k.code(ada, 1)
	bad := flipDigit(code)
	for i := range 4 {
		if err := confirm(k, ticket, bad); !errors.Is(err, pool.ErrBadCode) {
			t.Fatalf("try %d = %v, want ErrBadCode", i, err)
		}
	}
	if err := confirm(k, ticket, code); err != nil {
		t.Fatalf("fifth try, right = %v", err)
	}
}

// CVE class 6: five wrong codes, and the right one is of no use; another ticket does not refill the
// account's budget.
func TestT5_CodeBudgetSurvivesANewTicket(t *testing.T) {
	t.Parallel()
	k := open(t)
	ticket := k.signUp(ada)
	code := k.code(ada, 1)
	for range 5 {
		confirm(k, ticket, flipDigit(code))
	}
	if err := confirm(k, ticket, code); !errors.Is(err, pool.ErrTicketGone) {
		t.Errorf("right code after five wrong ones = %v, want ErrTicketGone", err)
	}
	step, err := k.signIn(ada, right)
	if err != nil {
		t.Fatal(err)
	}
	again := k.code(ada, 2)
	need := step.(*pool.NeedConfirm)
	if err := confirm(k, need.Ticket, again); !errors.Is(err, pool.ErrBadCode) {
		t.Errorf("right code while locked = %v, want ErrBadCode", err)
	}
	k.clock.advance(2 * time.Second)
	if err := confirm(k, need.Ticket, again); err != nil {
		t.Errorf("right code after the lock = %v", err)
	}
}

func TestS1_ParallelConfirmsHaveOneWinner(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		ticket := k.signUp(ada)
		code := k.code(ada, 1)
		var (
			wg   sync.WaitGroup
			gate = make(chan struct{})
			errs [64]error
		)
		for i := range errs {
			wg.Go(func() {
				<-gate
				errs[i] = confirm(k, ticket, code)
			})
		}
		close(gate)
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if !errors.Is(err, pool.ErrTicketGone) {
				t.Errorf("loser = %v, want ErrTicketGone", err)
			}
		}
		if won != 1 {
			t.Errorf("%d winners, want 1", won)
		}
	})
}

// What a visitor is handed never names the user (security.md T4, T7).
func TestT7_NoUserIDInAnswers(t *testing.T) {
	t.Parallel()
	k := open(t)
	res, err := k.SignUp(t.Context(), pool.SignUpInput{Username: ada, Password: right})
	if err != nil {
		t.Fatal(err)
	}
	if u := k.user(ada); u.Status != user.Unconfirmed || len(u.Logins) != 0 || containsFold(fmt.Sprintf("%+v", res), string(u.ID)) {
		t.Errorf("user = %+v, answer = %+v", u, res)
	}
}

func flipDigit(code string) string {
	return string('0'+(code[0]-'0'+1)%10) + code[1:]
}
