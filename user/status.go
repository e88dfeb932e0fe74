package user

// Status is where a user stands. Whether a user may sign in also depends on Disabled.
type Status string

// The statuses, as Cognito has them. Only Unconfirmed is nobody yet: it owns no login.
const (
	Unconfirmed         Status = "unconfirmed"
	Confirmed           Status = "confirmed"
	ForceChangePassword Status = "force_change_password"
	ResetRequired       Status = "reset_required"
	External            Status = "external"
)

// Valid reports whether s is one of the five statuses.
func (s Status) Valid() bool {
	switch s {
	case Unconfirmed, Confirmed, ForceChangePassword, ResetRequired, External:
		return true
	}
	return false
}
