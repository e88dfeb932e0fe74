package archtest

import "slices"

// What each floor is made of, for the tables below.
var (
	ground = []string{"user", "password", "mfa", "token", "seal"}
	first  = slices.Concat(ground, []string{"storage", "message"})
	second = slices.Concat(first, []string{"pool", "pool/hook"})
)

// rooms lists, for every room of the house, the rooms that it may import; tests may import more. A
// room that is not built yet stands here already, and one that is not here may not be built.
var rooms = map[string][]string{
	".": nil, // documentation only

	// The ground floor: rules over values. No room knows another, but user knows two.
	"password":                {"internal/egress"},
	"mfa":                     nil,
	"mfa/passkey":             {"mfa"},
	"mfa/passkey/passkeytest": nil,
	"token":                   {"internal/jose", "internal/egress"},
	"token/tokentest":         {"token", "internal/jose"},
	"seal":                    nil,
	"user":                    {"password", "mfa"},

	// The first floor: records and their stores; messages and their senders.
	"storage":                 {"user", "token"},
	"storage/internal/record": {"storage", "user", "token", "mfa"},
	"storage/internal/keyset": {"storage", "user", "token"},
	"storage/internal/crowd":  {"storage", "user"},
	"storage/memory":          {"storage", "storage/internal/record", "user", "token", "mfa"},
	"storage/sqlite":          {"storage", "storage/internal/record", "storage/internal/keyset", "user", "token"},
	"storage/postgres":        {"storage", "storage/internal/record", "storage/internal/keyset", "user", "token"},
	"storage/storagetest":     {"storage", "storage/memory", "user", "token", "mfa"},
	"message":                 nil,
	"message/smtp":            {"message", "password"},
	"message/sms":             {"message", "password", "internal/egress"},
	"message/mailbox":         {"message"},

	// The second floor: the use cases. Stores and senders reach them as values only.
	"pool":                    slices.Concat(first, []string{"pool/hook", "pool/internal/gate", "pool/internal/chore"}),
	"pool/hook":               first,
	"pool/internal/gate":      slices.Concat(ground, []string{"storage"}),
	"pool/internal/chore":     nil,
	"pool/internal/lifecycle": nil, // tests alone
	"pool/pooltest":           slices.Concat(second, []string{"pool/internal/chore", "storage/memory", "message/mailbox", "internal/cookie", "mfa/passkey/passkeytest"}),

	// The third floor: surfaces over a pool.
	"web":        slices.Concat(second, []string{"internal/cookie"}),
	"hosted":     slices.Concat(second, []string{"web"}),
	"hosted/dev": slices.Concat(second, []string{"web", "hosted", "message/mailbox"}),
	"oauth":      second,
	"federation": slices.Concat(second, []string{"internal/jose", "internal/egress"}),
	"cognito":    second,
	"console":    slices.Concat(second, []string{"web"}),

	"internal/cookie":   nil,
	"internal/jose":     nil,
	"internal/egress":   nil,
	"internal/archtest": nil,

	"internal/postgrestest": nil,
}

// kits lists the rooms that are for tests alone, whose hashes guard nothing and whose keys are made
// up: no program imports them, an example neither.
var kits = []string{"pool/pooltest", "storage/storagetest", "token/tokentest", "mfa/passkey/passkeytest", "internal/postgrestest"}

// owners lists who may import what is not ours. A dependency has one owner, whose types never show
// in our API; a package of the standard library that is not here may be imported by everybody.
var owners = map[string][]string{
	"github.com/lestrrat-go/jwx/v2/jwk":                     {"internal/jose"},
	"github.com/lestrrat-go/jwx/v2/jws":                     {"internal/jose"},
	"github.com/lestrrat-go/jwx/v2/jwa":                     {"internal/jose"}, // names of algorithms, no code
	"github.com/pquerna/otp":                                {"mfa"},
	"github.com/pquerna/otp/hotp":                           {"mfa"},
	"github.com/boombuler/barcode/qr":                       {"mfa"},
	"github.com/go-webauthn/webauthn/webauthn":              {"mfa/passkey"},
	"github.com/go-webauthn/webauthn/protocol":              {"mfa/passkey"},
	"github.com/go-webauthn/webauthn/protocol/webauthncose": {"mfa/passkey"},
	"github.com/wneessen/go-mail":                           {"message/smtp"},
	"modernc.org/sqlite":                                    {"storage/sqlite"},
	"modernc.org/sqlite/lib":                                {"storage/sqlite"},
	"github.com/jackc/pgx/v5":                               {"storage/postgres", "internal/postgrestest", "examples"},
	"github.com/jackc/pgx/v5/pgconn":                        {"storage/postgres", "internal/postgrestest"},
	"github.com/jackc/pgx/v5/pgxpool":                       {"storage/postgres", "examples"},
	"github.com/emersion/go-smtp":                           {"examples"}, // and the tests of message/smtp
	"github.com/emersion/go-sasl":                           {"examples"},

	"golang.org/x/crypto/argon2":           {"password"},
	"golang.org/x/crypto/blake2b":          {"password"},
	"golang.org/x/crypto/chacha20poly1305": {"seal"},
	"golang.org/x/text/unicode/norm":       {"password", "user"},
	"golang.org/x/text/secure/precis":      {"user"},
	"golang.org/x/text/language":           {"message", "hosted"},
	"golang.org/x/net/idna":                {"user"},

	"net/http":      {"internal/egress", "token", "web", "hosted", "oauth", "federation", "cognito", "console", "pool/pooltest", "examples"},
	"html/template": {"message", "web", "hosted", "oauth", "console"},
	"database/sql":  {"storage/sqlite", "storage/postgres", "examples"},
	"C":             nil, // whoever imports us may have no C compiler
	// What it yields can be foretold. The suite of stores wants exactly that: a seed that it prints.
	"math/rand":    nil,
	"math/rand/v2": {"storage/storagetest"},
}

// never lists what may not even be in the build: jwt.Parse of jwx v2 takes claims from outside the
// signature, and jwe has brought it most of its advisories.
var never = []string{
	"github.com/lestrrat-go/jwx/v2/jwt",
	"github.com/lestrrat-go/jwx/v2/jwe",
}

// clocks lists the rooms that may read the clock of the machine. All others are given the time, or
// have a Config.Now whose default is time.Now, named and not called.
var clocks = []string{"examples", "storage/storagetest", "internal/archtest", "internal/postgrestest", "internal/interop/load"}

// sessions lists the rooms that may make a session out of nothing (security.md T1): the gate, which
// mints them, the room that says what one is, and those that read one back from a store.
var sessions = []string{"pool/internal/gate", "token", "storage"}

// callers lists the rooms that may call out by HTTP.
var callers = []string{"internal/egress", "examples"}
