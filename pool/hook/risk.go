package hook

// Risk is how far the circumstances of a sign-in are out of the ordinary. What a pool does about
// each is in its settings.
type Risk int

// The risks, from none.
const (
	NoRisk Risk = iota
	LowRisk
	MediumRisk
	HighRisk
)

// AssessRisk is somebody who tries to sign in, and what the pool makes of the circumstances, before
// anything is proven. Its user is the owner of the login, or the newest open sign-up there.
type AssessRisk struct {
	Event
	UserNotFound bool // nobody has the login
	// Risk is one step for each of the following that holds, up to HighRisk.
	Risk Risk

	NewDevice  bool // the user has not signed in with it before, or it did not say so
	NewNetwork bool // nor with this device from this network: of the last eight, a /24 or for IPv6 a /48
	// Failures says that at least three guesses in a row came to nothing, at the account or, from a known
	// device, with that device: they were wrong, or a sign-in that was begun rightly went no further.
	Failures bool
	// CommonPassword says that the password that was typed, right or wrong, is one of those that
	// everybody uses.
	CommonPassword bool
}
