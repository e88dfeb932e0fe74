package pool_test

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/mfa/passkey/passkeytest"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

// costs are the use cases of the README's table: each line prepares what it needs, uncounted, and
// returns what is counted. What stands in a line of the table by several names has several here.
var costs = map[string]map[string]func(k *kit) (act func() error){
	"sign up": {
		"free": func(k *kit) func() error { return func() error { return up(k, ada, "correct horse battery") } },
		"taken": func(k *kit) func() error {
			k.confirmed(ada)
			return func() error { return up(k, ada, "correct horse battery") }
		},
	},
	"sign up with a chosen user name": {
		"free": func(k *kit) func() error {
			return func() error { return second(k.signUpAs("ada", user.Attributes{"email": ada})) }
		},
		"taken address": func(k *kit) func() error {
			k.confirmed(ada)
			return func() error { return second(k.signUpAs("ada", user.Attributes{"email": ada})) }
		},
	},
	"confirm, resend": {
		"right": func(k *kit) func() error {
			ticket := k.signUp(ada)
			code := k.code(ada, 1)
			return func() error { return confirm(k, ticket, code) }
		},
		"wrong": func(k *kit) func() error {
			ticket := k.signUp(ada)
			return func() error { return expect(confirm(k, ticket, "12345"), pool.ErrBadCode) }
		},
		"resend": func(k *kit) func() error {
			ticket := k.signUp(ada)
			return func() error { return second(k.ResendCode(k.t.Context(), pool.ResendInput{Ticket: ticket})) }
		},
	},
	"open a link in another browser": {"": func(k *kit) func() error {
		k.signUp(ada)
		link := k.link(ada, 1)
		return func() error { return second(k.confirmLink(link, "")) }
	}},
	"confirm by link and password": {"": func(k *kit) func() error {
		k.signUp(ada)
		ticket := k.opened(k.link(ada, 1))
		return func() error { return second(k.respond(ticket, right)) }
	}},
	"sign in, where your own challenge comes next": {"": func(k *kit) func() error {
		k.confirmed(ada)
		return func() error { return second(k.signIn(ada, right)) }
	}},
	"sign in by your own challenge: ask for it": {
		"owner": func(k *kit) func() error {
			k.confirmed(ada)
			return func() error { return second(k.start(ada, pool.Choice{Kind: mfa.KindCustom})) }
		},
		"unknown": func(k *kit) func() error {
			return func() error { return second(k.start(ada, pool.Choice{Kind: mfa.KindCustom})) }
		},
	},
	"sign in by your own challenge: choose it on the way": {
		"owner": func(k *kit) func() error {
			k.confirmed(ada)
			return chooses(k)
		},
		"unknown": chooses,
	},
	"sign in by your own challenge: answer, right or wrong": {
		"right": func(k *kit) func() error {
			k.confirmed(ada)
			need := k.riddle(ada)
			return func() error { return second(k.replies(need.Ticket, "wombat")) }
		},
		"wrong": func(k *kit) func() error {
			k.confirmed(ada)
			need := k.riddle(ada)
			return func() error { return expect(second(k.replies(need.Ticket, "koala")), pool.ErrBadCode) }
		},
		"unknown": func(k *kit) func() error {
			need := k.riddle(ada)
			return func() error { return expect(second(k.replies(need.Ticket, "wombat")), pool.ErrBadCode) }
		},
	},
	"sign in by your own challenge: answer one that another follows": {
		"owner": func(k *kit) func() error {
			k.confirmed(ada)
			need := k.riddle(ada)
			return func() error { return second(k.replies(need.Ticket, "wombat")) }
		},
		"unknown": func(k *kit) func() error {
			need := k.riddle(ada)
			return func() error { return second(k.replies(need.Ticket, "wombat")) }
		},
	},
	"sign in, right or wrong": {
		"right": func(k *kit) func() error {
			k.confirmed(ada)
			return func() error { return second(k.signIn(ada, right)) }
		},
		"new device": func(k *kit) func() error {
			k.confirmed(ada)
			k.clock.advance(2 * time.Hour)
			return func() error { return second(k.signIn(ada, right)) }
		},
		"wrong": func(k *kit) func() error {
			k.confirmed(ada)
			return func() error { return expect(second(k.signIn(ada, wrong)), pool.ErrNotAuthorized) }
		},
		"unknown": func(k *kit) func() error {
			return func() error { return expect(second(k.signIn(ada, wrong)), pool.ErrNotAuthorized) }
		},
		"unconfirmed": func(k *kit) func() error { k.signUp(ada); return func() error { return second(k.signIn(ada, right)) } },
		"migrated":    func(k *kit) func() error { return func() error { return second(k.signIn("old@example.com", weak)) } },
	},
	"refresh, sign out": {
		"refresh": func(k *kit) func() error {
			d := k.signedIn()
			return func() error { return second(k.refresh(d)) }
		},
		"sign out": func(k *kit) func() error {
			d := k.signedIn()
			return func() error { return k.SignOut(k.t.Context(), pool.SignOutInput{Token: d.Tokens.Refresh}) }
		},
		"of the account": func(k *kit) func() error {
			d := k.signedIn()
			return func() error {
				return k.as(d, func(a *pool.Account) error { return a.SignOut(k.t.Context(), pool.Caller{}) })
			}
		},
		"everywhere": func(k *kit) func() error {
			d := k.signedIn()
			return func() error {
				return k.as(d, func(a *pool.Account) error { return a.SignOutEverywhere(k.t.Context(), pool.Caller{}) })
			}
		},
	},
	"forgot password": {
		"owner":   func(k *kit) func() error { k.confirmed(ada); return func() error { k.forgot(ada); return nil } },
		"unknown": func(k *kit) func() error { return func() error { k.forgot(ada); return nil } },
	},
	"forgot user name": {
		"owner": func(k *kit) func() error {
			k.confirmed("ada")
			return func() error { return k.forgotName(ada) }
		},
		"unknown": func(k *kit) func() error { return func() error { return k.forgotName(ada) } },
	},
	"reset password, right code": {"": func(k *kit) func() error {
		k.confirmed(ada)
		ticket := k.forgot(ada)
		code := k.code(ada, 2)
		return func() error { return k.reset(ticket, code, another) }
	}},
	"reset password, wrong code": {"": func(k *kit) func() error {
		k.confirmed(ada)
		ticket := k.forgot(ada)
		return func() error { return expect(k.reset(ticket, "1234567", another), pool.ErrBadCode) }
	}},
	"change password": {
		"": func(k *kit) func() error {
			d := k.signedIn()
			return func() error {
				return k.as(d, func(a *pool.Account) error {
					return second(a.ChangePassword(k.t.Context(), pool.ChangePasswordInput{Old: right, New: another}))
				})
			}
		},
	},
	`answer to "new password"`: {
		"": func(k *kit) func() error {
			k.temporary(ada)
			ticket := k.asked(ada)
			return func() error { return second(k.choose(ticket, another)) }
		},
	},
	"read one's own account": {"": func(k *kit) func() error {
		d := k.signedIn()
		return func() error {
			return k.as(d, func(a *pool.Account) error { return second(a.Get(k.t.Context())) })
		}
	}},
	"change one's own attributes": {"": func(k *kit) func() error {
		d := k.signedIn()
		return func() error {
			return k.as(d, func(a *pool.Account) error {
				return a.UpdateAttributes(k.t.Context(), pool.ChangeAttributesInput{Attributes: user.Attributes{"name": "Ada"}})
			})
		}
	}},
	"change one's own user name": {"": func(k *kit) func() error {
		d := k.signedIn()
		return func() error {
			return k.as(d, func(a *pool.Account) error {
				return second(a.ChangeUsername(k.t.Context(), pool.ChangeUsernameInput{Username: "countess"}))
			})
		}
	}},
	"end one's own session": {"": func(k *kit) func() error {
		d := k.signedIn()
		all, _ := k.account(d).Sessions(k.t.Context())
		return func() error {
			return k.as(d, func(a *pool.Account) error { return a.EndSession(k.t.Context(), pool.EndSessionInput{ID: all[0].ID}) })
		}
	}},
	"ask for another address": {"": func(k *kit) func() error {
		d := k.signedIn()
		return func() error { k.ask(d, phone); return nil }
	}},
	"confirm it": {
		"right": func(k *kit) func() error {
			d := k.signedIn()
			k.ask(d, phone)
			code := k.code(phone, 1)
			return func() error { return second(k.prove(d, code, message.SMS)) }
		},
		"wrong": func(k *kit) func() error {
			d := k.signedIn()
			k.ask(d, phone)
			return func() error { return expect(second(k.prove(d, "00000000", message.SMS)), pool.ErrBadCode) }
		},
	},
	"undo that by its link": {"": func(k *kit) func() error {
		k.changed(k.signedIn(), ada2, 1)
		link := k.undo(ada, 2)
		return func() error { return k.cancel(link) }
	}},
	"export one's own data": {"": func(k *kit) func() error {
		d := k.signedIn()
		return func() error {
			return k.as(d, func(a *pool.Account) error { return a.Export(k.t.Context(), io.Discard, pool.ExportInput{}) })
		}
	}},
	"delete one's own account": {"": func(k *kit) func() error {
		d := k.signedIn()
		return func() error {
			return k.as(d, func(a *pool.Account) error { return a.Delete(k.t.Context(), pool.DeleteInput{}) })
		}
	}},
	"begin a sign-in by a passkey": {
		"of anybody": func(k *kit) func() error { return func() error { k.byPasskey(""); return nil } },
		"of nobody":  func(k *kit) func() error { return func() error { k.byPasskey(ada); return nil } },
		"of one": func(k *kit) func() error {
			k.confirmed(ada)
			k.newPasskey(ada, passkeytest.New(localhost))
			return func() error { k.byPasskey(ada); return nil }
		},
	},
	"sign in by a passkey, right or wrong": {
		"right": func(k *kit) func() error {
			k.confirmed(ada)
			device := passkeytest.New(localhost)
			k.newPasskey(ada, device)
			need := k.byPasskey("")
			return func() error { return second(k.enter(need, device)) }
		},
		"wrong": func(k *kit) func() error {
			k.confirmed(ada)
			device := passkeytest.New(localhost)
			k.newPasskey(ada, device)
			need := k.byPasskey("")
			device.Absent = true
			return func() error { return expect(second(k.enter(need, device)), pool.ErrNotAuthorized) }
		},
	},
	"make or remove a passkey": {
		"ask": func(k *kit) func() error {
			a := k.account(k.signedIn())
			return func() error { return second(a.AddPasskey(k.t.Context(), pool.AddPasskeyInput{})) }
		},
		"make": func(k *kit) func() error {
			a := k.account(k.signedIn())
			need, err := a.AddPasskey(k.t.Context(), pool.AddPasskeyInput{})
			if err != nil {
				k.t.Fatal(err)
			}
			in := made(k.t, need, passkeytest.New(localhost))
			return func() error { return second(a.ConfirmPasskey(k.t.Context(), in)) }
		},
		"remove": func(k *kit) func() error {
			a := k.account(k.signedIn())
			in := pool.RemovePasskeyInput{ID: k.givePasskey(ada)}
			return func() error { return second(a.RemovePasskey(k.t.Context(), in)) }
		},
	},
	"end all other sessions": {"": func(k *kit) func() error {
		k.signedIn()
		a := k.opens(k.browse(ada))
		return func() error { return second(a.EndOtherSessions(k.t.Context(), pool.EndOtherSessionsInput{})) }
	}},
	"answer with a code of an app, or a recovery code": {
		"right": func(k *kit) func() error {
			seed := k.withApp(k.signedIn())
			k.clock.advance(30 * time.Second)
			ticket := k.askedTOTP(ada)
			return func() error { return second(k.respondCode(ticket, seed.Code(k.clock.Now()))) }
		},
		"wrong": func(k *kit) func() error {
			seed := k.withApp(k.signedIn())
			ticket := k.askedTOTP(ada)
			return func() error {
				return expect(second(k.respondCode(ticket, offBy(seed, k.clock.Now()))), pool.ErrBadCode)
			}
		},
		"recovery": func(k *kit) func() error {
			d := k.signedIn()
			k.withApp(d)
			ticket := k.askedTOTP(ada)
			in := pool.RespondInput{Ticket: ticket, With: pool.RecoveryCode{Value: d.RecoveryCodes[0]}}
			return func() error { return second(k.Respond(k.t.Context(), in)) }
		},
		"setting up": func(k *kit) func() error {
			k.confirmed(ada)
			k.put(func(s *pool.Settings) { s.MFA.Require, s.MFA.Kinds = mfa.Required, []mfa.Kind{mfa.KindTOTP} })
			need := k.settingUp(ada)
			return func() error { return second(k.respondCode(need.Ticket, need.Seed.Code(k.clock.Now()))) }
		},
	},
	"sign in by a code that is sent: ask, answer": {
		"ask":        func(k *kit) func() error { k.confirmed(ada); return func() error { k.sent(ada); return nil } },
		"ask nobody": func(k *kit) func() error { return func() error { k.sent(ada); return nil } },
		"right": func(k *kit) func() error {
			k.confirmed(ada)
			need, code := k.sent(ada), k.code(ada, 2)
			return func() error { return second(k.respondCode(need.Ticket, code)) }
		},
		"wrong": func(k *kit) func() error {
			need := k.sent(ada)
			return func() error { return expect(second(k.respondCode(need.Ticket, "12345678")), pool.ErrBadCode) }
		},
		"as a second factor": func(k *kit) func() error {
			k.coded(ada)
			need, code := k.posed(ada), k.code(ada, 2)
			return func() error { return second(k.respondCode(need.Ticket, code)) }
		},
		"another": func(k *kit) func() error {
			k.coded(ada)
			need := k.posed(ada)
			return func() error { k.again(need); return nil }
		},
	},
	"set up or end codes that are sent as a second factor": {
		"ask": func(k *kit) func() error {
			a, in := k.account(k.signedIn()), pool.AddCodesInput{By: mfa.KindEmail}
			return func() error { return second(a.AddCodes(k.t.Context(), in)) }
		},
		"confirm": func(k *kit) func() error {
			a := k.account(k.signedIn())
			need, err := a.AddCodes(k.t.Context(), pool.AddCodesInput{By: mfa.KindEmail})
			if err != nil {
				k.t.Fatal(err)
			}
			in := pool.ConfirmCodesInput{By: mfa.KindEmail, Ticket: need.Ticket, Code: k.factorCode(ada)}
			return func() error { return second(a.ConfirmCodes(k.t.Context(), in)) }
		},
		"end": func(k *kit) func() error {
			d := k.signedIn()
			k.withCodes(d)
			a, in := k.account(d), pool.RemoveCodesInput{By: mfa.KindEmail}
			return func() error { return second(a.RemoveCodes(k.t.Context(), in)) }
		},
	},
	"add, confirm or remove one's own app, make recovery codes": {
		"add": func(k *kit) func() error {
			d := k.signedIn()
			return func() error {
				return k.as(d, func(a *pool.Account) error {
					return second(a.AddAuthenticator(k.t.Context(), pool.AddAuthenticatorInput{}))
				})
			}
		},
		"confirm": func(k *kit) func() error {
			d := k.signedIn()
			setup := k.addApp(d)
			return func() error { return second(k.confirmApp(d, setup.Ticket, setup.Seed.Code(k.clock.Now()))) }
		},
		"remove": func(k *kit) func() error {
			d := k.signedIn()
			k.withApp(d)
			in := pool.RemoveAuthenticatorInput{ID: k.user(ada).Factors.Apps[0].ID}
			return func() error {
				return k.as(d, func(a *pool.Account) error { return second(a.RemoveAuthenticator(k.t.Context(), in)) })
			}
		},
		"new recovery codes": func(k *kit) func() error {
			d := k.signedIn()
			k.withApp(d)
			return func() error {
				return k.as(d, func(a *pool.Account) error {
					return second(a.MakeRecoveryCodes(k.t.Context(), pool.MakeRecoveryCodesInput{}))
				})
			}
		},
	},
	"step up, with all that it takes shown already": {"": func(k *kit) func() error {
		d := k.signedIn()
		return func() error {
			return k.as(d, func(a *pool.Account) error { return second(a.StepUp(k.t.Context(), pool.StepUpInput{})) })
		}
	}},
	"whose browser session it is": {
		"live": func(k *kit) func() error {
			k.confirmed(ada)
			d := k.browse(ada)
			return func() error { return k.visit(d) }
		},
		"over": func(k *kit) func() error {
			k.confirmed(ada)
			d := k.browse(ada)
			k.disable(ada)
			return func() error { return expect(k.visit(d), pool.ErrNotAuthorized) }
		},
	},
	"the same, once in two hours": {"": func(k *kit) func() error {
		k.confirmed(ada)
		d := k.browse(ada)
		k.clock.advance(2 * time.Hour)
		return func() error { return k.visit(d) }
	}},
	"make a user, invite again, set a password": {
		"make": func(k *kit) func() error {
			return func() error {
				return second(k.admin().CreateUser(k.t.Context(), pool.CreateUserInput{Username: ada, EmailVerified: true}))
			}
		},
		"again": func(k *kit) func() error {
			k.invited(ada)
			return func() error {
				return k.admin().ResendInvitation(k.t.Context(), pool.ResendInvitationInput{ID: k.user(ada).ID})
			}
		},
		"set": func(k *kit) func() error {
			k.confirmed(ada)
			return func() error {
				return k.admin().SetPassword(k.t.Context(), pool.SetPasswordInput{ID: k.user(ada).ID, Password: another})
			}
		},
	},
	"any other act of an administrator": {
		"disable": func(k *kit) func() error {
			k.confirmed(ada)
			return func() error { return k.admin().Disable(k.t.Context(), k.user(ada).ID) }
		},
		"reset": func(k *kit) func() error {
			k.confirmed(ada)
			return func() error {
				return second(k.admin().ResetPassword(k.t.Context(), pool.RequireResetInput{ID: k.user(ada).ID}))
			}
		},
		"impersonate": func(k *kit) func() error {
			k.confirmed(ada)
			return func() error {
				in := pool.ImpersonateInput{ID: k.user(ada).ID, Reason: "ticket 7"}
				return second(k.admin().Impersonate(k.t.Context(), in))
			}
		},
		"forget a device": func(k *kit) func() error {
			k.signedIn()
			id := k.remembered(ada)
			return func() error { return k.admin().ForgetDevice(k.t.Context(), k.user(ada).ID, id) }
		},
		"reset factors": func(k *kit) func() error {
			k.withApp(k.signedIn())
			return func() error { return k.admin().ResetFactors(k.t.Context(), k.user(ada).ID) }
		},
		"confirm": func(k *kit) func() error {
			k.signUp(ada)
			return func() error {
				return k.admin().ConfirmSignUp(k.t.Context(), pool.ConfirmUserInput{ID: k.user(ada).ID, EmailVerified: true})
			}
		},
	},
	"look at a user, or a page of users": {
		"find": func(k *kit) func() error {
			k.confirmed(ada)
			return func() error { return second(k.admin().FindUser(k.t.Context(), ada)) }
		},
		"list": func(k *kit) func() error {
			k.confirmed(ada)
			return func() error { return second(k.admin().ListUsers(k.t.Context(), begins("email", "ada"))) }
		},
	},
	"introspect a token": {"": func(k *kit) func() error {
		app, d := k.serverApp()
		return func() error { return second(app.Introspect(k.t.Context(), d.Tokens.Access)) }
	}},
	"revoke a token": {"": func(k *kit) func() error {
		app, d := k.serverApp()
		return func() error { return app.Revoke(k.t.Context(), d.Tokens.Refresh) }
	}},
	"verify a token": {"": func(k *kit) func() error {
		d := k.signedIn()
		return func() error {
			v, err := k.Verifier()
			if err != nil {
				return err
			}
			return second(v.Verify(k.t.Context(), d.Tokens.Access.Reveal()))
		}
	}},
}

func (k *kit) signedIn() *pool.Done {
	k.confirmed(ada)
	return k.done(ada)
}

func (k *kit) as(d *pool.Done, act func(*pool.Account) error) error {
	a, err := k.Account(k.t.Context(), d.Tokens.Access)
	if err != nil {
		return err
	}
	return act(a)
}

// chooses chooses a challenge among the ways in.
func chooses(k *kit) func() error {
	step, err := k.start(ada, nil)
	choice, ok := step.(*pool.NeedChoice)
	if err != nil || !ok {
		k.t.Fatalf("SignIn = %v, %v, want NeedChoice", step, err)
	}
	return func() error { return second(k.answer(choice.Ticket, pool.Choice{Kind: mfa.KindCustom})) }
}

// Every use case costs what the README's table says: no line of it is without a test, nor a test
// without a line.
func TestCostsAreThoseOfTheREADME(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(readme), "| use case | password hashes | reads | commits |\n| --- | --- | --- | --- |\n")
	if !ok {
		t.Fatal("the README has no table of costs")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	said := map[string]string{}
	for line := range strings.Lines(table) {
		name, numbers, _ := strings.Cut(strings.Trim(strings.TrimSpace(line), "| "), " | ")
		said[name] = numbers
		if costs[name] == nil {
			t.Errorf("no test says that %q costs %s", name, numbers)
		}
	}
	for name, cases := range costs {
		for which, prepare := range cases {
			t.Run(name+"/"+which, func(t *testing.T) {
				t.Parallel()
				k := open(t, restores, passkeys, func(c *pool.Config) {
					if strings.Contains(name, "is sent") || strings.Contains(name, "are sent") {
						begun(c)
						c.Settings.MFA.Kinds = []mfa.Kind{mfa.KindEmail}
					}
					if strings.Contains(name, "link") {
						byLink(c)
					}
					if strings.Contains(name, "user name") {
						renaming(c)
					}
					if strings.Contains(name, "challenge") {
						challenges(animal())(c)
					}
					if strings.Contains(name, "by your own challenge") {
						c.Settings.MFA = pool.MFASettings{}
						byChallenge(animal())(c)
					}
					if strings.Contains(name, "another follows") {
						c.Hooks = led()
					}
					if which == "migrated" {
						c.Hooks.MigrateUser = knownAs(nil).migrate
					}
				})
				act := prepare(k)
				k.store.reset()
				hashes := k.Hashes()
				if err := act(); err != nil {
					t.Fatal(err)
				}
				reads, commits := k.store.counted()
				if got := fmt.Sprintf("%d | %d | %d", k.Hashes()-hashes, reads, len(commits)); got != strings.TrimSuffix(said[name], ", and 1 every two hours") {
					t.Errorf("hashes, reads and commits are %s, the README says %q", got, said[name])
				}
			})
		}
	}
}

// serverApp makes the pool's client confidential, and signs ada in to it.
func (k *kit) serverApp() (*pool.App, *pool.Done) {
	k.t.Helper()
	k.permanent(ada)
	k.put(func(s *pool.Settings) { s.Clients[0].Confidential = true })
	secret := k.secret("default")
	d, err := k.signInWith(secret)
	if err != nil {
		k.t.Fatal(err)
	}
	app, err := k.App(k.t.Context(), "", secret, pool.Caller{})
	if err != nil {
		k.t.Fatal(err)
	}
	return app, d
}
