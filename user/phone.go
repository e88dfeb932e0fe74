package user

import "errors"

// ErrPhone means that a text is no phone number that this package takes.
var ErrPhone = errors.New("user: not a phone number")

// PhoneRule is the version of the rule by which [Phone] makes canonical forms (security.md S20).
const PhoneRule = 1

// Phone returns the login of a phone number in the form of E.164: "+", the country code, and 7 to 15
// digits in all. Blanks, dashes and national forms are refused rather than guessed at: a number that
// two readers complete differently is two people's. What it is shown as is what it is compared as.
func Phone(typed string) (Login, error) {
	if len(typed) < 8 || len(typed) > 16 || typed[0] != '+' || typed[1] == '0' {
		return Login{}, ErrPhone
	}
	for _, c := range []byte(typed[1:]) {
		if c < '0' || c > '9' {
			return Login{}, ErrPhone
		}
	}
	return Login{Namespace: Name, Value: typed, Display: typed, Rule: PhoneRule}, nil
}
