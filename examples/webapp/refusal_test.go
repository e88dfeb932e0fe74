package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/pool/pooltest"
)

func TestBadBodies(t *testing.T) {
	t.Parallel()
	k, v := open(t)
	k.Person(ada)
	const (
		start = `{"email":"eve@example.com","password":`
		good  = start + `"` + secret + `"}`
	)
	for name, tt := range map[string]struct {
		want       int
		body, kind string
	}{
		"nothing":             {400, "", jsonType},
		"no JSON":             {400, "email=ada", jsonType},
		"cut off":             {400, good[:len(good)-1], jsonType},
		"cut off in a name":   {400, `{"ema`, jsonType},
		"no value":            {400, `{"email"}`, jsonType},
		"a list":              {400, `["email"]`, jsonType},
		"a text":              {400, `"email"`, jsonType},
		"null":                {400, `null`, jsonType},
		"more behind":         {400, good + `{}`, jsonType},
		"a brace behind":      {400, good + `}`, jsonType},
		"unknown field":       {400, start + `"` + secret + `","admin":"true"}`, jsonType},
		"the caller's field":  {400, start + `"` + secret + `","Caller":"1.2.3.4"}`, jsonType},
		"another case":        {400, `{"Email":"eve@example.com","password":"` + secret + `"}`, jsonType},
		"a field twice":       {400, start + `"` + secret + `","email":"` + ada + `"}`, jsonType},
		"a field missing":     {400, `{"email":"eve@example.com"}`, jsonType},
		"a number":            {400, start + `12345678901234}`, jsonType},
		"null inside":         {400, start + `null}`, jsonType},
		"an object inside":    {400, start + `{"a":"b"}}`, jsonType},
		"invalid UTF-8":       {400, start + `"a long password` + "\xff" + `"}`, jsonType},
		"huge":                {413, `{"email":"` + strings.Repeat("a", maxBody) + `"}`, jsonType},
		"a form":              {415, good, "application/x-www-form-urlencoded"},
		"plain text":          {415, good, "text/plain"},
		"no type":             {415, good, ""},
		"a type of two lines": {415, good, "application/json, text/plain"},
		"no address":          {422, `{"email":"eve","password":"` + secret + `"}`, jsonType},
		"a short password":    {422, `{"email":"eve@example.com","password":"1234567"}`, jsonType},
	} {
		t.Run(name, func(t *testing.T) {
			v := *v
			v.t = t
			if a := v.do(tt.want, "POST", "/signup", tt.body, "Content-Type", tt.kind); a.Error == "" {
				t.Error("the answer says nothing")
			}
		})
	}
	if n := len(k.Mail.To("eve@example.com")); n != 0 {
		t.Errorf("%d mails were sent to somebody who did not sign up", n)
	}
	v.do(200, "POST", "/signup", good, "Content-Type", "application/json; charset=utf-8")
}

func TestFieldsAreNamed(t *testing.T) {
	t.Parallel()
	_, v := open(t)
	a := v.post(422, "/signup", "email", "eve", "password", "", "name", strings.Repeat("a", 3000))
	if a.Error != "invalid" || a.Fields["email"] == "" || a.Fields["password"] == "" || a.Fields["name"] == "" {
		t.Errorf("the answer is %+v, want email, password and name in it", a)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	k, v := open(t)
	p := k.Person(ada)
	gone := k.Person("bob@example.com", pooltest.SignedOut())
	other := k.Person("eve@example.com", pooltest.Disabled())
	for name, tt := range map[string]struct {
		want         int
		method, path string
		bearer       string
	}{
		"sign-up by GET":      {405, "GET", "/signup", ""},
		"me by POST":          {405, "POST", "/me", p.Tokens().Access.Reveal()},
		"sign-out by DELETE":  {405, "DELETE", "/signout", ""},
		"nothing there":       {404, "GET", "/admin", ""},
		"no token":            {401, "GET", "/me", ""},
		"an ID token":         {401, "GET", "/me", p.Tokens().ID.Reveal()},
		"a refresh token":     {401, "GET", "/me", p.Tokens().Refresh.Reveal()},
		"altered":             {401, "GET", "/me", p.Tokens().Access.Reveal() + "A"},
		"signed out":          {401, "GET", "/me", gone.Tokens().Access.Reveal()},
		"disabled":            {401, "GET", "/me", other.Tokens().Access.Reveal()},
		"order without token": {401, "POST", "/orders", ""},
	} {
		t.Run(name, func(t *testing.T) {
			v := *v
			v.t, v.bearer = t, tt.bearer
			v.do(tt.want, tt.method, tt.path, "", "Content-Type", jsonType)
		})
	}
	v.post(401, "/signout", "refresh_token", "v1.garbage")
	v.post(401, "/refresh", "refresh_token", "")
	v.post(422, "/respond", "ticket", strings.Repeat("A", 64))
	v.post(422, "/respond", "ticket", strings.Repeat("A", 64), "code", "123456", "password", secret)
	v.bearer = p.Tokens().Access.Reveal()
	v.post(422, "/orders", "item", "")
	v.post(422, "/orders", "item", strings.Repeat("a", 101))
}

// A browser says where a request comes from; a page of somebody else's gets nothing done.
func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	_, v := open(t)
	body := `{"email":"ada@example.com","password":"` + secret + `"}`
	v.do(http.StatusForbidden, "POST", "/signup", body, "Content-Type", jsonType, "Sec-Fetch-Site", "cross-site")
	v.do(http.StatusForbidden, "POST", "/signup", body, "Content-Type", jsonType, "Origin", "https://evil.example")
	v.do(http.StatusOK, "POST", "/signup", body, "Content-Type", jsonType, "Sec-Fetch-Site", "same-origin")
}

func FuzzForm(f *testing.F) {
	for _, s := range []string{`{"a":"b"}`, `{"a":"b","a":"c"}`, `{}`, `{"a":1}`, `[`, `{"a":"\ud800"}`, `{"a":"b"} x`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := parseForm(b)
		if err != nil {
			return
		}
		var same map[string]string // what a form is, encoding/json reads alike
		if err := json.Unmarshal(b, &same); err != nil || !maps.Equal(got, same) {
			t.Errorf("parseForm(%q) = %q, want %q, %v", b, got, same, err)
		}
	})
}
