package hosted_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/pool/pooltest"
)

// step is an answer of a JSON twin.
type step struct {
	Step, Ticket, Error, Page, Username string
	Delivery                            struct{ Channel, Destination string }
	Fields                              json.RawMessage
	Kinds, Others                       []mfa.Kind
	URI, Secret                         string
	RecoveryCodes                       []string `json:"recovery_codes"`
	Factors                             struct {
		SMS, Email bool
		Preferred  mfa.Kind
		Apps       []struct{ ID, Name string }
		Devices    []struct {
			ID, Name, Agent string
			This            bool
		}
		RecoveryCodes int `json:"recovery_codes"`
		Required      bool
	}
}

func (b *browser) step(p page, status int) (s step) {
	b.t.Helper()
	if err := json.Unmarshal([]byte(p.body), &s); err != nil || p.status != status || p.header.Get("Content-Type") != "application/json" {
		b.t.Fatalf("%s: %d, %v, want %d: %s", p.url, p.status, err, status, p.body)
	}
	return s
}

// The whole way by JSON: the same steps at the same URLs, with sessions in cookies and tokens nowhere.
func TestS10_JSONTwins(t *testing.T) {
	t.Parallel()
	s := development(t)
	b := s.browser()
	post := func(path, body string, status int) step {
		t.Helper()
		p := b.json("POST", path, body)
		for _, secret := range []string{"token", "eyJ", hosted.TicketOf(b.cookie("flow"))} {
			if secret != "" && strings.Contains(p.body, secret) {
				t.Errorf("%s answers %s", path, p.body)
			}
		}
		if p.header.Get("Cache-Control") != "no-store" || p.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s has headers %v", path, p.header)
		}
		return b.step(p, status)
	}
	up := post("/auth/sign-up", `{"username":"`+ada+`","password":"`+secret+`"}`, 200)
	if up.Step != "confirm" || up.Ticket == "" || up.Delivery.Destination != ada || up.Delivery.Channel != "email" {
		t.Fatalf("sign-up = %+v", up)
	}
	if no := post("/auth/confirm", `{"ticket":"`+up.Ticket+`","code":"000000"}`, 422); no.Error != "wrong_code" || !strings.Contains(string(no.Fields), `"code"`) {
		t.Errorf("wrong code = %+v", no)
	}
	again := post("/auth/resend", `{"ticket":"`+up.Ticket+`"}`, 200)
	need := post("/auth/confirm", `{"ticket":"`+again.Ticket+`","code":"`+s.Mail.Code(ada)+`"}`, 200)
	if need.Step != "password" {
		t.Fatalf("confirm = %+v", need)
	}
	if no := post("/auth/password", `{"ticket":"`+need.Ticket+`","password":"`+other+`"}`, 401); no.Error != "not_authorized" {
		t.Errorf("wrong password = %+v", no)
	}
	if done := post("/auth/password", `{"ticket":"`+need.Ticket+`","password":"`+secret+`"}`, 200); done.Step != "done" || b.cookie("session") == "" {
		t.Fatalf("password = %+v", done)
	}
	if who := b.step(b.json("GET", "/auth/account", ""), 200); who.Username != ada {
		t.Errorf("account = %+v", who)
	}
	if out := post("/auth/sign-out", `{}`, 200); out.Step != "signed_out" || b.cookie("session") != "" {
		t.Errorf("sign-out = %+v", out)
	}
	b.step(b.json("GET", "/auth/account", ""), 401)
	forgot := post("/auth/forgot", `{"username":"`+ada+`"}`, 200)
	if forgot.Step != "reset" {
		t.Errorf("forgot = %+v", forgot)
	}
	if no := post("/auth/reset", `{"ticket":"`+forgot.Ticket+`","code":"`+s.Mail.Code(ada)+`","new_password":"short"}`, 422); !strings.Contains(string(no.Fields), `"new_password":"length"`) {
		t.Errorf("short password = %s", no.Fields)
	}
	need = post("/auth/reset", `{"ticket":"`+forgot.Ticket+`","code":"`+s.Mail.Code(ada)+`","new_password":"`+other+`"}`, 200)
	if need.Step != "password" {
		t.Errorf("reset = %+v", need)
	}
	if no := post("/auth/reset", `{"ticket":"`+forgot.Ticket+`","code":"1","new_password":"`+other+`"}`, 410); no.Error != "start_again" {
		t.Errorf("a second reset = %+v", no)
	}
	if done := post("/auth/sign-in", `{"username":"`+ada+`","password":"`+other+`"}`, 200); done.Step != "done" {
		t.Errorf("sign-in = %+v", done)
	}
}

func TestJSONOfATemporaryPassword(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada, pooltest.TemporaryPassword())
	b := s.browser()
	need := b.step(b.json("POST", "/auth/sign-in", `{"username":"`+ada+`","password":"`+secret+`"}`), 200)
	if need.Step != "new_password" {
		t.Fatalf("sign-in = %+v", need)
	}
	b.step(b.json("POST", "/auth/password", `{"ticket":"`+need.Ticket+`","password":"`+secret+`"}`), 410) // another page's
	done := b.step(b.json("POST", "/auth/new-password", `{"ticket":"`+need.Ticket+`","new_password":"`+other+`"}`), 200)
	if done.Step != "done" {
		t.Errorf("new password = %+v", done)
	}
}

// A GET says what the page asks for.
func TestJSONForms(t *testing.T) {
	t.Parallel()
	s := development(t)
	b := s.browser()
	p := b.json("GET", "/auth/sign-up", "")
	const want = `{"page":"sign-up","fields":[{"name":"username","type":"email","autocomplete":"username","inputmode":"email"},` +
		`{"name":"password","type":"password","autocomplete":"new-password","minlength":8}]}` + "\n"
	if p.status != 200 || p.body != want {
		t.Errorf("%d %s, want\n%s", p.status, p.body, want)
	}
	for path, status := range map[string]int{"/auth/nothing": 404, "/auth/confirm": 410, "/auth/reset?flow=AAAAAAAAAAAAAAAAAAAAAAAAAA": 410} {
		if no := b.step(b.json("GET", path, ""), status); no.Error == "" {
			t.Errorf("%s = %+v", path, no)
		}
	}
}

// CVE class 50: JSON from another site is refused, and so is what a form of another site could send instead.
func TestS10_JSONFromOtherSites(t *testing.T) {
	t.Parallel()
	s := development(t)
	s.Person(ada)
	body := `{"username":"` + ada + `","password":"` + secret + `"}`
	for _, tt := range []struct {
		name, kind, site, origin string
		want                     int
	}{
		{"ours", "application/json", "same-origin", "", 200},
		{"ours, with a charset", "application/json; charset=utf-8", "same-origin", "", 200},
		{"ours, old browser", "application/json", "", s.url, 200},
		{"says nothing", "application/json", "", "", 403},
		{"null", "application/json", "", "null", 403},
		{"cross-site", "application/json", "cross-site", "https://evil.example", 403},
		{"same-site", "application/json", "same-site", "http://evil." + s.host(), 403},
		{"plain text", "text/plain", "same-origin", "", 415},
		{"form", "application/x-www-form-urlencoded", "same-origin", "", 415},
		{"no type", "", "same-origin", "", 415},
		{"plain text that looks like JSON", "text/plain; application/json", "same-origin", "", 415},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := s.browser()
			r, _ := http.NewRequestWithContext(t.Context(), "POST", s.url+"/auth/sign-in", strings.NewReader(body))
			for name, value := range map[string]string{"Content-Type": tt.kind, "Sec-Fetch-Site": tt.site, "Origin": tt.origin} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			r.Header.Set("Accept", "application/json")
			if p := b.do(r); p.status != tt.want || (p.status == 200) != (b.cookie("session") != "") {
				t.Errorf("%d, want %d: %s", p.status, tt.want, p.body)
			}
		})
	}
}

// Sign-up asks for what the pool asks for.
func TestSignUpForms(t *testing.T) {
	t.Parallel()
	names := func(s pool.Settings) string {
		site := open(t, false, pool.Config{Settings: &s}, hosted.Config{})
		var form struct{ Fields []struct{ Name, Type string } }
		p := site.browser().json("GET", "/auth/sign-up", "")
		if err := json.Unmarshal([]byte(p.body), &form); err != nil {
			t.Fatalf("%v: %s", err, p.body)
		}
		var all []string
		for _, f := range form.Fields {
			all = append(all, f.Name+" "+f.Type)
		}
		return strings.Join(all, ", ")
	}
	required := schema("given_name", "birthdate", "custom:size")
	for _, tt := range []struct {
		s    pool.Settings
		want string
	}{
		{pool.Settings{}, "username email, password password"},
		{identifiers(pool.Phone), "username tel, password password"},
		{identifiers(pool.Email, pool.Phone), "username text, password password"},
		{identifiers(pool.Username), "username text, attributes.email email, password password"},
		{identifiers(pool.Username, pool.Email), "username text, attributes.email email, password password"},
		{identifiers(pool.Username, pool.Phone), "username text, attributes.phone_number tel, password password"},
		{pool.Settings{Attributes: required}, "username email, attributes.given_name text, attributes.birthdate date, attributes.custom:size text, password password"},
	} {
		if got := names(tt.s); got != tt.want {
			t.Errorf("%+v asks for %s, want %s", tt.s.SignIn, got, tt.want)
		}
	}

	s := identifiers(pool.Username, pool.Email)
	s.Attributes = schema("given_name")
	site := open(t, false, pool.Config{Settings: &s}, hosted.Config{})
	b := site.browser()
	p := b.post(b.open("/auth/sign-up"), "submit", "username", "ada", "attributes.email", ada, "attributes.given_name", "", "password", secret)
	b.at(p, "/auth/sign-up")
	b.shows(p, "Fill this in.")
	b.shows(p, `href="#field-attributes.given_name"`)
	p = b.post(p, "submit", "username", "ada", "attributes.email", ada, "attributes.given_name", "Ada", "password", secret)
	b.at(p, "/auth/confirm")
	p = b.post(p, "submit", "code", site.Mail.Code(ada))
	b.at(b.post(p, "submit", "password", secret), "/")
	// A chosen name cannot be hidden; it is told on its field.
	c := site.browser()
	p = c.post(c.open("/auth/sign-up"), "submit", "username", "ada", "attributes.email", "eve@example.com", "attributes.given_name", "Eve", "password", secret)
	c.at(p, "/auth/sign-up")
	c.shows(p, "That user name is taken.")
	// So can a forgotten one not: who has an account sees nothing else than who has none.
	for _, address := range []string{ada, "nobody@example.com"} {
		p = c.open("/auth/sign-in")
		c.shows(p, `href="/auth/forgot-username"`)
		p = c.post(c.open("/auth/forgot-username"), "submit", "username", address)
		c.at(p, "/auth/sign-in")
		c.shows(p, "If there is an account for that address")
		twin := c.step(c.json("POST", "/auth/forgot-username", `{"username":"`+address+`"}`), 200)
		if twin.Step != "sign_in" || twin.Ticket != "" {
			t.Errorf("by JSON: %+v", twin)
		}
	}
	p = c.post(c.open("/auth/forgot-username"), "submit", "username", "ada")
	c.at(p, "/auth/forgot-username")
	c.shows(p, "Enter an email address")
	// Recovery by a name tells nobody where the code went.
	p = c.post(c.open("/auth/forgot"), "submit", "username", "ada")
	c.at(p, "/auth/reset")
	if strings.Contains(p.body, ada) {
		t.Errorf("recovery by name shows the address:\n%s", p.body)
	}
}

// Who asks where a sign-in begins is told all ways in, as the page shows them; and where to answer each
// step stands in the documentation.
func TestJSONTellsTheWaysIn(t *testing.T) {
	t.Parallel()
	s := begun(t, mfa.KindEmail, mfa.KindPassword)
	b := s.browser()
	if got := b.step(b.json("GET", "/auth/sign-in", ""), 200).Kinds; !slices.Equal(got, []mfa.Kind{mfa.KindEmail, mfa.KindPassword}) {
		t.Errorf("sign-in offers %v", got)
	}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range s.pages.Routes() {
		method, name, _ := strings.Cut(strings.Split(to, ":")[0], " ")
		if method == http.MethodPost && !strings.Contains(string(doc), name) {
			t.Errorf("doc.go does not tell of %s", name)
		}
	}
}
