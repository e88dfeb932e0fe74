package mfa

// Kind is a way of proving who one is, as settings and steps name it.
type Kind string

// The kinds. They are stored, and JSON shows them.
const (
	KindPassword Kind = "password"
	KindTOTP     Kind = "totp"          // an authenticator app
	KindSMS      Kind = "sms"           // a code to a phone number
	KindEmail    Kind = "email"         // a code to an email address
	KindPasskey  Kind = "passkey"       // WebAuthn
	KindRecovery Kind = "recovery_code" // one of ten that were written down
	KindCustom   Kind = "custom"        // what the program itself asks (a custom challenge)
)

// Requirement is whether a second factor is asked for.
type Requirement string

// The requirements, Cognito's OPTIONAL, ON and OFF. The zero value is Optional.
const (
	Optional Requirement = ""         // of those who have set one up
	Required Requirement = "required" // of everybody: who has none sets one up as they sign in
	Off      Requirement = "off"      // of nobody, whatever they have set up
)

// Valid reports whether r is one of the three.
func (r Requirement) Valid() bool { return r == Optional || r == Required || r == Off }
