package pool

import (
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/userpool-go/userpool/mfa"
)

// KindCustom is the kind of step that a challenge of the program's own is.
const KindCustom StepKind = "custom"

// NeedCustom asks for the answer to a challenge of the program's own ([hook.Set].CreateChallenge), as
// Cognito's CUSTOM_CHALLENGE does: answer with [CustomAnswer], or with a [Choice] of the other kinds.
// Another NeedCustom may follow, of the same ticket, also after a wrong answer. Where a sign-in begins
// by it, it comes to whoever asks, also to nobody.
type NeedCustom struct {
	Ticket  string // for [RespondInput]
	Expires time.Time
	Name    string            // as DefineChallenge has said; "" without one
	Params  map[string]string // what the hook shows
	Others  []mfa.Kind        // that it can be answered with instead
}

// Kind returns [KindCustom].
func (*NeedCustom) Kind() StepKind { return KindCustom }

// LogValue leaves the ticket out, and what is shown to the visitor alone.
func (*NeedCustom) LogValue() slog.Value { return slog.StringValue(string(KindCustom)) }

func (*NeedCustom) step() {}

// CustomAnswer answers a challenge of the program's own: at most 4 KiB of UTF-8 without NUL.
type CustomAnswer struct{ Value string }

func (CustomAnswer) response() {}

// LogValue leaves the answer out.
func (CustomAnswer) LogValue() slog.Value { return redacted }

const maxCustomAnswer = 4 << 10

// customAnswer checks the form of an answer to a challenge of the program's own.
func (v *validation) customAnswer(s string) {
	if s == "" || len(s) > maxCustomAnswer || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		v.add("With", "must be an answer of at most 4096 bytes of UTF-8 without NUL")
	}
}
