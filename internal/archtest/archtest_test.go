package archtest_test

import (
	"strings"
	"testing"

	"github.com/userpool-go/userpool/internal/archtest"
)

const ours = archtest.Module + "/"

// check compares findings with what each of them must say; "" means that there must be none.
func check(t *testing.T, got []string, want string) {
	t.Helper()
	if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0], want)) {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestCheckImports(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, from, imports, want string }{
		{"user may use password", ours + "user", ours + "password", ""},
		{"pool may use its gate", ours + "pool", ours + "pool/internal/gate", ""},
		{"smtp owns go-mail", ours + "message/smtp", "github.com/wneessen/go-mail", ""},
		{"jose owns jws", ours + "internal/jose", "github.com/lestrrat-go/jwx/v2/jws", ""},
		{"an example uses anything of ours", ours + "examples/quickstart", ours + "storage/sqlite", ""},
		{"an example may sink mail", ours + "examples/quickstart", "github.com/emersion/go-smtp", ""},
		{"storagetest may foretell", ours + "storage/storagetest", "math/rand/v2", ""},
		{"others' imports are theirs", "github.com/wneessen/go-mail", "math/rand/v2", ""},

		{"password knows no user", ours + "password", ours + "user", "not below"},
		{"seal knows no token", ours + "seal", ours + "token", "not below"},
		{"token knows no seal", ours + "token", ours + "seal", "not below"},
		{"mfa knows no password", ours + "mfa", ours + "password", "not below"},
		{"storage looks up", ours + "storage", ours + "pool", "not below"},
		{"pool and an adapter", ours + "pool", ours + "storage/sqlite", "not below"},
		{"pool and a sender", ours + "pool", ours + "message/smtp", "not below"},
		{"pool and a page", ours + "pool", ours + "hosted", "not below"},
		{"gate and messages", ours + "pool/internal/gate", ours + "message", "not below"},
		{"adapters know not each other", ours + "storage/sqlite", ours + "storage/memory", "not below"},
		{"the root is a page", ours[:len(ours)-1], ours + "pool", "not below"},
		{"nobody imports a kit of tests", ours + "pool", ours + "pool/pooltest", "not below"},
		{"an example is no test", ours + "examples/quickstart", ours + "pool/pooltest", "not below"},
		{"nobody imports an example", ours + "pool", ours + "examples/quickstart", "not below"},
		{"jwx outside jose", ours + "token", "github.com/lestrrat-go/jwx/v2/jws", "belongs to internal/jose"},
		{"go-mail outside smtp", ours + "message", "github.com/wneessen/go-mail", "belongs to message/smtp"},
		{"modernc outside sqlite", ours + "storage/memory", "modernc.org/sqlite", "belongs to storage/sqlite"},
		{"pool and HTTP", ours + "pool", "net/http", "belongs to"},
		{"pool and HTML", ours + "pool", "html/template", "belongs to"},
		{"pool and SQL", ours + "pool", "database/sql", "belongs to"},
		{"foretold", ours + "token", "math/rand", "belongs to nobody"},
		{"foretold, v2", ours + "pool", "math/rand/v2", "belongs to storage/storagetest"},
		{"cgo", ours + "seal", "C", "belongs to nobody"},
		{"a new dependency", ours + "pool", "github.com/google/uuid", "the default answer is no"},
		{"a new dependency in an example", ours + "examples/quickstart", "github.com/google/uuid", "the default answer is no"},
		{"a look-alike room", ours + "examplesque", "fmt", "no room"},
		{"a new room", ours + "util", "fmt", "no room"},
		{"a new room within one", ours + "pool/internal/helper", "fmt", "no room"},
		{"jwt is not in the build", "github.com/lestrrat-go/jwx/v2/jwt", "fmt", "nothing may import"},
		{"jwe is not in the build", "github.com/lestrrat-go/jwx/v2/jwe", "fmt", "nothing may import"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check(t, archtest.CheckImports([]archtest.Package{
				{Path: tt.from, Imports: []string{tt.imports}},
				{Path: "fmt", Standard: true},
			}), tt.want)
		})
	}
}

func TestCheckFolders(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"pool": "", "internal": "", "storage": "", "examples": "", "docs": "", ".ci": "", "console": "",
		"util": "no room", "pools": "no room", "cmd": "no room", "example": "no room", "stor": "no room",
	} {
		check(t, archtest.CheckFolders([]string{name}), want)
	}
}

func TestCheckSource(t *testing.T) {
	t.Parallel()
	const (
		session = `import "` + ours + `token"` + "\n"
		clock   = `import "time"` + "\n"
		web     = `import "net/http"` + "\n"
		made    = "made outside"
	)
	tests := []struct{ name, file, code, want string }{
		{"pointer to a session", "pool/x.go", session + `func f(s *token.Session) *token.Session { return s }`, ""},
		{"switch over sessions", "pool/x.go", session + `func f(r any) { switch r.(type) { case *token.Session: } }`, ""},
		{"list of pointers", "pool/x.go", session + `var l []*token.Session`, ""},
		{"the gate mints", "pool/internal/gate/x.go", session + `var s = &token.Session{}`, ""},
		{"a store reads back", "storage/sqlite/x.go", session + `var s = token.Session{}`, ""},
		{"a session of another package", "pool/x.go", `import "x.org/token"` + "\n" + `var s token.Session`, ""},
		{"default clock", "pool/x.go", clock + `var now = time.Now`, ""},
		{"an example reads the clock", "examples/quickstart/x.go", clock + `var now = time.Now()`, ""},
		{"a handler", "token/x.go", web + `var h http.Handler; var n = http.MethodGet`, ""},
		{"egress calls out", "internal/egress/x.go", web + `var c = &http.Client{}`, ""},

		{"literal", "pool/x.go", session + `var s = token.Session{}`, made},
		{"pointer to a literal", "pool/x.go", session + `var s = &token.Session{Version: 0}`, made},
		{"new", "pool/x.go", session + `var s = new(token.Session)`, made},
		{"variable", "pool/x.go", session + `func f() { var s token.Session; _ = s }`, made},
		{"list", "pool/x.go", session + `var s = []token.Session{{}}`, made},
		{"list of pointers to literals", "pool/x.go", session + `var s = []*token.Session{{}}`, made},
		{"map of pointers to literals", "pool/x.go", session + `var s = map[string]*token.Session{"": {}}`, made},
		{"type of its own", "web/x.go", session + `type s token.Session`, made},
		{"type parameter", "web/x.go", session + `var s = f[token.Session]()`, made},
		{"under another name", "web/x.go", `import t "` + ours + `token"` + "\n" + `var s = t.Session{}`, made},
		{"without a name", "web/x.go", `import . "` + ours + `token"` + "\n" + `var s = Session{}`, "without its name"},
		{"beside the gate", "pool/internal/gates/x.go", session + `var s = token.Session{}`, made},
		{"Now", "pool/x.go", clock + `var now = time.Now()`, "time.Now"},
		{"Since", "seal/x.go", clock + `var d = time.Since(t)`, "time.Since"},
		{"Until", "token/x.go", clock + `var d = time.Until(t)`, "time.Until"},
		{"Now under another name", "pool/x.go", `import clock "time"` + "\n" + `var now = clock.Now()`, "time.Now"},
		{"default client", "token/x.go", web + `var c = http.DefaultClient`, "http.DefaultClient"},
		{"client", "token/x.go", web + `var c http.Client`, "http.Client"},
		{"transport", "web/x.go", web + `var c = &http.Transport{}`, "http.Transport"},
		{"get", "federation/x.go", web + `var r, err = http.Get("")`, "http.Get"},
		{"post", "cognito/x.go", web + `var r, err = http.PostForm("", nil)`, "http.PostForm"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := archtest.CheckSource(tt.file, []byte("package x\n"+tt.code))
			if err != nil {
				t.Fatal(err)
			}
			check(t, got, tt.want)
			if tt.want != "" && !strings.HasPrefix(got[0], tt.file+":") {
				t.Errorf("%q does not say where", got[0])
			}
		})
	}
	if _, err := archtest.CheckSource("pool/x.go", []byte("no Go")); err == nil {
		t.Error("a file that does not parse passes")
	}
}

func TestCheckListing(t *testing.T) {
	t.Parallel()
	const head = "| rule | test |\n| --- | --- |\n"
	tests := []struct{ name, page, want string }{
		{"both listed", head + "| T4 | `TestT4_A`, `FuzzT4_C` |\n| S17 | TestS17_B in mfa |\n", ""},
		{"one of two listed", head + "| T4 | TestT4_A |\n| S17 | TestS17_B |\n", ""},
		{"three columns", head + "| T4 | the rule | `TestT4_A` `FuzzT4_C` |\n| S17 | x | TestS17_B |\n", ""},

		{"missing test", head + "| T4 | TestT4_A, FuzzT4_C, TestT4_Gone |\n| S17 | TestS17_B |\n", "TestT4_Gone, which does not exist"},
		{"part of a name", head + "| T4 | TestT4_A, FuzzT4_C, TestT4_AB |\n| S17 | TestS17_B |\n", "TestT4_AB, which does not exist"},
		{"wrong row", head + "| T4 | TestT4_A |\n| S17 | TestS17_B |\n| S16 | TestS17_B |\n", "the row of S16 names TestS17_B"},
		{"unlisted rule", head + "| T4 | TestT4_A, FuzzT4_C |\n", "TestS17_B holds S17, which has no row"},
		{"two rows", head + "| T4 | TestT4_A |\n| S17 | TestS17_B |\n| T4 | FuzzT4_C |\n", "T4 has two rows"},
		{"empty row", head + "| T4 | TestT4_A, FuzzT4_C |\n| S17 | TestS17_B |\n| T5 | later |\n", "the row of T5 names no test of its own"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check(t, archtest.CheckListing(tt.page, []string{"TestT4_A", "TestS17_B", "FuzzT4_C", "TestOther", "helper"}), tt.want)
		})
	}
	classes := []struct{ name, page, want string }{
		{"its own", "| CVE13 | x | `TestCVE13_A` |\n", ""},
		{"that of a rule too", "| CVE13 | x | `TestCVE13_A`, `TestT4_A` |\n", ""},

		{"only that of a rule", "| CVE13 | x | `TestT4_A` |\n", "the row of CVE13 names no test of its own"},
		{"that of another class", "| CVE13 | x | `TestCVE13_A`, `TestCVE14_A` |\n", "the row of CVE13 names TestCVE14_A"},
		{"missing test of a rule", "| CVE13 | x | `TestCVE13_A`, `TestT4_B` |\n", "TestT4_B, which does not exist"},
		{"no row", "", "TestCVE13_A holds CVE13, which has no row"},
	}
	for _, tt := range classes {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check(t, archtest.CheckListing("| T4 | `TestT4_A` |\n"+tt.page, []string{"TestT4_A", "TestCVE13_A"}), tt.want)
		})
	}
	check(t, archtest.CheckListing("no table\n", []string{"TestT4_A", "FuzzT4_C"}), "TestT4_A holds T4, which has no row")
}
