package pool_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// exported is an export, as far as these tests look.
type exported struct {
	Version int
	User    struct {
		ID, Username, Email, Status string
		Verified                    bool `json:"email_verified"`
		Attributes                  map[string]string
		Groups                      []string
	}
	Pending, Former []struct{ Address string }
	Factors         []struct {
		Kind, Name string
		Created    time.Time
		Left       int
	}
	Devices []struct {
		Name    string
		Agent   string `json:"user_agent"`
		Expires time.Time
	}
	Sessions []struct{ Kind, Client string }
	Events   []struct {
		Kind, Outcome, By, IP string
		Agent                 string `json:"user_agent"`
	}
}

func (k *kit) export(a *pool.Account, in pool.ExportInput) (out exported, text string, err error) {
	var b bytes.Buffer
	if err := a.Export(k.t.Context(), &b, in); err != nil {
		return out, b.String(), err
	}
	d := json.NewDecoder(bytes.NewReader(b.Bytes()))
	if err := d.Decode(&out); err != nil {
		k.t.Fatalf("%v in %s", err, b.String())
	}
	return out, b.String(), nil
}

func TestExport(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		k.confirmed("eve@example.com")
		if err := k.admin().UpdateAttributes(t.Context(), pool.UpdateAttributesInput{ID: k.user(ada).ID, Attributes: user.Attributes{"name": "Ada </script>"}}); err != nil {
			t.Fatal(err)
		}
		d, err := pool.Finished(k.signInFrom(home, ada, right))
		if err != nil {
			t.Fatal(err)
		}
		d = k.changed(d, ada2, 1)
		k.ask(d, phone)
		out, text, err := k.export(k.account(d), pool.ExportInput{With: pool.Password{Value: right}, Caller: home})
		if err != nil {
			t.Fatal(err)
		}
		if out.Version != 1 || out.User.ID != string(k.user(ada2).ID) || out.User.Email != ada2 || !out.User.Verified || out.User.Status != "CONFIRMED" && out.User.Status != string(user.Confirmed) ||
			out.User.Attributes["name"] != "Ada </script>" || len(out.Sessions) != 1 || out.Sessions[0].Client != "default" {
			t.Errorf("export = %s", text)
		}
		if len(out.Pending) != 1 || out.Pending[0].Address != phone || len(out.Former) != 1 || out.Former[0].Address != ada {
			t.Errorf("pending %v, former %v", out.Pending, out.Former)
		}
		kinds := map[string]bool{}
		for _, e := range out.Events {
			kinds[e.Kind] = true
			if e.Kind == "sign_in" && e.IP == home.IP.String() && e.Agent == home.UserAgent {
				kinds["where"] = true
			}
			if e.Kind == "update_attributes" && e.By != "administrator" {
				t.Errorf("by %q", e.By)
			}
		}
		for _, want := range []string{"sign_up", "sign_in", "where", "update_attributes", "change_address", "export"} {
			if !kinds[want] {
				t.Errorf("no event says %q: %v", want, out.Events)
			}
		}
		u := k.user(ada2)
		for _, secret := range []string{"eve@", right.Reveal(), u.Password.Hash, "argon2", k.code(phone, 1), k.undo(ada, 2), d.Tokens.Refresh.Reveal(), "root", string(k.user("eve@example.com").ID)} {
			if strings.Contains(text, secret) {
				t.Errorf("the export holds %q", secret)
			}
		}
	}, restores)
}

// An export tells what somebody has set up beside a password and where they are remembered, by names,
// kinds and dates, and nothing that anybody could sign in by.
func TestExportOfFactors(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, k *kit) {
		k.confirmed(ada)
		seed := k.enrolled(ada)
		d := k.twice(seed, pool.Caller{UserAgent: "Gull/1"}, true)
		a := k.account(d)
		in := pool.RenameAuthenticatorInput{ID: k.giveApp(ada), Name: "old phone"}
		if err := a.RenameAuthenticator(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		made, err := pool.Finished(a.MakeRecoveryCodes(t.Context(), pool.MakeRecoveryCodesInput{}))
		if err != nil {
			t.Fatal(err)
		}
		a = k.account(made)
		key := k.givePasskey(ada)
		k.gives(ada, func(f *user.Factors) { f.SMS, f.Email = start, start })
		k.change(ada, func(u *user.User) {
			u.Factors.Devices = append(u.Factors.Devices, user.Device{
				ID: "device", Name: "at work", Agent: "Gull/1", Epoch: u.Epoch, Created: start, Expires: start.Add(7 * day),
			})
		})
		out, text, err := k.export(a, pool.ExportInput{})
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, f := range out.Factors {
			kinds = append(kinds, f.Kind)
			if f.Created.IsZero() || (f.Name == "old phone") != (f.Kind == "totp") || (f.Left == mfa.RecoveryCodes) != (f.Kind == "recovery_code") {
				t.Errorf("a factor: %+v", f)
			}
		}
		if want := []string{"totp", "passkey", "sms", "email", "recovery_code"}; !slices.Equal(kinds, want) {
			t.Errorf("factors %v, want %v", kinds, want)
		}
		if len(out.Devices) != 1 || out.Devices[0].Name != "at work" || out.Devices[0].Agent != "Gull/1" || !out.Devices[0].Expires.Equal(start.Add(7*day)) {
			t.Errorf("devices %+v", out.Devices)
		}
		f := k.user(ada).Factors
		for _, secret := range append(made.RecoveryCodes, seed.Text(), key, d.Remembered, base64.StdEncoding.EncodeToString(f.Handle),
			base64.StdEncoding.EncodeToString(f.Apps[0].Seed), base64.StdEncoding.EncodeToString(f.Recovery.Codes[0])) {
			if secret == "" || strings.Contains(text, secret) {
				t.Errorf("the export holds %q", secret)
			}
		}
	}, remembering(pool.RememberAlways))
}

// An export is of what the app may read, page by page, and of nothing where the disk or the reader
// fails.
func TestExportIsBounded(t *testing.T) {
	t.Parallel()
	k := open(t, apps(pool.Client{ID: "app", Read: []string{"name"}}))
	a := k.account(k.signedIn())
	k.change(ada, func(u *user.User) { u.Attributes = user.Attributes{"name": "Ada", "nickname": "Al"} })
	for n := range 1100 { // more than a page
		o := storage.Event{
			Pool: "default", ID: strings.Repeat("x", 3) + string(rune('a'+n%26)) + strings.Repeat("y", n%40) + string(rune('a'+n/26%26)) + string(rune('a'+n/676)),
			Time: k.clock.Now(), User: k.user(ada).ID, Kind: "many", Header: []byte(`{}`), Leaf: make([]byte, 32),
		}
		if err := k.store.Store.Commit(t.Context(), storage.Put(&o)); err != nil {
			t.Fatal(err)
		}
	}
	out, text, err := k.export(a, pool.ExportInput{})
	if err != nil || len(out.Events) < 1100 {
		t.Errorf("%d events, %v", len(out.Events), err)
	}
	if out.User.Email != "" || out.User.Attributes["nickname"] != "" || out.User.Attributes["name"] != "Ada" {
		t.Errorf("export = %.500s, want what the app may read", text)
	}
	if err := a.Export(t.Context(), full{}, pool.ExportInput{}); !errors.Is(err, errDisk) {
		t.Errorf("= %v, want the writer's error", err)
	}
	k.disable(ada)
	if _, text, err := k.export(a, pool.ExportInput{}); !errors.Is(err, pool.ErrNotAuthorized) || text != "" {
		t.Errorf("disabled = %q, %v, want nothing", text, err)
	}
}

// full is a writer that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errDisk }
