package pool_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
)

// redeemed are all that is redeemed, each with how it is had, and how it is redeemed by the n-th of
// many who have a copy.
var redeemed = map[string]func(k *kit) (redeem func(n int) error){
	"code of a sign-up": func(k *kit) func(int) error {
		ticket := k.signUp(ada)
		code := k.code(ada, 1)
		return func(n int) error {
			return second(k.ConfirmSignUp(k.t.Context(), pool.CodeInput{Ticket: ticket, Code: code, Caller: from(n)}))
		}
	},
	"link with its ticket": func(k *kit) func(int) error {
		ticket := k.signUp("by-link@example.com")
		link := k.link("by-link@example.com", 1)
		return func(n int) error {
			return second(k.ConfirmLink(k.t.Context(), pool.LinkInput{Link: link, Ticket: ticket, Caller: from(n)}))
		}
	},
	"link without its ticket": func(k *kit) func(int) error {
		k.signUp("by-link@example.com")
		opened := k.opened(k.link("by-link@example.com", 1))
		return func(n int) error { return k.answers(n, opened, pool.Password{Value: right}) }
	},
	"step after a code": func(k *kit) func(int) error {
		step, err := k.ConfirmSignUp(k.t.Context(), pool.CodeInput{Ticket: k.signUp(ada), Code: k.code(ada, 1)})
		if err != nil {
			k.t.Fatal(err)
		}
		ticket := step.(*pool.NeedPassword).Ticket
		return func(n int) error { return k.answers(n, ticket, pool.Password{Value: right}) }
	},
	"code of a reset": func(k *kit) func(int) error {
		k.confirmed(ada)
		ticket := k.forgot(ada)
		code := k.code(ada, 2)
		return func(n int) error {
			in := pool.ResetPasswordInput{Ticket: ticket, Code: code, Password: numbered(n), Caller: from(n)}
			return second(k.ResetPassword(k.t.Context(), in))
		}
	},
	"step of a temporary password": func(k *kit) func(int) error {
		k.temporary(ada)
		ticket := k.asked(ada)
		return func(n int) error { return k.answers(n, ticket, pool.NewPassword{Value: numbered(n)}) }
	},
}

func numbered(n int) password.Secret { return password.New(fmt.Sprintf("password number %d", n)) }

// answers answers a step as somebody at a network of their own.
func (k *kit) answers(n int, ticket string, with pool.Response) error {
	return second(k.Respond(k.t.Context(), pool.RespondInput{Ticket: ticket, With: with, Caller: from(n)}))
}

// CVE class 16: of any number who redeem one code, link or ticket at once one does, and after that
// nobody.
func TestCVE16_WhatIsRedeemedIsRedeemedOnce(t *testing.T) {
	t.Parallel()
	for name, have := range redeemed {
		t.Run(name, func(t *testing.T) {
			var settings []func(*pool.Config)
			if strings.HasPrefix(name, "link") {
				settings = append(settings, byLink)
			}
			onEach(t, func(t *testing.T, k *kit) {
				redeem := have(k)
				var (
					wg   sync.WaitGroup
					gate = make(chan struct{})
					errs [16]error
				)
				for n := range errs {
					wg.Go(func() {
						<-gate
						errs[n] = redeem(n)
					})
				}
				close(gate)
				wg.Wait()
				won := 0
				for _, err := range append(errs[:], redeem(len(errs))) {
					if err == nil {
						won++
					} else if !errors.Is(err, pool.ErrTicketGone) && !errors.Is(err, pool.ErrBadCode) {
						t.Errorf("a loser = %v, want ErrTicketGone or ErrBadCode", err)
					}
				}
				if won != 1 {
					t.Errorf("%d redeemed it, want 1", won)
				}
			}, settings...)
		})
	}
}

// CVE class 19: what is handed out cannot be guessed, nor foretold from what others were handed.
// That nothing imports a generator that can be foretold, internal/archtest checks.
func TestCVE19_SecretsCannotBeGuessed(t *testing.T) {
	t.Parallel()
	k := open(t)
	const n = 150
	digits, seen := map[rune]int{}, map[string]bool{}
	fresh := func(what, text string, least int) {
		t.Helper()
		raw, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || len(raw) < least {
			t.Fatalf("%s %q is of %d bytes, %v, want %d", what, text, len(raw), err, least)
		}
		for _, part := range []string{string(raw[:8]), string(raw[len(raw)-8:])} {
			if seen[what+part] {
				t.Fatalf("%s shares its begin or its end with another", what)
			}
			seen[what+part] = true
		}
	}
	for i := range n {
		login := fmt.Sprintf("%d@example.com", i)
		up, err := k.SignUp(t.Context(), pool.SignUpInput{Username: login, Password: right, Caller: from(i)})
		if err != nil {
			t.Fatal(err)
		}
		fresh("ticket", up.Ticket, 48) // an id, and 256 bits
		for _, d := range k.code(login, 1) {
			digits[d]++
		}
	}
	for d := '0'; d <= '9'; d++ { // 90 of each on average: so far off is less likely than 10^-9
		if digits[d] < 30 || digits[d] > 150 {
			t.Errorf("%d of %d digits are %c", digits[d], 6*n, d)
		}
	}
	k.confirmed(ada)
	for range 20 {
		browser, d := k.browse(ada), k.done(ada)
		for what, text := range map[string]string{
			"cookie": browser.Cookie.Reveal(), "refresh token": d.Tokens.Refresh.Reveal(), "device token": d.Device,
		} {
			raw, err := base64.RawURLEncoding.DecodeString(text[strings.LastIndex(text, ".")+1:])
			if err != nil || len(raw) < 32 {
				t.Fatalf("%s of %d bytes, %v", what, len(raw), err)
			}
			fresh(what, base64.RawURLEncoding.EncodeToString(raw[len(raw)-32:]), 32) // behind the names
		}
	}
}
