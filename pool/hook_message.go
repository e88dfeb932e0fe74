package pool

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/pool/hook"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// maxMisses is how often CustomMessage may fail before a message goes out in the pool's own words:
// who waits for a code must get one.
const maxMisses = 2

// asked says what a letter was asked for by, for the CustomMessage hook. Where there is none
// nothing of it is kept.
func (p *Pool) asked(l letter, source hook.Source, client Client, metadata map[string]string) letter {
	if p.config.Hooks.CustomMessage != nil {
		l.Source, l.Client, l.Metadata = source, client.ID, metadata
	}
	return l
}

// words returns the words of a letter: the hook's, where there is one that has any, or the pool's
// own. An error means that the hook is to be asked again later, and is noted in the message.
func (p *Pool) words(ctx context.Context, m *storage.Outgoing, l letter) (message.Settings, error) {
	own := p.state.Load().settings.Messages
	f := p.config.Hooks.CustomMessage
	if f == nil || l.Misses >= maxMisses {
		return own, nil
	}
	e, err := p.occasion(ctx, m, l)
	if err != nil {
		return own, err
	}
	a, err := run(ctx, p, customMessage, f, e)
	if err != nil {
		if d, failed := errors.AsType[denial](err); failed {
			err = d.Err
		}
		l.Misses++
		body, _ := json.Marshal(l) // as in enqueue
		m.Body = p.config.Keys.Seal(p.letterLabel(m.ID), body)
		return own, fmt.Errorf("hook %s: %w", customMessage, err)
	}
	if a.Text == "" && e.Channel == message.Email || a.SMS == "" && e.Channel == message.SMS {
		return own, nil
	}
	words := message.Settings{Templates: []message.Template{
		{Kind: l.Kind, Subject: a.Subject, Text: a.Text, HTML: a.HTML, SMS: a.SMS},
	}}
	if ps := words.Problems(); len(ps) > 0 {
		p.config.Logger.WarnContext(ctx, "words of a hook are malformed, the pool's own are sent",
			"pool", p.config.ID, "hook", customMessage, "message", m.ID, "problems", strings.Join(ps, "; "))
		return own, nil
	}
	return words, nil
}

// occasion returns what the hook is told of a letter.
func (p *Pool) occasion(ctx context.Context, m *storage.Outgoing, l letter) (hook.CustomMessage, error) {
	e := hook.CustomMessage{
		Event: hook.Event{
			ID: m.ID, Pool: m.Pool, Client: l.Client, Source: l.Source,
			Username: cmp.Or(l.Name, l.To), Metadata: maps.Clone(l.Metadata),
		},
		Kind: l.Kind, Channel: message.Email, Locale: l.Locale,
	}
	if l.SMS {
		e.Channel = message.SMS
	}
	switch l.Kind {
	case message.ConfirmSignUp:
		e.Code = "{####}"
		return e, nil
	case message.ConfirmSignUpLink:
		e.Link = "{##Confirm##}"
		return e, nil
	case message.AlreadyRegistered, message.AccountDeleted:
		return e, nil
	case message.ResetPassword, message.Invitation, message.ConfirmAddress, message.SignInCode, message.FactorCode:
		e.Code = "{####}"
	case message.AddressReplaced, message.AddressAdded, message.FactorsLost:
		e.Link = "{##Undo##}"
	case message.PasswordChanged, message.SignInAttempts, message.AddressesChanged, message.AddressRemoved,
		message.Impersonated, message.ForgotUsername, message.NewDevice, message.FactorAdded, message.FactorRemoved,
		message.RecoveryCodesMade, message.RecoveryCodeUsed, message.PasskeyCopied, message.FactorsReplaced: // to a user, too
	}
	got, err := p.store.Read(ctx, m.Pool, storage.Want{Now: p.now(), User: user.ByID(m.Owner)})
	if err != nil {
		return e, err
	}
	if u := got.User; u != nil && u.Somebody() {
		e.User, e.Attributes = u.ID, told(u)
	}
	return e, nil
}
