package message

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Data is what the words of a message speak of.
type Data struct {
	// Channel is the way that the message will go. "" means [Email].
	Channel Channel
	// Code is the one-time code, ASCII letters and digits, or the temporary password of an
	// [Invitation], which is any printable text of at most 256 characters. Kinds that carry none
	// ignore it.
	Code string
	// Link is where the reader is to go: an absolute https URL of at most 2,048 bytes, or an http
	// one of a loopback host, in the characters of RFC 3986 and without a user. Kinds that carry
	// none ignore it.
	Link string
	// Username is the name by which the reader signs in, for the templates of one's own that ask
	// for it and the built-in words of an [Invitation]. It is shown on one line, cut after 254
	// characters, without control characters; the built-in words of an SMS leave one out that has
	// over 24, or over 64 where it is what the message is about.
	Username string
	// Pool is the name by which people know the pool, such as "Example Shop", for the built-in
	// words. It is shown like Username, but cut after 64 characters, and after 32 by SMS; "" leaves
	// the name out.
	Pool string
	// Expires is for how long the code or link is valid, for the built-in words: rounded down to
	// whole minutes or hours; under a minute the sentence about it is left out.
	Expires time.Duration
	// Occasion is what a notice is about, for [NewDevice], [FactorAdded], [FactorRemoved],
	// [RecoveryCodesMade], [RecoveryCodeUsed], [PasskeyCopied], [FactorsLost] and [FactorsReplaced]. Others ignore it.
	Occasion Occasion
}

// ErrKind means that there are no words for a kind of message.
var ErrKind = errors.New("message: no such kind")

// ErrCode means that a kind which carries a code was given none, or one that [Data] does not allow.
var ErrCode = errors.New("message: code must be ASCII letters and digits, or a password printable text")

// ErrLink means that a kind which carries a link was given none, or one that [Data] does not allow.
var ErrLink = errors.New("message: link must be an absolute https URL, or http on a loopback host")

// ErrChannel means that a message of its kind does not go by the channel: one with a link goes by
// email, but for that of [AddressReplaced], [AddressAdded] and [FactorsLost].
var ErrChannel = errors.New("message: this kind has no words for this channel")

// may is what the words of a kind may say.
type may struct {
	code     bool // and must
	password bool // its code is one
	link     bool // and must, and then goes by email only
	texted   bool // its link goes by SMS, too
	username bool
	occasion bool
}

// kinds lists every kind. What a sign-up causes shows no user name: whoever signs up chooses it and
// the address alike, and the pool would carry their words to strangers.
var kinds = map[Kind]may{
	ConfirmSignUp:     {code: true},
	ConfirmSignUpLink: {link: true},
	AlreadyRegistered: {},
	ResetPassword:     {code: true, username: true},
	PasswordChanged:   {username: true},
	SignInAttempts:    {username: true},
	Invitation:        {code: true, password: true, username: true},
	ConfirmAddress:    {code: true},
	AddressReplaced:   {link: true, texted: true, username: true},
	AddressAdded:      {link: true, texted: true, username: true},
	AddressesChanged:  {username: true},
	AccountDeleted:    {username: true},
	AddressRemoved:    {username: true},
	Impersonated:      {username: true},
	ForgotUsername:    {username: true},
	NewDevice:         {username: true, occasion: true},
	FactorAdded:       {username: true, occasion: true},
	FactorRemoved:     {username: true, occasion: true},
	RecoveryCodesMade: {username: true, occasion: true},
	RecoveryCodeUsed:  {username: true, occasion: true},
	PasskeyCopied:     {username: true, occasion: true},
	FactorsLost:       {link: true, texted: true, username: true, occasion: true},
	FactorsReplaced:   {username: true, occasion: true},
	SignInCode:        {code: true, username: true},
	FactorCode:        {code: true, username: true},
}

// Render returns the built-in English words of a message, as [Settings.Render] does of no settings
// and no locale. The words of an SMS are its text.
func Render(kind Kind, d Data) (subject, text, html string, err error) {
	m, err := Settings{}.Render(kind, "", d)
	return m.Subject, m.Text, m.HTML, err
}

// Render returns the words of a message in the language of s that suits a reader best: a [Message]
// with its Channel, Kind, Locale, Subject, Text and HTML, without what else it takes to send it. An
// SMS has a Text only. The built-in words load nothing and link nowhere but to d.Link; those of an
// SMS have at most 140 characters, unless they carry a longer password than 16 or a link.
//
// The locale is a language tag of BCP 47 or an Accept-Language of several (RFC 9110, 12.5.4). One
// that is empty, over 256 bytes, malformed, or asks for languages that there are no words in, gets
// the template without a locale or else English. The error is an [ErrKind], [ErrChannel], [ErrCode]
// or [ErrLink].
//
// No subject carries a code, because a locked phone shows subjects to whoever holds it. Names may
// be chosen by strangers: they can open neither a header line nor an HTML element, and a
// placeholder in one stays as it is.
func (s Settings) Render(kind Kind, locale string, d Data) (Message, error) {
	may, ok := kinds[kind]
	if !ok {
		return Message{}, fmt.Errorf("%w: %.80q", ErrKind, kind)
	}
	d.Channel = cmp.Or(d.Channel, Email)
	switch {
	case d.Channel != Email && (d.Channel != SMS || may.link && !may.texted):
		return Message{}, fmt.Errorf("%w: %s by %.80q", ErrChannel, kind, d.Channel)
	case may.code && !may.password && !validCode(d.Code), may.password && !validPassword(d.Code):
		return Message{}, ErrCode
	case may.link && !validLink(d.Link):
		return Message{}, ErrLink
	}
	if !may.code {
		d.Code = ""
	}
	if !may.link {
		d.Link = ""
	}
	if !may.occasion {
		d.Occasion = Occasion{}
	}
	if kind != FactorAdded && kind != FactorRemoved {
		d.Occasion.Factor = ""
	}
	if d.Code+d.Link == "" {
		d.Expires = 0
	}
	c := s.choose(kind, d.Channel, locale)
	if c.own != nil {
		return c.own.render(c.locale(), d), nil
	}
	return builtin[c.locale()][kind].render(kind, c.locale(), d)
}

func validCode(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// maxPassword is the longest temporary password that an invitation carries, in code points.
const maxPassword = 256

func validPassword(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxPassword &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// oneLine makes a text fit for a header and a sentence: white space becomes single spaces, and what
// does not print is dropped, among it the marks that reverse the direction of what follows.
func oneLine(s string, longest int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > longest {
		s = strings.TrimSpace(string(r[:longest]))
	}
	return s
}
