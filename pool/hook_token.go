package pool

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// shape is an answer to PreTokenGeneration that was checked. The zero shape changes nothing.
type shape struct {
	user          user.ID
	id, access    edits
	add, suppress []string // scopes
	groups        []string // nil leaves them
}

// edits are what a shape changes of one token's claims.
type edits struct {
	texts    map[string]string
	values   map[string]json.RawMessage
	suppress []string
}

// shaped asks PreTokenGeneration about the tokens of u, once for all rounds of a call.
func (p *Pool) shaped(ctx context.Context, r round, h *hooked, u *user.User) (shape, error) {
	f := p.config.Hooks.PreTokenGeneration
	if f == nil {
		return shape{}, nil
	}
	s, err := once(&h.tokens, func() (shape, error) {
		e := hook.PreTokenGeneration{
			Event: h.about(r.client, called(u), u), Scopes: []string{accountScope}, Groups: r.state.groupsOf(u),
		}
		// What is checked may run code of the app's, which marshals its values, and so is checked
		// there.
		checked := func(ctx context.Context, e hook.PreTokenGeneration) (shape, error) {
			a, err := f(ctx, e)
			if err != nil {
				return shape{}, err
			}
			s, err := newShape(a)
			s.user = u.ID
			return s, malformed(err)
		}
		return consult(ctx, p, preTokenGeneration, checked, e, func(shape) error { return nil })
	})
	if err == nil && s.user != u.ID {
		return shape{}, fmt.Errorf("%w: the login has another owner since", ErrUnavailable)
	}
	return s, err
}

// newShape checks an answer.
func newShape(a hook.PreTokenGenerationAnswer) (s shape, err error) {
	s = shape{add: slices.Clone(a.AddScopes), suppress: slices.Clone(a.SuppressScopes), groups: slices.Clone(a.Groups)}
	if a.Groups != nil && s.groups == nil {
		s.groups = []string{}
	}
	for _, scope := range slices.Concat(s.add, s.suppress) {
		if scope == "" || strings.ContainsFunc(scope, noScope) {
			return shape{}, fmt.Errorf("%.40q is not a scope", scope)
		}
	}
	if i := slices.IndexFunc(s.add, own); i >= 0 {
		return shape{}, fmt.Errorf("the scope %.40q is not a hook's to add", s.add[i])
	}
	for _, group := range s.groups {
		if group == "" || !clean([]byte(group)) || strings.ContainsRune(group, 0) {
			return shape{}, fmt.Errorf("%.40q is not a group", group)
		}
	}
	if s.id, err = newEdits(a.ID); err != nil {
		return shape{}, fmt.Errorf("ID token: %w", err)
	}
	if s.access, err = newEdits(a.Access); err != nil {
		return shape{}, fmt.Errorf("access token: %w", err)
	}
	all, err := json.Marshal([]any{s.id.texts, s.id.values, s.access.texts, s.access.values, s.add, s.groups})
	if err != nil || len(all) > hook.MaxClaims {
		return shape{}, fmt.Errorf("it adds %d bytes, more than %d", len(all), hook.MaxClaims)
	}
	return s, nil
}

// noScope reports whether r is in no scope (RFC 6749, 3.3).
func noScope(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }

// own reports whether a scope is the pool's to give (security.md S12): that of the account, by our
// name or by one of Cognito's.
func own(scope string) bool { return scope == accountScope || strings.HasPrefix(scope, "aws.cognito.") }

// claimFields are the claims with a field of their own that may be left out.
var claimFields = []string{"name", "email", "phone_number"}

func newEdits(c hook.Claims) (edits, error) {
	e := edits{texts: map[string]string{}, values: map[string]json.RawMessage{}, suppress: slices.Clone(c.Suppress)}
	for _, name := range e.suppress {
		if token.Reserved(name) && !slices.Contains(claimFields, name) {
			return edits{}, fmt.Errorf("the claim %.40q is not a hook's to suppress", name)
		}
	}
	for name, value := range c.Add {
		if token.Reserved(name) {
			return edits{}, fmt.Errorf("the claim %.40q is not a hook's to set", name)
		}
		if err := e.set(name, value); err != nil {
			return edits{}, err
		}
	}
	return e, nil
}

// set adds one claim.
func (e *edits) set(name string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("the claim %.40q: %w", name, err)
	}
	if !clean(raw) {
		return fmt.Errorf("the claim %.40q is not UTF-8 without NUL", name)
	}
	if raw[0] != '"' {
		e.values[name] = raw
		return nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return fmt.Errorf("the claim %.40q: %w", name, err)
	}
	e.texts[name] = text
	return nil
}

// clean reports whether JSON, or a text, holds neither NUL nor what was no UTF-8, in place of which
// encoding/json writes an escape.
func clean(text []byte) bool {
	return utf8.Valid(text) && !bytes.Contains(text, []byte(`\u0000`)) && !bytes.Contains(text, []byte(`\ufffd`))
}

// apply changes what a token says.
func (s shape) apply(c *token.Claims) {
	e := s.id
	if c.Use == token.Access {
		e = s.access
		suppressed := func(scope string) bool { return slices.Contains(s.suppress, scope) }
		c.Scope = slices.DeleteFunc(slices.Concat(c.Scope, s.add), suppressed)
		slices.Sort(c.Scope)
		c.Scope = slices.Compact(c.Scope)
	}
	if s.groups != nil {
		c.Groups = s.groups
	}
	attributes := map[string]string{}
	maps.Copy(attributes, c.Attributes)
	maps.Copy(attributes, e.texts)
	c.Attributes, c.Values = attributes, maps.Clone(e.values)
	for name := range e.values {
		delete(c.Attributes, name)
	}
	for _, name := range e.suppress {
		delete(c.Attributes, name)
		delete(c.Values, name)
		switch name {
		case "name":
			c.Name = ""
		case "email":
			c.Email, c.EmailVerified = "", nil
		case "phone_number":
			c.PhoneNumber, c.PhoneVerified = "", nil
		}
	}
}

// sign signs a token as a hook wants it. What no verifier would take, such as one that is too long,
// is the hook's fault.
func (p *Pool) sign(ctx context.Context, st *state, c token.Claims, as shape) (string, error) {
	hooked := p.config.Hooks.PreTokenGeneration != nil
	if hooked {
		as.apply(&c)
	}
	text, err := st.signer.Sign(c)
	if errors.Is(err, token.ErrTooLong) && len(c.Groups) > 0 && as.groups == nil {
		// Some of them would be worse: who reads the token would take the user out of the others.
		p.config.Logger.WarnContext(ctx, "groups left out of a token: with them it has more than 8 KiB",
			"pool", p.config.ID, "user", c.Subject, "use", c.Use, "groups", len(c.Groups))
		c.Groups = nil
		text, err = st.signer.Sign(c)
	}
	switch {
	case err != nil && !hooked:
		err = unavailable(err)
	case err != nil:
		err = denial{&HookError{preTokenGeneration, malformed(err)}}
		p.config.Logger.WarnContext(ctx, "hook denied", "pool", p.config.ID, "hook", preTokenGeneration, "error", err)
	}
	return text, err
}
