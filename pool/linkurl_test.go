package pool_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/seal"
	"github.com/userpool-go/userpool/storage/memory"
)

// Links lead where the program says, over TLS (security.md S2); what is wrong is told at Open, all
// at once.
func TestS2_ConfirmURL(t *testing.T) {
	t.Parallel()
	const production, problem = "https://id.example.com", "ConfirmURL is an https URL"
	for _, tt := range []struct {
		url, issuer string
		byLink      bool
		want        string // "" means that it opens
	}{
		{"", "", false, ""},
		{"https://shop.example/confirm", "", true, ""},
		{"https://shop.example/confirm", production, true, ""},
		{"https://shop.example/confirm?lang=de&x=", production, true, ""},
		{"https://shop.example", production, false, ""},
		{"http://localhost:8080/confirm", "", true, ""},
		{"http://127.0.0.1/confirm", "", true, ""},
		{"http://[::1]/confirm", "", true, ""},
		{"", "", true, "needs a ConfirmURL"},
		{"", production, true, "needs a ConfirmURL"},
		{"http://localhost:8080/confirm", production, true, problem},
		{"http://localhost:8080/confirm", production, false, problem},
		{"http://shop.example/confirm", "", true, problem},
		{"https://shop.example/confirm#a", "", true, problem},
		{"https://shop.example/#", "", true, problem},
		{"https://ada@shop.example/", "", true, problem},
		{"https://shop.example/a b", "", true, problem},
		{"https://shop.example/\r\nBcc: eve@example.com", "", true, problem},
		{"https://shop.example/{##a##}", "", true, problem},
		{"/confirm", "", true, problem},
		{"//shop.example/confirm", "", true, problem},
		{"shop.example/confirm", "", true, problem},
		{"javascript:alert(1)", "", true, problem},
		{"https://" + strings.Repeat("a", 2048) + ".example", "", true, problem},
	} {
		c := pool.Config{
			Issuer: tt.issuer, Keys: ring(t, seal.Generate()), Sender: nothing, ConfirmURL: tt.url,
			Settings: &pool.Settings{SignUp: pool.SignUpSettings{ByLink: tt.byLink}},
		}
		_, err := reopen(t, memory.New(), c)
		if _, bad := errors.AsType[*pool.SettingsError](err); bad != (tt.want != "") || bad && !strings.Contains(err.Error(), tt.want) || !bad && err != nil {
			t.Errorf("%.60q, issuer %q, by link %v: %.300v, want %q", tt.url, tt.issuer, tt.byLink, err, tt.want)
		}
	}
	_, err := reopen(t, memory.New(), pool.Config{
		Issuer: "ftp://x", ConfirmURL: "x",
		Settings: &pool.Settings{SignUp: pool.SignUpSettings{ByLink: true}, Clients: []pool.Client{{ID: "!"}}},
	})
	if bad, ok := errors.AsType[*pool.SettingsError](err); !ok || len(bad.Problems) != 3 {
		t.Errorf("everything wrong: %v, want three problems at once", err)
	}
}

// Stored settings that send links need every process to know where to.
func TestStoredByLinkNeedsAConfirmURL(t *testing.T) {
	t.Parallel()
	st := memory.New()
	c := pool.Config{Keys: ring(t, seal.Generate()), Sender: nothing}
	byLink(&c)
	if _, err := reopen(t, st, c); err != nil {
		t.Fatal(err)
	}
	c.Settings, c.ConfirmURL = nil, ""
	if _, err := reopen(t, st, c); err == nil || !strings.Contains(err.Error(), "needs a ConfirmURL") {
		t.Errorf("Open = %v, want it to ask for a ConfirmURL", err)
	}
	c.ConfirmURL = confirmURL
	if _, err := reopen(t, st, c); err != nil {
		t.Errorf("Open: %v", err)
	}
}
