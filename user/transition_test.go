package user_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/user"
)

// The whole table, written out: every event in every status. A row is an event, a column a status,
// an entry what it becomes; "-" is refused.
const table = `
                 nobody  unconfirmed  confirmed  force   reset   external
sign_up          unconf  -            -          -       -       -
welcome          conf    -            -          -       -       -
invite           force   -            -          -       -       -
import           reset   -            -          -       -       -
federate         extern  -            -          -       -       -
confirm          -       conf         -          -       -       -
new_password     -       -            -          conf    -       -
reinvite         -       -            -          force   -       -
forgot_password  -       -            conf       force   reset   -
reset_password   -       -            conf       conf    conf    -
change_password  -       -            conf       -       -       -
require_reset    -       -            reset      -       reset   -
set_password     -       conf         conf       conf    conf    conf
set_temporary    -       force        force      force   force   force
`

func TestNext(t *testing.T) {
	t.Parallel()
	columns := []user.Status{"", user.Unconfirmed, user.Confirmed, user.ForceChangePassword, user.ResetRequired, user.External}
	short := map[string]user.Status{
		"unconf": user.Unconfirmed, "conf": user.Confirmed, "force": user.ForceChangePassword, "reset": user.ResetRequired, "extern": user.External,
	}
	events := []user.Event{
		user.SignUp, user.Welcome, user.Invite, user.Import, user.Federate,
		user.Confirm, user.AnswerNewPassword, user.Reinvite, user.Forget, user.Reset, user.ChangePassword,
		user.RequireReset, user.SetPassword, user.SetTemporary,
	}
	rows := strings.Split(strings.TrimSpace(table), "\n")[1:]
	if len(rows) != len(events) {
		t.Fatalf("%d rows for %d events", len(rows), len(events))
	}
	for i, row := range rows {
		fields := strings.Fields(row)
		if fields[0] != string(events[i]) || len(fields) != 1+len(columns) {
			t.Fatalf("row %q, want one of %s", row, events[i])
		}
		for j, from := range columns {
			got, err := user.Next(from, events[i])
			want, possible := short[fields[j+1]]
			if got != want || possible != (err == nil) || !possible && !errors.Is(err, user.ErrTransition) {
				t.Errorf("Next(%q, %s) = %q, %v, want %q", from, events[i], got, err, want)
			}
			if possible && !got.Valid() {
				t.Errorf("Next(%q, %s) = %q, which is no status", from, events[i], got)
			}
		}
		for _, odd := range []user.Status{"CONFIRMED", "archived", "-"} {
			if got, err := user.Next(odd, events[i]); got != "" || !errors.Is(err, user.ErrTransition) {
				t.Errorf("Next(%q, %s) = %q, %v, want ErrTransition", odd, events[i], got, err)
			}
		}
	}
	for _, from := range columns {
		for _, odd := range []user.Event{"", "-", "CONFIRM", "delete", "disable"} {
			if got, err := user.Next(from, odd); got != "" || !errors.Is(err, user.ErrTransition) {
				t.Errorf("Next(%q, %q) = %q, %v, want ErrTransition", from, odd, got, err)
			}
		}
	}
}
