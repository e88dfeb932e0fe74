package hook

import (
	"context"
	"errors"
)

// Set are the hooks of a pool, each nil where there is none. All processes on one store should have
// the same: a Post hook that one process does not have waits for one that does, until it is given
// up. They are called by several goroutines at once. More will come.
type Set struct {
	// PreSignUp may refuse a sign-up, or vouch for it. It runs for free and for taken addresses
	// alike, and must not treat them differently. Of a user whom an administrator makes (Source
	// [AdminCreateUser]) it can only refuse, as in Cognito: what it vouches for is ignored.
	PreSignUp func(context.Context, PreSignUp) (PreSignUpAnswer, error)
	// PostConfirmation runs after somebody became a user of the pool, or reset their password.
	PostConfirmation func(context.Context, PostConfirmation) error
	// PreAuthentication may refuse an attempt to sign in by a password. It runs before the password
	// is judged, and before a code is that continues such an attempt, for unknown users too, but
	// not where guessing is locked. A refusal is not counted against the account, as nothing of it
	// was tried; it is counted against the caller's network.
	PreAuthentication func(context.Context, PreAuthentication) error
	// AssessRisk judges the circumstances of an attempt to sign in, given what the pool makes of them,
	// and has the last word: what is done at the risk that it names is in the pool's settings. It runs
	// where and when PreAuthentication does, after it, but not for callers in networks that the
	// settings allow. Where it fails the attempt is refused, and counted, as by PreAuthentication.
	AssessRisk func(context.Context, AssessRisk) (Risk, error)
	// DefineChallenge, CreateChallenge and VerifyChallenge are a factor of the program's own, the second
	// one or the first ([mfa.KindCustom] in the settings): a hardware token, a question, whatever it
	// can judge (Cognito's custom authentication). CreateChallenge makes a challenge and VerifyChallenge
	// says whether an answer is right; neither is there without the other. DefineChallenge says before
	// the first and after each answer what comes next. Without it there is one challenge, which can be answered until
	// it is right or the step has no tries left.
	//
	// They run within the call of the visitor, as PreAuthentication does, each once. An answer that
	// VerifyChallenge or, after it, DefineChallenge does not get over counts like a wrong one: at the
	// account, at the step and at the caller's network. It is right only where all say so in time. One
	// that another challenge follows has been counted when that is made.
	//
	// Where a sign-in begins by them they run for whoever asks, before PreAuthentication runs for the
	// answer. Where nobody has the login, or who has it is disabled or may not sign in otherwise, they are
	// told UserNotFound and no user, as in Cognito, and must say and take as long as they would for
	// somebody: ask what could be anybody's. Whatever they make of the answer, it is wrong.
	DefineChallenge func(context.Context, DefineChallenge) (DefineChallengeAnswer, error)
	CreateChallenge func(context.Context, CreateChallenge) (CreateChallengeAnswer, error)
	VerifyChallenge func(context.Context, VerifyChallenge) (bool, error)
	// PostAuthentication runs after a sign-in, whether it gave tokens or a browser session. A
	// refresh is none.
	PostAuthentication func(context.Context, PostAuthentication) error
	// PreTokenGeneration changes what tokens say, or refuses them; a browser session has none. A
	// sign-in that it refuses counts like a wrong password, because the refusal shows that the
	// password was right.
	PreTokenGeneration func(context.Context, PreTokenGeneration) (PreTokenGenerationAnswer, error)
	// MigrateUser brings users over from an old system, one by one as they come (Cognito's
	// UserMigration): it is asked about a login that nobody has here, at a sign-in with the
	// password, and makes the user ours in the same commit that signs them in; the password is kept
	// as it is, hashed as any of ours, and no policy judges it. From then on it is asked no more
	// about any login of theirs, not even once they are deleted. It is asked after
	// PreAuthentication, which sees nobody, behind the same counters and budgets as a password.
	//
	// A forgotten password makes nobody ours before a code has proven the address, so that strangers
	// take no password from anybody; Cognito makes the user at once.
	//
	// Where it denies, hangs or panics it is as if there were nobody. It must say of one user of the
	// old system only once that they are found, if they have several logins there. Since it is
	// asked about unknown logins alone, the time that it takes shows which are: that is the price of
	// a migration, until it is over.
	MigrateUser func(context.Context, MigrateUser) (MigrateUserAnswer, error)
	// CustomMessage chooses the words of a message. It runs when the message is sent, apart from
	// the call of the visitor, and again where the sender has failed. Where it fails twice, which
	// takes half a minute at the most, the message goes out in the pool's own words: who waits for
	// a code must get one.
	CustomMessage func(context.Context, CustomMessage) (CustomMessageAnswer, error)
}

// PreSignUp is a visitor who wants to sign up.
type PreSignUp struct{ Event }

// PreSignUpAnswer lets a sign-up go on. The zero answer lets it go the usual way. Attributes cannot
// be changed, as in Cognito.
type PreSignUpAnswer struct {
	// Confirm makes the visitor a user at once: no code is sent. An address that nobody has proven
	// owns nothing, so the address by which the user will sign in must be vouched for with it, by
	// VerifyEmail or VerifyPhone. Do so only for addresses that your program has proven in another
	// way. Beside a chosen user name an address that is not vouched for stays unproven, and is no
	// login.
	//
	// At an address that has an owner already no user is made, the answer is the same, and the
	// owner is told by mail. That nobody can sign in afterwards tells the visitor: this cannot be
	// helped.
	Confirm bool
	// VerifyEmail and VerifyPhone vouch for the address or number that the sign-up has. Without
	// Confirm, or where there is none, they are malformed.
	VerifyEmail, VerifyPhone bool
}

// PreAuthentication is somebody who tries to sign in. Its user is the owner of the login, or the
// newest open sign-up there.
type PreAuthentication struct {
	Event
	UserNotFound bool // nobody has the login
}

// PostConfirmation is somebody who has become a user (Source [ConfirmSignUp]) or has reset their
// password (Source [ConfirmForgotPassword]).
type PostConfirmation struct{ Event }

// PostAuthentication is somebody who has signed in.
type PostAuthentication struct{ Event }

// ErrMalformed means that a hook gave an answer that it may not give.
var ErrMalformed = errors.New("hook: malformed answer")
