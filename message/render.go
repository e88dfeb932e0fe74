package message

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Data is what the words of a message speak of.
type Data struct {
	// Code is the one-time code, ASCII letters and digits. Kinds that carry none ignore it.
	Code string
	// Username is the name by which the reader signs in, for the templates of one's own that ask for
	// it. It is shown on one line, cut after 254 characters, without control characters.
	Username string
	// Pool is the name by which people know the pool, such as "Example Shop", for the built-in words.
	// It is shown like Username, but cut after 64 characters; "" leaves the name out.
	Pool string
	// Expires is for how long the code is valid, for the built-in words: rounded down to whole minutes
	// or hours; under a minute the sentence about it is left out.
	Expires time.Duration
}

// ErrKind means that there are no words for a kind of message.
var ErrKind = errors.New("message: no such kind")

// ErrCode means that a kind which carries a code was given none, or one that is not ASCII letters
// and digits only.
var ErrCode = errors.New("message: code must be ASCII letters and digits")

// may is what the words of a kind may say.
type may struct {
	code     bool // and must
	username bool
}

// kinds lists every kind. What a sign-up causes shows no user name: whoever signs up chooses it and
// the address alike, and the pool would carry their words to strangers.
var kinds = map[Kind]may{
	ConfirmSignUp:     {code: true},
	AlreadyRegistered: {},
	ResetPassword:     {code: true, username: true},
	PasswordChanged:   {username: true},
}

// Render returns the built-in English words of a message, as [Settings.Render] does of no settings
// and no locale.
func Render(kind Kind, d Data) (subject, text, html string, err error) {
	m, err := Settings{}.Render(kind, "", d)
	return m.Subject, m.Text, m.HTML, err
}

// Render returns the words of a message in the language of s that suits a reader best: a [Message]
// with its Kind, Locale, Subject, Text and HTML, without what it takes to send it. The built-in words
// load nothing and link nowhere.
//
// The locale is a language tag of BCP 47 or an Accept-Language of several (RFC 9110, 12.5.4). One that
// is empty, over 256 bytes, malformed, or asks for languages that there are no words in, gets the
// template without a locale or else English. The error is an [ErrKind] or [ErrCode].
//
// No subject carries a code, because a locked phone shows subjects to whoever holds it. Names may be
// chosen by strangers: they can open neither a header line nor an HTML element, and a placeholder in
// one stays as it is.
func (s Settings) Render(kind Kind, locale string, d Data) (Message, error) {
	may, ok := kinds[kind]
	if !ok {
		return Message{}, fmt.Errorf("%w: %.80q", ErrKind, kind)
	}
	if may.code && !validCode(d.Code) {
		return Message{}, ErrCode
	}
	if !may.code {
		d.Code, d.Expires = "", 0
	}
	c := s.choose(kind, locale)
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
