package hook

// PreTokenGeneration is somebody for whom tokens are about to be made: at a sign-in, a refresh, or a
// change of password. Whether they get any is decided already, and not by the hook.
type PreTokenGeneration struct {
	Event
	Scopes []string // of the access token
	Groups []string // of both tokens
}

// PreTokenGenerationAnswer changes what the tokens say. The zero answer changes nothing. It is read
// after the hook has returned, when nobody may write to it any more. Claims, scopes and groups
// together are at most [MaxClaims] as JSON, and the tokens at most 8 KiB, beyond which no verifier
// takes them: more is malformed. Where room is short the user's own groups are left out first.
type PreTokenGenerationAnswer struct {
	ID, Access Claims
	// AddScopes and SuppressScopes change the scopes of the access token; to suppress wins. The
	// scope "account", with which users change their own account, can be suppressed and not added;
	// nor can any that begins with "aws.cognito.".
	AddScopes, SuppressScopes []string
	// Groups take the place of the user's in both tokens. Nil leaves them; an empty list takes them
	// away.
	Groups []string
}

// MaxClaims bounds what an answer may add to tokens, in bytes of JSON.
const MaxClaims = 4 << 10

// Claims changes the claims of one token.
type Claims struct {
	// Add adds claims or takes the place of those that are there: anything that encoding/json can
	// write, in valid UTF-8 without NUL. What the issuer alone may say, or has verified
	// (token.Reserved: sub, exp, amr, username, email and the like) is malformed. Names are of A-Z,
	// a-z, 0-9, "_", ":", ".", "/" and "-".
	Add map[string]any
	// Suppress leaves claims out, also those of Add. Of what is reserved, "name", "email" and
	// "phone_number" can be, the latter two with what says that they are verified; verifiers need
	// the others, and to name one is malformed.
	Suppress []string
}
