package pooltest

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"

	"github.com/userpool-go/userpool/internal/cookie"
	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Password is the password of every [Person]. It has letters of both cases, digits, symbols and 39
// characters, which no policy finds too little.
var Password = password.New("Seven quiet gulls, 1 harbour & no rain.")

// Person is somebody with a login in the pool, who calls from a network address of their own, so
// that no two share what is counted by address.
type Person struct {
	Login   string
	Address string // to which the code of the sign-up went: Login, unless that is a user name

	kit    *Kit
	order  order
	client pool.Client // that they sign in to
	id     user.ID
	caller pool.Caller
	tokens token.Set
	cookie string // of a browser session; "" means none
	seed   mfa.Seed
	device *passkeytest.Authenticator
}

// Person makes a person who has signed up with [Password], confirmed the address and signed in;
// options say otherwise. They go through the same doors as visitors; where the settings let nobody
// sign up, or leave it to administrators to confirm, an administrator makes them. In a pool of
// several clients they use the first of the settings, with a secret if it has to have one
// ([Kit.ClientSecret]). The login is of any kind that the settings take; for a user name without an
// address among the [Attribute] options, one is made up. Who must have a second factor has the one
// of [TOTP] or [Passkey], and else codes by email or SMS, where the pool has them.
func (k *Kit) Person(login string, options ...PersonOption) *Person {
	k.t.Helper()
	var o order
	for _, option := range options {
		option(&o)
	}
	if o.unconfirmed && (o.app || o.passkey || o.disabled || o.temporary || o.signedOut || len(o.groups)+len(o.verified) > 0) {
		k.t.Fatalf("pooltest: %s: somebody unconfirmed cannot be disabled, signed out, in a group, "+
			"proven to have an address or have a second factor or a temporary password", login)
	}
	p := &Person{Login: login, Address: login, order: o, kit: k, client: k.client(), caller: pool.Caller{IP: k.address()}}
	p.reachable(&o)
	if s := k.Settings().SignUp; !o.unconfirmed && (s.Closed || s.ByAdmin) {
		p.make(o)
	} else {
		p.signUp(o)
	}
	if !o.unconfirmed {
		p.recognise()
		p.join(o.groups)
		for _, address := range o.verified {
			p.reach(address)
		}
		p.SignIn()
		p.enrol()
	}
	if o.temporary {
		p.expose()
	}
	if o.disabled {
		p.disable()
	}
	if o.signedOut {
		p.SignOut()
	}
	if o.locked {
		p.lock()
	}
	return p
}

// ID returns the person's user id, which is the subject of their tokens. It is "" for somebody who
// is not confirmed, and therefore nobody yet.
func (p *Person) ID() user.ID { return p.id }

// Tokens returns the tokens of the last sign-in, expired and revoked ones too. They are zero for
// somebody who never signed in.
func (p *Person) Tokens() token.Set { return p.tokens }

// Cookie returns the cookie of the last sign-in in a browser, as package web sets it, that of an
// ended session too. It is nil for somebody who never signed in.
func (p *Person) Cookie() *http.Cookie {
	if p.cookie == "" {
		return nil
	}
	return &http.Cookie{Name: p.kit.cookies().Session, Value: p.cookie} //nolint:gosec // as a browser sends it: without attributes
}

// SignIn signs in with [Password], on a device that the pool does not know, twice: as an app, whose
// tokens it takes, and in a browser, whose cookie it takes; with a second factor, where one is asked
// for that they have. Where that is refused the test fails; a refusal that is expected is seen with
// pool.Pool.SignIn.
func (p *Person) SignIn() {
	p.kit.t.Helper()
	in := pool.SignInInput{Username: p.Login, With: pool.Password{Value: Password}}
	p.tokens = p.signInWith(in, false).Tokens
	p.cookie = p.signInWith(in, true).Cookie.Reveal()
}

// SignOut ends both sessions. The person keeps the tokens and the cookie, as a thief or an old tab
// would.
func (p *Person) SignOut() {
	p.kit.t.Helper()
	ctx := p.kit.t.Context()
	in := pool.SignOutInput{
		Client: p.client.ID, ClientSecret: p.kit.secret(p.client), Token: p.tokens.Refresh, Caller: p.caller,
	}
	if err := p.kit.SignOut(ctx, in); err != nil {
		p.fatal("sign out", err)
	}
	account, _, err := p.kit.Session(ctx, token.NewSecret(p.cookie))
	if err == nil {
		err = account.SignOut(ctx, p.caller)
	}
	if err != nil && !errors.Is(err, pool.ErrNotAuthorized) { // it is over already
		p.fatal("sign out in the browser", err)
	}
}

// Request returns a request for a handler, as httptest.NewRequest makes it and with its panics:
// from the person's address, with the access token in its Authorization header and the cookie, if
// there are any, and, as a browser's, from a page of the same origin. In production it came over
// TLS.
func (p *Person) Request(method, path string) *http.Request {
	r := httptest.NewRequestWithContext(p.kit.t.Context(), method, path, nil)
	r.RemoteAddr = netip.AddrPortFrom(p.caller.IP, 40000).String()
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if p.kit.cookies().Secure && r.TLS == nil {
		r.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: r.Host}
	}
	if !p.tokens.Access.IsZero() {
		r.Header.Set("Authorization", "Bearer "+p.tokens.Access.Reveal())
	}
	if c := p.Cookie(); c != nil {
		r.AddCookie(c)
	}
	return r
}

// reachable gives somebody with a user name an address, where the options give none.
func (p *Person) reachable(o *order) {
	l, err := user.Identify(p.Login, user.CaseSensitive)
	if err != nil || l.Kind() != user.KindUsername || o.attributes["email"]+o.attributes["phone_number"] != "" {
		return
	}
	Attribute("email", fmt.Sprintf("person%d@example.com", p.kit.sources.Load()))(o)
}

// signUp signs up and, unless ordered otherwise, proves the address.
func (p *Person) signUp(o order) {
	p.kit.t.Helper()
	ctx := p.kit.t.Context()
	up, err := p.kit.SignUp(ctx, pool.SignUpInput{
		Client: p.client.ID, ClientSecret: p.kit.secret(p.client), Username: p.Login,
		Password: Password, Attributes: o.attributes, Caller: p.caller,
	})
	if err != nil {
		p.fatal("sign up", err)
	}
	if to := up.Delivery.Destination; to != "" {
		p.Address = to
	}
	if o.unconfirmed || up.Confirmed { // by the PreSignUp hook
		return
	}
	if err := p.confirm(up.Ticket); err != nil {
		p.fatal("confirm (is the login new?)", err)
	}
}

// make has an administrator make the person, who vouches for the addresses.
func (p *Person) make(o order) {
	p.kit.t.Helper()
	in := pool.CreateUserInput{Username: p.Login, Attributes: o.attributes, Password: Password, Permanent: true}
	for _, address := range []string{p.Login, o.attributes["email"], o.attributes["phone_number"]} {
		switch l, _ := user.Identify(address, user.CaseSensitive); l.Kind() {
		case user.KindEmail:
			in.EmailVerified, p.Address = true, address
		case user.KindPhone:
			in.PhoneVerified, p.Address = true, address
		case user.KindUsername: // is no address
		}
	}
	if _, err := p.kit.admin().CreateUser(p.kit.t.Context(), in); err != nil {
		p.fatal("make the user (is the login new?)", err)
	}
}

// confirm proves the address as the newest message asks.
func (p *Person) confirm(ticket string) error {
	p.kit.t.Helper()
	ctx, sent, secret := p.kit.t.Context(), p.kit.Mail.To(p.Address), p.kit.secret(p.client)
	if len(sent) > 0 && sent[len(sent)-1].Kind == message.ConfirmSignUpLink {
		u, err := url.Parse(p.kit.Mail.Link(p.Address))
		if err != nil {
			return err
		}
		in := pool.LinkInput{Link: u.Query().Get("link"), Ticket: ticket, ClientSecret: secret, Caller: p.caller}
		_, err = p.kit.ConfirmLink(ctx, in)
		return err
	}
	in := pool.CodeInput{Ticket: ticket, Code: p.kit.Mail.Code(p.Address), ClientSecret: secret, Caller: p.caller}
	_, err := p.kit.ConfirmSignUp(ctx, in)
	return err
}

// recognise learns the user id.
func (p *Person) recognise() {
	p.kit.t.Helper()
	u, err := p.kit.admin().FindUser(p.kit.t.Context(), p.Login)
	if err != nil {
		p.fatal("find the user", err)
	}
	p.id = u.ID
}

// cookies returns what package web calls the cookies of the pool.
func (k *Kit) cookies() cookie.Names { return cookie.Of(string(k.ID()), k.Issuer()) }

func (p *Person) fatal(what string, err error) {
	p.kit.t.Helper()
	p.kit.t.Fatalf("pooltest: %s: %s: %v", p.Login, what, err)
}

// address returns a network address that nobody else in the kit has, of 2001:db8::/32, which is
// there for examples (RFC 3849). A source is the first 64 bits of an address, so each is another
// source.
func (k *Kit) address() netip.Addr {
	a := [16]byte{0x20, 0x01, 0x0d, 0xb8, 15: 1}
	binary.BigEndian.PutUint32(a[4:], k.sources.Add(1))
	return netip.AddrFrom16(a)
}
