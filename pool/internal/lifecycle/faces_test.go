package lifecycle_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/userpool-go/userpool/pool"
)

// faces are what a program holds of a pool.
var faces = []reflect.Type{
	reflect.TypeFor[*pool.Pool](), reflect.TypeFor[*pool.Account](), reflect.TypeFor[*pool.Admin](),
	reflect.TypeFor[*pool.Directory](),
}

// beside are the methods that no operation is about, each with the reason.
var beside = map[string]string{
	"Pool.ID":                      "changes nothing: names the pool",
	"Pool.Issuer":                  "changes nothing: names the pool",
	"Pool.Settings":                "changes nothing",
	"Pool.WaysIn":                  "changes nothing, and reads nothing",
	"Pool.JWKS":                    "changes nothing",
	"Pool.Verifier":                "changes nothing; each audit asks one",
	"Pool.Health":                  "changes nothing",
	"Pool.Stats":                   "changes nothing",
	"Directory.Health":             "changes nothing",
	"Directory.Stats":              "changes nothing",
	"Pool.Account":                 "opens a face, on which the operations of owners are",
	"Admin.AddClientSecret":        "secrets of app clients are another story, told in package pool",
	"Admin.ListClientSecrets":      "secrets of app clients are another story, told in package pool",
	"Admin.DeleteClientSecret":     "secrets of app clients are another story, told in package pool",
	"Pool.App":                     "opens a face; app clients are another story, told in package pool",
	"Admin.CreateClient":           "app clients are another story, told in package pool",
	"Admin.UpdateClient":           "app clients are another story, told in package pool",
	"Admin.DeleteClient":           "app clients are another story, told in package pool",
	"Directory.Pool":               "changes nothing; each audit asks it of a pool that was deleted",
	"Directory.ByIssuer":           "changes nothing",
	"Directory.ByClient":           "changes nothing",
	"Directory.Pools":              "changes nothing; each audit counts by it",
	"Directory.Close":              "ends a world",
	"Admin.ListGroups":             "changes nothing",
	"Admin.CountUsers":             "changes nothing",
	"Admin.ListEvents":             "the history of events is another story, told in package pool",
	"Account.Assured":              "changes nothing, and reads nothing",
	"Account.Admin":                "opens a face; roles are another story, told in package pool",
	"Admin.Only":                   "narrows a face; roles are another story, told in package pool",
	"Admin.Role":                   "changes nothing",
	"Pool.Admin":                   "opens a face, on which the operations of administrators are",
	"Pool.ForgotUsername":          "changes nothing: sends a message",
	"Pool.Close":                   "ends a world",
	"Pool.VerifyEvents":            "the history of events is another story, told in package pool",
	"Pool.ListEvents":              "the history of events is another story, told in package pool",
	"Pool.EraseEvents":             "the history of events is another story, told in package pool",
	"Admin.Settings":               "changes nothing",
	"Admin.Plan":                   "changes nothing",
	"Admin.FindUser":               "changes nothing; each audit asks it of every login",
	"Admin.ListUsers":              "changes nothing; each audit compares the list with the model",
	"Account.Export":               "changes nothing",
	"Account.RememberedDevices":    "changes nothing",
	"Account.RenameDevice":         "second factors are another story, told in package pool",
	"Account.ForgetDevice":         "second factors are another story, told in package pool",
	"Account.Factors":              "changes nothing",
	"Account.Passkeys":             "changes nothing",
	"Account.AddPasskey":           "passkeys are another story, told in package pool",
	"Account.ConfirmPasskey":       "passkeys are another story, told in package pool",
	"Account.RenamePasskey":        "passkeys are another story, told in package pool",
	"Account.RemovePasskey":        "passkeys are another story, told in package pool",
	"Account.AskForPasskey":        "passkeys are another story, told in package pool",
	"Account.PreferFactor":         "second factors are another story, told in package pool",
	"Account.AddAuthenticator":     "second factors are another story, told in package pool",
	"Account.ConfirmAuthenticator": "second factors are another story, told in package pool",
	"Account.AddCodes":             "second factors are another story, told in package pool",
	"Account.ConfirmCodes":         "second factors are another story, told in package pool",
	"Account.RemoveCodes":          "second factors are another story, told in package pool",
	"Account.RenameAuthenticator":  "second factors are another story, told in package pool",
	"Account.RemoveAuthenticator":  "second factors are another story, told in package pool",
	"Account.MakeRecoveryCodes":    "second factors are another story, told in package pool",
	"Admin.Factors":                "changes nothing",
	"Admin.RememberedDevices":      "changes nothing",
	"Admin.ForgetDevice":           "remembered devices are another story, told in package pool",
	"Admin.ResetFactors":           "second factors are another story, told in package pool",
	"Account.ChangeUsername":       "nobody prefers a name here",
}

// Every method of every face is one that an operation is about, or is listed with the reason why not.
func TestOperationsAreComplete(t *testing.T) {
	t.Parallel()
	var about, all []string
	for _, o := range operations {
		about = append(about, o.calls...)
	}
	for _, face := range faces {
		for m := range face.Methods() {
			name := face.Elem().Name() + "." + m.Name
			all = append(all, name)
			if told := beside[name] != ""; told == slices.Contains(about, name) {
				t.Errorf("%s: write an operation about it, or say in beside why there is none; not both", name)
			}
		}
	}
	for name := range beside {
		if !slices.Contains(all, name) {
			t.Errorf("%s is listed, and is no method", name)
		}
	}
	for _, name := range about {
		if !slices.Contains(all, name) {
			t.Errorf("an operation is about %s, which is no method", name)
		}
	}
}
