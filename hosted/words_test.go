package hosted_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/hosted"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
)

// asked returns all keys of words that the pages may ask for: those that stand in the source, and those that
// are made of the names of pages, fields, rules and failures. A key that ends in "?" need not be there.
func asked(t *testing.T) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	need := func(all ...string) {
		for _, k := range all {
			key, optional := strings.CutSuffix(k, "?")
			keys[key] = keys[key] || !optional
		}
	}
	var fields []string
	for _, s := range everySettings() {
		pages, names := hosted.WordsOf(s)
		fields = append(fields, names...)
		for _, p := range append(pages, "confirm_link", "choose_enrol", "choose_first", "code_first", "passkey_first") {
			if slices.Contains([]string{"resend", "add_app", "add_passkey", "add_codes", "prefer_factor", "ask_for_passkey", "by_passkey", "new_recovery_codes", "remove_factor"}, p) { // buttons
				continue
			}
			need(p+".title", p+".intro?", p+".intro_unnamed?")
			if !slices.Contains([]string{"account", "security", "confirm_link", "choose", "choose_enrol", "choose_first", "code_first", "passkey_first"}, p) {
				need(p + ".submit")
			}
			for _, to := range pages {
				need(p+".to_"+to+"?", "factor.to_"+to+"?", "to."+to+"?")
			}
		}
	}
	for _, f := range slices.Compact(slices.Sorted(slices.Values(fields))) {
		if f == "attribute_custom:size" || f == "" || f == "passkey" {
			continue
		}
		need("field."+f, "hint."+f+"?", "error."+f+"?")
		for _, rule := range rules {
			need("error." + f + "." + rule + "?")
		}
	}
	for _, rule := range append(rules, "login_taken", "required", "bounds", "") {
		need("error.attributes."+rule+"?", "error.username."+rule+"?")
	}
	need("security.totp", "unnamed.totp", "security.passkey", "unnamed.passkey", "security.device", "unnamed.device", "security.sms", "security.email")
	need("error.passkey", "passkey.refused", "set_up_passkey.refused") // told by the script
	need("error.username", "error.attributes", "error.invalid", "error.refused")
	for _, name := range hosted.Failures() {
		switch name {
		case "start_again", "wrong_code", "try_again", "needs_proof":
		default:
			need("error." + name)
		}
	}
	for _, kind := range kinds {
		need("kind." + string(kind))
	}
	source := regexp.MustCompile(`(?:say\(|\[\]string\{|refusal\{[\w.]+, |Notice(?::|\s*=)\s*|name == )"([a-z_.]+)"`)
	files, _ := filepath.Glob("*.go")
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range source.FindAllStringSubmatch(string(text), -1) {
			switch {
			case strings.HasPrefix(m[0], "Notice"), strings.Contains(m[0], "Notice:"):
				need("notice." + m[1])
			case strings.HasPrefix(m[0], "refusal"):
				need("problem."+m[1]+".title", "problem."+m[1]+".text")
			case strings.HasPrefix(m[0], "say") && !strings.HasSuffix(m[1], "."): // else it is made of a name
				need(m[1])
			}
		}
	}
	need("notice.start_again", "error.stale_form", "problem.try_again.title", "problem.try_again.text", "problem.internal.title", "problem.internal.text")
	return keys
}

var rules = []string{
	string(password.RuleLength), string(password.RuleText), string(password.RuleUppercase), string(password.RuleLowercase),
	string(password.RuleNumbers), string(password.RuleSymbols), string(password.RuleCommon), string(password.RuleContext),
	string(password.RuleHistory), string(password.RuleBreached), "wrong_code",
}

var kinds = []mfa.Kind{
	mfa.KindPassword, mfa.KindTOTP, mfa.KindSMS, mfa.KindEmail, mfa.KindPasskey, mfa.KindRecovery, mfa.KindCustom, pool.LostFactors,
}

// everySettings are settings that together ask for every field there is.
func everySettings() []pool.Settings {
	all := []pool.Settings{
		identifiers(pool.Email), identifiers(pool.Phone), identifiers(pool.Username), identifiers(pool.Phone, pool.Email),
		identifiers(pool.Email, pool.Username), identifiers(pool.Phone, pool.Username), identifiers(pool.Email, pool.Phone, pool.Username),
	}
	return append(all, pool.Settings{
		Devices: pool.DeviceSettings{Remember: pool.RememberByChoice},
		SignIn:  pool.SignInSettings{Identifiers: []pool.Identifier{pool.Username}},
		Attributes: schema("address", "birthdate", "family_name", "gender", "given_name", "locale", "middle_name", "name", "nickname",
			"phone_number", "picture", "preferred_username", "profile", "website", "zoneinfo", "custom:size"),
	})
}

// No key is missing in any language, and none is there that nobody asks for.
func TestWordsAreComplete(t *testing.T) {
	t.Parallel()
	keys := asked(t)
	all := hosted.Catalogs()
	if len(all) < 2 {
		t.Fatalf("%d languages", len(all))
	}
	for lang, words := range all {
		for key, must := range keys {
			if words[key] == "" && must {
				t.Errorf("%s lacks %s", lang, key)
			}
		}
		for key := range words {
			if _, used := keys[key]; !used && key != "dir" {
				t.Errorf("%s has %s, which nobody asks for", lang, key)
			}
		}
		for key, en := range all["en"] {
			if got, want := braces(words[key]), braces(en); !slices.Equal(got, want) {
				t.Errorf("%s: %s fills in %v, English %v", lang, key, got, want)
			}
		}
		if got, want := slices.Sorted(maps.Keys(words)), slices.Sorted(maps.Keys(all["en"])); !slices.Equal(got, want) {
			t.Errorf("%s has other keys than English", lang)
		}
		if words["dir"] != "ltr" && words["dir"] != "rtl" {
			t.Errorf("%s is written %q", lang, words["dir"])
		}
	}
}

func braces(s string) []string {
	return slices.Sorted(slices.Values(regexp.MustCompile(`\{\w+\}`).FindAllString(s, -1)))
}

func TestLanguages(t *testing.T) {
	t.Parallel()
	s := development(t)
	for want, all := range map[string][]string{
		"de": {"de", "de-AT", "de-CH,en;q=0.5", "fr,de;q=0.8", "gsw"},
		"en": {"", "en", "en-GB,de;q=0.9", "fr", "ja", "*", "de;q=x", "\xff", "x-klingon", strings.Repeat("de,", 200), "../de"},
	} {
		for _, lang := range all {
			b := s.browser()
			b.lang = lang
			p := b.open("/auth/sign-up")
			b.shows(p, `<html lang="`+want+`" dir="ltr">`)
			if got := p.header.Get("Content-Language"); got != want {
				t.Errorf("%q gets %q, want %q", lang, got, want)
			}
		}
	}
	b := s.browser()
	b.lang = "de"
	p := b.post(b.open("/auth/sign-in"), "submit", "username", ada, "password", secret)
	b.shows(p, "Das hat nicht geklappt.")
	b.post(b.open("/auth/sign-up"), "submit", "username", ada, "password", secret)
	if m := s.Mail.To(ada); len(m) != 1 || m[0].Locale != "de" {
		t.Errorf("the mail is in %v", m)
	}
}

// Every error of the pool that a visitor can meet has its words; the others are ours alone.
func TestEveryErrorOfThePoolIsKnown(t *testing.T) {
	t.Parallel()
	ours := map[error]bool{
		pool.ErrNoKeyring: true, pool.ErrWrongKeyring: true, pool.ErrUnknownClient: true, pool.ErrUnfinished: true,
		pool.ErrFlowNotAllowed: true, // of another app, or by a mistake of ours
		pool.ErrSecretLimit:    true,
		pool.ErrStale:          true, pool.ErrFixedInCode: true, pool.ErrExists: true, pool.ErrNotReady: true, // only administrators meet them
		pool.ErrBehind: true, pool.ErrClock: true, // of Health, which no page asks for
	}
	for name, err := range poolErrors(t) {
		status, told := hosted.FailureOf(err)
		if (told == "internal") != ours[err] || status < 400 {
			t.Errorf("pool.%s is told as %q with %d", name, told, status)
		}
	}
}

// poolErrors returns the exported errors of package pool, and fails for one that is not listed.
func poolErrors(t *testing.T) map[string]error {
	t.Helper()
	known := map[string]error{
		"ErrNotAuthorized": pool.ErrNotAuthorized, "ErrBadCode": pool.ErrBadCode, "ErrTicketGone": pool.ErrTicketGone,
		"ErrWrongStep": pool.ErrWrongStep, "ErrLoginTaken": pool.ErrLoginTaken, "ErrInvalid": pool.ErrInvalid,
		"ErrLimited": pool.ErrLimited, "ErrNetworkBlocked": pool.ErrNetworkBlocked, "ErrUnavailable": pool.ErrUnavailable, "ErrClosed": pool.ErrClosed,
		"ErrNoKeyring": pool.ErrNoKeyring, "ErrWrongKeyring": pool.ErrWrongKeyring, "ErrUnknownClient": pool.ErrUnknownClient,
		"ErrFlowNotAllowed": pool.ErrFlowNotAllowed, "ErrSecretLimit": pool.ErrSecretLimit,
		"ErrUnfinished": pool.ErrUnfinished, "ErrNotFound": pool.ErrNotFound, "ErrNotAllowed": pool.ErrNotAllowed,
		"ErrForbidden": pool.ErrForbidden, "ErrStale": pool.ErrStale, "ErrFixedInCode": pool.ErrFixedInCode,
		"ErrExists": pool.ErrExists, "ErrNotReady": pool.ErrNotReady, "ErrNeedsProof": pool.ErrNeedsProof, "ErrNoFactor": pool.ErrNoFactor, "ErrNeedsStepUp": pool.ErrNeedsStepUp,
		"ErrBehind": pool.ErrBehind, "ErrClock": pool.ErrClock,
	}
	files, _ := filepath.Glob("../pool/*.go")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`(?m)^(?:var |\t)(Err[A-Z]\w+)\s+= errors\.New`).FindAllStringSubmatch(string(text), -1) {
			if known[m[1]] == nil {
				t.Errorf("pool.%s is new: say in hosted/outcome.go how visitors are told", m[1])
			}
		}
	}
	return known
}
