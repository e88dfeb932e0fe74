package pool

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool/internal/gate"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// ConfirmLink proves the address of a sign-up with the link that was sent there (security.md T7).
// In the browser that signed up, whose ticket is in.Ticket, it does what [Pool.ConfirmSignUp] does
// with a code: the step that comes back is [*NeedPassword] or, with the ticket of a [*NeedConfirm],
// [*Done].
//
// Without that ticket nothing is confirmed yet: whoever signed up may be a stranger, and the one
// who opens the link their victim. The step is [*NeedPassword], and only the password of the
// sign-up, given to [Pool.Respond], confirms and is [*Done]. A wrong one is counted and leaves the
// link good. Such a call writes nothing and may be repeated; mail scanners open links before people
// do. A ticket of another sign-up counts as none.
//
// So a page answers the GET of a link with a form that names no one, and calls ConfirmLink at its
// POST only. It keeps the link from other sites with "Referrer-Policy: same-origin" and the ticket
// in a cookie, and takes sign-ups from its own pages only, as net/http.CrossOriginProtection does:
// else another site could sign its visitor up, cookie and all, with a password of its own.
//
// A link that was never sent, has expired, was used, or was replaced by [Pool.ResendCode] is
// [ErrTicketGone], like a ticket whose five tries are used up; [ErrLoginTaken] means that another
// sign-up proved the address first. It costs one read and, with the ticket, one commit.
func (p *Pool) ConfirmLink(ctx context.Context, in LinkInput) (Step, error) {
	link, ok := parseBearer(in.Link)
	if !ok {
		return nil, ErrTicketGone
	}
	own, ok := parseTicket(in.Ticket)
	if !ok && in.Ticket != "" {
		return nil, ErrTicketGone
	}
	if ok && own.id == link.id && !own.mailed {
		code := CodeInput{
			ClientSecret: in.ClientSecret, Ticket: in.Ticket, Code: in.Link, Metadata: in.Metadata, Caller: in.Caller,
		}
		step, err := p.ConfirmSignUp(ctx, code)
		if errors.Is(err, errOtherSurface) { // a mistake of the program, not of the link
			return nil, err
		} else if errors.Is(err, ErrBadCode) || errors.Is(err, ErrWrongStep) {
			return nil, ErrTicketGone
		}
		return step, err
	}
	var v validation
	if v.metadata(in.Metadata); v.err() != nil {
		return nil, v.err()
	}
	link.mailed = true
	a, err := p.readTicket(ctx, link, &asking{secret: in.ClientSecret, from: in.Caller})
	if err != nil {
		return nil, err
	}
	if err := a.state.settings.SignUp.open(); err != nil {
		return nil, err
	}
	return &NeedPassword{Ticket: linkPrefix + in.Link, Expires: a.ticket.Expires}, nil
}

// linkPrefix marks a link that is used as a ticket, so that it is taken for one nowhere but where a
// password is asked beside it: else whoever opens a link could ask for a code and a true ticket.
const linkPrefix = "link."

// parseTicket reads what a step was answered with: a ticket or a link.
func parseTicket(s string) (bearer, bool) {
	text, mailed := strings.CutPrefix(s, linkPrefix)
	b, ok := parseBearer(text)
	b.mailed = mailed
	return b, ok
}

// newLink returns what a link carries: the id of its ticket, and a secret in place of a code.
func newLink(t *storage.Ticket) string {
	b := newBearer()
	id, _ := base64.RawURLEncoding.DecodeString(t.ID) // as bearer.ID wrote it
	copy(b.id[:], id)
	return b.String()
}

// link returns the address of the page that a kind of message leads to, with what a link carries.
func (c Config) link(kind message.Kind, carried string) string {
	page := c.ConfirmURL
	if kind == message.AddressReplaced || kind == message.AddressAdded || kind == message.FactorsLost {
		page = c.CancelURL
	}
	if strings.Contains(page, "?") {
		return page + "&link=" + carried
	}
	return page + "?link=" + carried
}

// linkProblems returns what is wrong with where links lead. What a message may carry is message's
// to say.
func (c Config) linkProblems(production bool) (ps []string) {
	for _, page := range []struct {
		name, url string
		kind      message.Kind
	}{{"ConfirmURL", c.ConfirmURL, message.ConfirmSignUpLink}, {"CancelURL", c.CancelURL, message.AddressReplaced}} {
		_, _, _, err := message.Render(page.kind, message.Data{Link: c.link(page.kind, bearer{}.String())})
		secure := strings.HasPrefix(page.url, "https://") || !production
		if page.url != "" && (err != nil || !secure || strings.Contains(page.url, "#")) {
			ps = append(ps, page.name+" is an https URL without fragment or, in development, http on a loopback host")
		}
	}
	return ps
}

// lacks returns what the settings need of this process and it does not bring.
func (c Config) lacks(s Settings) (ps []string) {
	if s.SignUp.ByLink && c.ConfirmURL == "" {
		ps = append(ps, "sign-up by link needs a ConfirmURL: the page that links lead to")
	}
	if (slices.Contains(s.MFA.seconds(), mfa.KindCustom) || slices.Contains(s.SignIn.firsts(), mfa.KindCustom)) && c.Hooks.CreateChallenge == nil {
		ps = append(ps, "challenges of the program's own need its hooks CreateChallenge and VerifyChallenge")
	}
	if s.MFA.RecoveryHold > 0 && c.CancelURL == "" {
		ps = append(ps, "mfa: a recovery hold needs a CancelURL: the page by which owners end it")
	}
	return append(ps, c.passkeyProblems(s)...)
}

// invitation is l with a link for t in place of its code, where it proves an email address and the
// settings say so. An SMS has no room for one.
func (s Settings) invitation(l letter, t *storage.Ticket) letter {
	if s.SignUp.ByLink && l.Kind == message.ConfirmSignUp && !l.SMS {
		l.Kind, l.Code = message.ConfirmSignUpLink, newLink(t)
	}
	return l
}

// opened checks that b is the link that was sent for t. What t carries besides, such as a password
// that was shown for its true bearer, speaks for that one only.
func (p *Pool) opened(t *storage.Ticket, b bearer, u *user.User) (c carried, err error) {
	if t == nil || t.Purpose != purposeConfirm || !owns(u, t) || u.Status != user.Unconfirmed {
		return c, ErrTicketGone
	}
	if err := json.Unmarshal(t.State, &c); err != nil {
		return c, fmt.Errorf("read ticket: %w", err)
	}
	if _, right := p.gate.EmailCode(t, c.Channel, b.String(), time.Time{}); !right {
		return c, ErrTicketGone
	}
	return carried{Channel: c.Channel}, nil
}

// answerLink judges the password of a sign-up whose link was opened without its ticket: the one
// answer that such a link takes.
func (p *Pool) answerLink(ctx context.Context, a answered, b bearer, with Response, j *judgement) (Step, error) {
	if _, ok := with.(Password); !ok {
		return nil, ErrWrongStep
	}
	if err := a.state.settings.SignUp.open(); err != nil {
		return nil, err
	}
	o := occurrence{who: a.user, from: a.from, Kind: confirmEvent, Outcome: refused, Client: a.client.ID}
	if err := p.judgeAnswer(ctx, &a, j, o); err != nil {
		return nil, err
	}
	d := gate.Decide(p.request(a.round, a.user), []gate.Proof{j.owner}, a.now)
	if d.Outcome() != gate.Step || d.Next() != gate.Confirm {
		o.Reason = string(d.Reason())
		return nil, p.wrong(ctx, a.guess(a.guesses), ErrNotAuthorized, o, a.tried())
	}
	proof, _ := p.gate.EmailCode(a.ticket, a.Channel, b.String(), a.now)
	return p.confirmed(ctx, a, []gate.Proof{j.owner, proof}, &j.hooked)
}
