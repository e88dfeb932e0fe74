package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Without an operator's token nothing of the API answers, and nothing changes.
func TestOperatorTokens(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	for name, header := range map[string]string{
		"none": "", "empty": "Bearer ", "wrong": "Bearer " + strings.Repeat("x", 52), "longer": "Bearer " + n.token + "x",
		"shorter": "Bearer " + n.token[1:], "other case": "Bearer " + strings.ToLower(n.token), "basic": "Basic " + n.token, "name": "Bearer operator",
	} {
		for _, route := range []string{
			"POST /pools", "GET /pools", "DELETE /pools/acme", "PUT /pools/acme/settings", "POST /pools/acme/users", "GET /pools/acme/events", "GET /metrics",
		} {
			method, path, _ := strings.Cut(route, " ")
			body := ""
			if method == "POST" {
				body = `{"id":"acme"}`
			}
			if a := ask(t, http.DefaultClient, method, n.operator+path, body, "Authorization", header); a.status != 401 || a.body != `{"error":"not_authorized"}`+"\n" {
				t.Errorf("%s: %s = %d %s", name, route, a.status, a.body)
			}
		}
	}
	if a := n.operate(200, "GET", "/pools", ""); len(a.Pools) != 0 {
		t.Errorf("somebody has made a pool: %s", a.body)
	}
}

// Each act stands in the pool's history under the name of its operator; a token whose line is another's
// opens what is theirs, which are the metrics alone for who is called so.
func TestOperatorsAreNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	list := filepath.Join(dir, "operators")
	grace, alan := strings.Repeat("grace", 7), strings.Repeat("alan", 8)
	write := func(text string, mode os.FileMode) {
		if err := os.WriteFile(list, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("# who may\ngrace "+grace+"\n\nalan "+alan+"\n", 0o600)
	n := start(t, dir)
	n.operate(201, "POST", "/pools", `{"id":"acme"}`)
	n.token = alan
	n.operate(201, "POST", "/pools/acme/groups", `{"Name":"staff"}`)
	events := n.operate(200, "GET", "/pools/acme/events", "").Events
	if len(events) < 2 || events[0]["Actor"] != "grace" || events[len(events)-1]["Actor"] != "alan" {
		t.Errorf("events = %v", events)
	}
	n.end()
	if err := n.ended(); err != nil {
		t.Fatal(err)
	}
	write("grace "+grace+"\nmetrics "+alan+"\n", 0o600)
	n = start(t, dir)
	n.operate(200, "GET", "/pools", "")
	n.token = alan
	n.operate(401, "GET", "/pools", "")
	n.operate(200, "GET", "/metrics", "")

	for name, text := range map[string]string{
		"nobody": "# none\n", "short": "grace short\n", "no token": "grace\n", "three words": "grace " + grace + " x\n",
		"no token behind a long line": "grace " + grace + "\n# " + strings.Repeat("x", 1<<17) + "\nalan\n",
	} {
		write(text, 0o600)
		if all, err := readOperators(list); err == nil {
			t.Errorf("%s: %v", name, all)
		}
	}
	write("grace "+grace+"\n", 0o600)
	if err := os.Chmod(list, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := readOperators(list); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a file that others may read: %v", err)
	}
}

// What operators do to a pool: settings, clients, groups and users.
func TestOperatorAPI(t *testing.T) {
	t.Parallel()
	n := start(t, t.TempDir())
	n.operate(201, "POST", "/pools", `{"id":"acme","settings":{"Branding":{"Name":"Acme"}}}`)
	at := func(want int, route, body string, header ...string) answer {
		t.Helper()
		method, path, _ := strings.Cut(route, " ")
		return n.operate(want, method, "/pools/acme"+path, body, header...)
	}
	settings := at(200, "GET /settings", "")
	changed := strings.Replace(settings.body, `"Name":"Acme"`, `"Name":"Acme & Sons"`, 1)
	version := settings.header.Get("ETag")
	at(428, "PUT /settings", changed)
	at(412, "PUT /settings", changed, "If-Match", `"other"`)
	at(422, "PUT /settings", strings.Replace(changed, `"Idle":86400000000000`, `"Idle":-5`, 1), "If-Match", version)
	at(409, "PUT /settings", strings.Replace(changed, `"ID":"pages"`, `"ID":"other"`, 1), "If-Match", version)
	at(204, "PUT /settings", changed, "If-Match", version)
	at(412, "PUT /settings", settings.body, "If-Match", version)
	if page := ask(t, http.DefaultClient, "GET", n.public+"/acme/auth/sign-in", "", "Accept", "text/html").body; !strings.Contains(page, "Acme &amp; Sons") {
		t.Errorf("the page does not know the name: %s", page)
	}

	at(422, "POST /clients", `{"ID":"shop"}`)
	shop := "/clients/" + at(201, "POST /clients", `{"Name":"shop","Confidential":true}`).ID
	at(200, "PUT "+shop, `{"ID":"ignored","Name":"The shop","Confidential":true}`)
	at(404, "PUT /clients/none", `{}`)
	if all := at(200, "GET /clients", "").body; !strings.Contains(all, `"Name":"The shop"`) || strings.Contains(all, "ignored") {
		t.Errorf("clients = %s", all)
	}
	made := at(201, "POST "+shop+"/secrets", "")
	if len(made.Secret) < 32 || strings.Contains(at(200, "GET "+shop+"/secrets", "").body, made.Secret) {
		t.Errorf("the secret is %q, and told again", made.Secret)
	}
	at(201, "POST "+shop+"/secrets", "")
	at(409, "POST "+shop+"/secrets", "")
	at(204, "DELETE "+shop+"/secrets/"+made.ID, "")
	at(409, "DELETE /clients/pages", "")
	at(409, "PUT /clients/pages", `{"Flows":["refresh"]}`) // the pages could not be served after a restart
	at(409, "PUT /clients/pages", `{"Flows":[]}`)
	at(409, "PUT /clients/pages", `{"Confidential":true}`)
	at(200, "PUT /clients/pages", `{"Name":"Our pages"}`)
	at(204, "DELETE "+shop, "")

	at(201, "POST /groups", `{"Name":"staff","Precedence":1}`)
	at(204, "PUT /groups/staff", `{"Description":"who works here"}`)
	at(409, "POST /groups", `{"Name":"staff"}`)
	at(404, "DELETE /groups/none", "")

	at(422, "POST /users", `{"username":"`+ada+`"}`) // for whose address nobody vouches
	at(400, "POST /users", `{"username":"`+ada+`","odd":1}`)
	at(400, "POST /users", `{"username":"`+ada+`"} {}`)
	at(400, "POST /users", `{"password":"x"}`)
	u := at(201, "POST /users", `{"username":"`+ada+`","emailVerified":true,"groups":["staff"]}`)
	at(409, "POST /users", `{"username":"`+ada+`","emailVerified":true}`)
	if found := at(200, "GET /users?group=staff", ""); len(found.Users) != 1 || found.Users[0]["ID"] != u.ID {
		t.Errorf("staff are %s", found.body)
	}
	at(400, "GET /users?limit=x", "")
	at(422, "GET /users?limit=5000", "")
	at(422, "GET /users?after=x", "")
	at(204, "DELETE /users/"+u.ID+"/groups/staff", "")
	at(204, "POST /users/"+u.ID+"/disable", "")
	at(204, "POST /users/"+u.ID+"/enable", "")
	at(204, "POST /users/"+u.ID+"/sign-out", "")
	at(200, "GET /users/"+u.ID, "")
	at(204, "DELETE /users/"+u.ID, "")
	at(404, "GET /users/"+u.ID, "")
	at(404, "GET /users?login="+ada, "")
	at(204, "DELETE /groups/staff", "")

	for _, body := range []string{`{"id":"Acme"}`, `{"id":""}`, `{"id":"a/b"}`, `{"id":"-a"}`, `{"id":"a","odd":1}`, `[]`, `{"id":"` + strings.Repeat("a", 64) + `"}`} {
		n.operate(400, "POST", "/pools", body)
	}
	n.operate(409, "POST", "/pools", `{"id":"bolt","settings":{"Clients":[{"ID":"pages","Confidential":true}]}}`)
	n.operate(422, "POST", "/pools", `{"id":"bolt","settings":{"Sessions":{"Idle":-5}}}`)
	n.operate(404, "GET", "/pools/none/users", "")
	n.operate(200, "GET", "/pools/acme", "")
	if a := ask(t, http.DefaultClient, "POST", n.operator+"/pools", `{"id":"`+strings.Repeat("a", maxBody)+`"}`, "Authorization", "Bearer "+n.token); a.status != 400 {
		t.Errorf("a huge body = %d", a.status)
	}
}
