package pool

import (
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// occurrence is the header of an event: what an operator sees, and nothing personal.
type occurrence struct {
	Pool    user.PoolID `json:"pool"`
	ID      string      `json:"id"`
	Time    int64       `json:"time"` // microseconds since 1970
	User    user.ID     `json:"user,omitempty"`
	Kind    string      `json:"kind"`
	Outcome string      `json:"outcome"`
	Reason  string      `json:"reason,omitempty"`
	Client  string      `json:"client,omitempty"`
	Count   int         `json:"count,omitempty"` // of calls that were gathered; 0 means an event of one
	Until   int64       `json:"until,omitempty"` // microseconds since 1970: so long guessing is locked by it
	Actor   string      `json:"actor,omitempty"` // who did it to the user; "" means the user, or a visitor

	who  *user.User // whom User names; nil means nobody
	from Caller
}

// The kinds of event, and how they end.
const (
	signUpEvent       = "sign_up"
	confirmEvent      = "confirm_sign_up"
	resendEvent       = "resend_code"
	signInEvent       = "sign_in"
	beginEvent        = "begin_sign_in" // by choice, without a proof
	refreshEvent      = "refresh"
	stepUpEvent       = "step_up"
	signOutEvent      = "sign_out"
	forgotEvent       = "forgot_password"
	forgotNameEvent   = "forgot_username"
	resetEvent        = "reset_password"
	changeEvent       = "change_password"
	newPasswordEvent  = "new_password"
	eraseEvent        = "erase_events"
	addressEvent      = "change_address"
	askEvent          = "ask_address_code"
	cancelEvent       = "cancel_address_change"
	exportEvent       = "export"
	migrateEvent      = "migrate_user" // from an old system
	answerEvent       = "respond"      // to a ticket that was not looked at
	clientEvent       = "client"       // shows a secret of its own
	revokeEvent       = "revoke_token"
	setUpEvent        = "set_up_factor"
	addFactorEvent    = "add_factor"
	renameFactorEvent = "rename_factor"
	dropFactorEvent   = "remove_factor"
	preferEvent       = "prefer_factor"
	renameDeviceEvent = "rename_device"
	forgetDeviceEvent = "forget_device"
	codesEvent        = "make_recovery_codes"
	lostEvent         = "lose_factors"
	cancelLostEvent   = "cancel_lost_factors"
	textEvent         = "send_sms" // that was dropped: others are not told
	visitEvent        = "visit"    // by somebody who is refused whatever they want

	createPoolEvent = "create_pool"

	// Of administrators, who also confirm sign-ups and sign users out.
	readEvent         = "read" // that was forbidden: others are not told
	createEvent       = "create_user"
	inviteEvent       = "resend_invitation"
	updateEvent       = "update_attributes"
	resetFactorsEvent = "reset_factors"
	setPasswordEvent  = "set_password"
	requireResetEvent = "require_reset"
	disableEvent      = "disable_user"
	enableEvent       = "enable_user"
	deleteEvent       = "delete_user"
	joinEvent         = "add_to_group"
	leaveEvent        = "remove_from_group"
	createGroupEvent  = "create_group"
	updateGroupEvent  = "update_group"
	deleteGroupEvent  = "delete_group"
	impersonateEvent  = "impersonate"
	settingsEvent     = "put_settings"
	createClientEvent = "create_client"
	updateClientEvent = "update_client"
	deleteClientEvent = "delete_client"
	clientAddEvent    = "add_client_secret"
	clientDropEvent   = "delete_client_secret"

	succeeded = "success"
	stepped   = "step"
	refused   = "refused"
)

// event returns the change that records what happened, and to whom (security.md T10).
func (p *Pool) event(now time.Time, o occurrence) storage.Change {
	o.Pool, o.ID, o.Time = p.config.ID, rand.Text(), now.UnixMicro()
	o.User = idOf(o.who)
	header, _ := json.Marshal(o) // a struct of strings and a number cannot fail
	e := &storage.Event{
		Pool: o.Pool, ID: o.ID, Time: now, User: o.User, Kind: o.Kind,
		Header: header, Personal: p.personal(o.ID, o.who, o.from),
	}
	e.Leaf = p.state.Load().leaf(e)
	return storage.Put(e)
}

// leaf is what a seal holds of an event: a digest, under the pool's key, of its header, which is
// one JSON object and so says where it ends, and of its personal fields as they are sealed. Who
// writes the database alone makes none, not even before the event is sealed; erasing the person's
// key breaks nothing.
func (s *state) leaf(e *storage.Event) []byte {
	return s.hmac("event leaf", string(e.Header)+string(e.Personal))
}
