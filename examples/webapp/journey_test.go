package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/pool/pooltest"
	"github.com/userpool-go/userpool/storage/sqlite"
)

const (
	ada      = "ada@example.com"
	secret   = "a long password of mine"
	anew     = "another long password"
	jsonType = "application/json"
)

// open opens the shop on a database of its own, and serves it on loopback.
func open(t *testing.T) (*pooltest.Kit, *visitor) {
	t.Helper()
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "shop.db"), sqlite.Config{Also: account})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	k := pooltest.New(t, pooltest.WithStore(st))
	h, err := newShop(t.Context(), k.Pool, st.DB(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return k, &visitor{t: t, client: srv.Client(), url: srv.URL}
}

// visitor is a program that uses the shop over HTTP.
type visitor struct {
	t      *testing.T
	client *http.Client
	url    string
	bearer string
}

// answer is all that the shop may say.
type answer struct {
	Step, Ticket, To, Device, Error string
	Delivery                        struct{ Destination string }
	Fields                          map[string]string
	Tokens                          struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	ID, Username, Plan string
	Orders             []string
}

// do sends a request and returns the answer, whose status must be as wanted. Header are names and
// values.
func (v *visitor) do(want int, method, path, body string, header ...string) (a answer) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.url+path, strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if v.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+v.bearer)
	}
	res, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if res.StatusCode != want {
		v.t.Fatalf("%s %s = %d %s, want %d", method, path, res.StatusCode, text, want)
	}
	if res.Header.Get("Content-Type") != jsonType {
		return a
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		v.t.Errorf("%s %s has Cache-Control %q, want no-store", method, path, got)
	}
	if err := json.Unmarshal(text, &a); err != nil {
		v.t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
	return a
}

// post posts an object of names and values.
func (v *visitor) post(want int, path string, pairs ...string) answer {
	v.t.Helper()
	f := form{}
	for i := 0; i < len(pairs); i += 2 {
		f[pairs[i]] = pairs[i+1]
	}
	body, err := json.Marshal(f)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(want, "POST", path, string(body), "Content-Type", jsonType)
}

func TestJourney(t *testing.T) {
	t.Parallel()
	k, v := open(t)
	up := v.post(200, "/signup", "email", ada, "password", secret, "name", "Ada")
	if up.Step != "confirm" || up.To != ada {
		t.Fatalf("sign-up says %+v", up)
	}
	old := k.Mail.Code(ada)
	up = v.post(200, "/resend", "ticket", up.Ticket)
	code := k.Mail.Code(ada)
	v.post(410, "/confirm", "ticket", strings.Repeat("A", 64), "code", old)
	v.post(422, "/confirm", "ticket", up.Ticket, "code", other(code))
	ask := v.post(200, "/confirm", "ticket", up.Ticket, "code", code)
	if ask.Step != "password" {
		t.Fatalf("confirm says %+v", ask)
	}
	v.post(409, "/respond", "ticket", ask.Ticket, "code", code)
	in := v.post(200, "/respond", "ticket", ask.Ticket, "password", secret)
	if in.Step != "done" || in.Tokens.Access == "" {
		t.Fatalf("respond says %+v", in)
	}

	v.do(401, "GET", "/me", "")
	v.bearer = in.Tokens.Access
	v.post(201, "/orders", "item", "a teapot")
	me := v.do(200, "GET", "/me", "")
	if me.Username != ada || me.ID == "" || me.Plan != "free" || !slices.Equal(me.Orders, []string{"a teapot"}) {
		t.Errorf("me is %+v", me)
	}

	fresh := v.post(200, "/refresh", "refresh_token", in.Tokens.Refresh)
	if fresh.Step != "done" || fresh.Tokens.Refresh == in.Tokens.Refresh {
		t.Errorf("refresh says %q, and the same token: %t", fresh.Step, fresh.Tokens.Refresh == in.Tokens.Refresh)
	}
	v.bearer = fresh.Tokens.Access
	v.post(204, "/signout", "refresh_token", fresh.Tokens.Refresh)
	v.do(401, "GET", "/me", "")
	v.post(401, "/refresh", "refresh_token", fresh.Tokens.Refresh)

	lost := v.post(200, "/forgot", "email", ada)
	if lost.Step != "reset" || lost.To != ada {
		t.Errorf("forgot says %+v", lost)
	}
	ask = v.post(200, "/reset", "ticket", lost.Ticket, "code", k.Mail.Code(ada), "password", anew)
	if ask.Step != "password" {
		t.Errorf("reset says %+v", ask)
	}
	v.post(401, "/signin", "email", ada, "password", secret)
	back := v.post(200, "/signin", "email", ada, "password", anew, "device", in.Device)
	v.bearer = back.Tokens.Access
	if me := v.do(200, "GET", "/me", ""); len(me.Orders) != 1 {
		t.Errorf("after the reset me is %+v", me)
	}
}

// A right password where the address is not proven yet asks for the code.
func TestSignInBeforeConfirm(t *testing.T) {
	t.Parallel()
	k, v := open(t)
	v.post(200, "/signup", "email", ada, "password", secret)
	ask := v.post(200, "/signin", "email", ada, "password", secret)
	if ask.Step != "confirm" || ask.Delivery.Destination != ada {
		t.Fatalf("sign-in says %+v", ask)
	}
	done := v.post(200, "/respond", "ticket", ask.Ticket, "code", k.Mail.Code(ada))
	v.bearer = done.Tokens.Access
	if me := v.do(200, "GET", "/me", ""); me.Plan != "free" {
		t.Errorf("me is %+v", me)
	}
}

// What is shown does not tell whether there is a user, whose row is in the shop's table or not.
func TestTakenAddressDoesNotTell(t *testing.T) {
	t.Parallel()
	k, v := open(t)
	k.Person(ada)
	for _, login := range []string{ada, "nobody@example.com"} {
		a := v.post(200, "/signup", "email", login, "password", secret)
		if a.Step != "confirm" || a.To != login || len(a.Ticket) != 64 {
			t.Errorf("sign-up of %s says %+v", login, a)
		}
		if a := v.post(200, "/forgot", "email", login); a.Step != "reset" || a.To != login || len(a.Ticket) != 64 {
			t.Errorf("forgot by %s says %+v", login, a)
		}
		if a := v.post(401, "/signin", "email", login, "password", "not the password"); a.Error != "not_authorized" {
			t.Errorf("sign-in as %s says %+v", login, a)
		}
	}
}

// other returns another code.
func other(code string) string {
	if code[0] == '0' {
		return "1" + code[1:]
	}
	return "0" + code[1:]
}
