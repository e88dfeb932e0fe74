package message_test

import (
	"strings"
	"testing"

	"github.com/userpool-go/userpool/message"
)

func TestProblemsOfNone(t *testing.T) {
	t.Parallel()
	longest := good
	longest.Subject, longest.Text = strings.Repeat("é", 140), strings.Repeat("é", 20_000-6)+"{####}"
	shortest := good
	shortest.Subject, shortest.Text, shortest.HTML = "s", "{####}", ""
	styled := good
	styled.HTML = "<style>p{color:#222}</style><p>{####}<br>{ {# {## {ip-address}\t\r\n"
	for name, s := range map[string]message.Settings{
		"zero": {}, "good": settings(good), "longest": settings(longest), "shortest": settings(shortest),
		"braces and open elements": settings(styled),
		"each in its locale": settings(good, with(func(t *message.Template) { t.Locale = "fr-CA" }),
			with(func(t *message.Template) { t.Locale = "" }), with(func(t *message.Template) { t.Locale = "zh-Hant-TW" })),
		"SMS alone": settings(message.Template{Kind: message.ConfirmSignUp, SMS: "{####}"}),
		"SMS beside email": settings(with(func(t *message.Template) {
			t.SMS = strings.Repeat("é", 100) + "{username}: {####}\n@shop.example #{####}"
		})),
		"link":                settings(linkTemplate),
		"no code in a notice": settings(message.Template{Kind: message.PasswordChanged, Subject: "s", Text: "{username}: changed"}),
	} {
		if ps := s.Problems(); ps != nil {
			t.Errorf("%s: %q", name, ps)
		}
	}
}

// with returns the good template after a change.
func with(change func(*message.Template)) message.Template {
	t := good
	change(&t)
	return t
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*message.Template)
		want   []string
	}{
		{"unknown kind", func(t *message.Template) { t.Kind = "palm_reading" }, []string{"no such kind"}},
		{"no kind", func(t *message.Template) { t.Kind = "" }, []string{"no such kind"}},
		{"no language", func(t *message.Template) { t.Locale = "und" }, []string{"locale"}},
		{"region alone", func(t *message.Template) { t.Locale = "und-DE" }, []string{"locale"}},
		{"unknown language", func(t *message.Template) { t.Locale = "qq" }, []string{"locale"}},
		{"several languages", func(t *message.Template) { t.Locale = "de, fr" }, []string{"locale"}},
		{"path as locale", func(t *message.Template) { t.Locale = "../de" }, []string{"locale"}},
		{
			"locale of 1 MB", func(t *message.Template) { t.Locale = strings.Repeat("de-", 350_000) },
			[]string{"locale", "together"},
		},
		{ // which took half a minute to read
			"locale of many variants", func(t *message.Template) { t.Locale = "en-" + strings.Repeat("abcde-", 200_000) },
			[]string{"locale", "together"},
		},
		{"long locale", func(t *message.Template) { t.Locale = "de-x-aaaaaaaa-bbbbbbbb-cccccccc-dddddddd" }, []string{"locale"}},
		{
			"short notice", func(t *message.Template) { t.Kind, t.Text, t.HTML = message.PasswordChanged, "12345", "" },
			[]string{"text has 6 to 20000"},
		},
		{"no subject", func(t *message.Template) { t.Subject = "" }, []string{"subject has 1 to 140"}},
		{"blank subject", func(t *message.Template) { t.Subject = " \u2003" }, []string{"subject has 1 to 140"}},
		{"long subject", func(t *message.Template) { t.Subject = strings.Repeat("é", 141) }, []string{"subject has 1 to 140"}},
		{"header line", func(t *message.Template) { t.Subject = "Hi\r\nBcc: eve@example.com" }, []string{"subject is one line"}},
		{"line separator", func(t *message.Template) { t.Subject = "Hi\u2028" }, []string{"subject is one line"}},
		{"subject with NUL", func(t *message.Template) { t.Subject = "Hi\x00" }, []string{"subject is one line"}},
		{"code in subject", func(t *message.Template) { t.Subject = "{####}" }, []string{"subject holds no {####}"}},
		{"link in subject", func(t *message.Template) { t.Subject = "{##a##}" }, []string{"subject holds the placeholder of a link"}},
		{"subject of bytes", func(t *message.Template) { t.Subject = "\xff" }, []string{"subject is not UTF-8"}},
		{"no text", func(t *message.Template) { t.Text = "" }, []string{"text has 6 to 20000", "text lacks"}},
		{"long text", func(t *message.Template) { t.Text = strings.Repeat("é", 20_000-5) + "{####}" }, []string{"text has 6 to 20000"}},
		{"text without code", func(t *message.Template) { t.Text = "{###} {##} {####" }, []string{"text lacks {####}"}},
		{"text with NUL", func(t *message.Template) { t.Text += "\x00" }, []string{"text holds a control"}},
		{"text of bytes", func(t *message.Template) { t.Text += "\xff" }, []string{"text is not UTF-8"}},
		{"HTML without code", func(t *message.Template) { t.HTML = "<p>Hello</p>" }, []string{"HTML lacks {####}"}},
		{"short HTML", func(t *message.Template) { t.HTML = "<p>" }, []string{"HTML has 6 to 20000", "HTML lacks"}},
		{"long HTML", func(t *message.Template) { t.HTML += strings.Repeat("x", 20_000) }, []string{"HTML has 6 to 20000"}},
		{"short SMS", func(t *message.Template) { t.SMS = "12345" }, []string{"SMS has 6 to 140", "SMS lacks {####}"}},
		{"long SMS", func(t *message.Template) { t.SMS = strings.Repeat("é", 135) + "{####}" }, []string{"SMS has 6 to 140"}},
		{"SMS without code", func(t *message.Template) { t.SMS = "Hello there" }, []string{"SMS lacks {####}"}},
		{"SMS with NUL", func(t *message.Template) { t.SMS = "{####}\x00" }, []string{"SMS holds a control"}},
		{"SMS of bytes", func(t *message.Template) { t.SMS = "{####}\xff" }, []string{"SMS is not UTF-8"}},
		{"link in an SMS", func(t *message.Template) { t.SMS = "{####}{##a##}" }, []string{"SMS holds the placeholder of a link"}},
		{"code in an SMS notice", func(t *message.Template) {
			*t = message.Template{Kind: message.PasswordChanged, SMS: "{####}"}
		}, []string{"SMS holds {####}"}},
		{"user name of a stranger by SMS", func(t *message.Template) {
			*t = message.Template{Kind: message.ConfirmSignUp, SMS: "{username}{####}"}
		}, []string{"SMS holds {username}"}},
		{"SMS of a link", func(t *message.Template) { *t = linkTemplate; t.SMS = "{##open##}" }, []string{"SMS cannot be sent"}},
		{
			"SMS of a link alone", func(t *message.Template) {
				*t = message.Template{Kind: message.ConfirmSignUpLink, SMS: "open it"}
			}, []string{"SMS cannot be sent"},
		},
		{"no link", func(t *message.Template) { *t = linkTemplate; t.Text, t.HTML = "open it", "<a href={link}>" }, []string{
			"text lacks {##text##}", "HTML lacks {##text##}",
		}},
		{"braces about a link", func(t *message.Template) { *t = linkTemplate; t.Text = "{##{open}##}" }, []string{"text lacks {##text##}"}},
		{"blank link", func(t *message.Template) { *t = linkTemplate; t.HTML = "{##open##}{##\n##}" }, []string{"HTML holds a link without"}},
		{"link beside a code", func(t *message.Template) { *t = linkTemplate; t.Text += "{####}" }, []string{"text holds {####}"}},
		{"code as the text of a link", func(t *message.Template) { *t = linkTemplate; t.Text = "{##{####}##}" }, []string{"text holds {####}"}},
		{"link in the subject of its kind", func(t *message.Template) { *t = linkTemplate; t.Subject = "{##a##}" }, []string{
			"subject holds the placeholder of a link",
		}},
		{"user name of a stranger beside a link", func(t *message.Template) { *t = linkTemplate; t.HTML += "{username}" }, []string{
			"HTML holds {username}",
		}},
		{"link", func(t *message.Template) { t.HTML += "{##Verify\nEmail##}" }, []string{"HTML holds the placeholder of a link"}},
		{"link about a code", func(t *message.Template) { t.Text = "{##{####}##}" }, []string{"text holds the placeholder of a link"}},
		{"code in a notice", func(t *message.Template) { t.Kind, t.HTML = message.PasswordChanged, "" }, []string{"text holds {####}"}},
		{"user name of a stranger", func(t *message.Template) {
			t.Kind, t.Text, t.HTML = message.ConfirmSignUp, "{username}{####}", "{username}{####}"
		}, []string{"subject holds {username}", "text holds {username}", "HTML holds {username}"}},
		{"user name of a stranger again", func(t *message.Template) {
			t.Kind, t.Text, t.HTML = message.AlreadyRegistered, "{username}", ""
		}, []string{"subject holds {username}", "text holds {username}"}},
		{
			"everything", func(t *message.Template) {
				*t = message.Template{Kind: message.ConfirmSignUp, Locale: "!", Subject: "\n"}
			},
			[]string{"locale", "subject has", "subject is one line", "text has", "text lacks"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			same(t, settings(with(tt.change)).Problems(), tt.want)
		})
	}
}

func TestProblemsOfTemplatesTogether(t *testing.T) {
	t.Parallel()
	locale := func(l string) message.Template { return with(func(t *message.Template) { t.Locale = l }) }
	same(t, settings(good, good).Problems(), []string{"stands twice"})
	same(t, settings(locale("pt-BR"), good, locale("pt_br")).Problems(), []string{`"pt_br": it stands twice`})
	same(t, settings(locale(""), locale("")).Problems(), []string{"stands twice"})
	var many []message.Template
	for _, l := range []string{"de", "en", "fr", "it", "es", "pt"} {
		many = append(many, with(func(t *message.Template) { t.Locale, t.HTML = l, strings.Repeat("<", 6_000)+"{####}" }))
	}
	same(t, settings(many...).Problems(), []string{"over 196608 bytes of JSON"})
	same(t, settings(many[1:]...).Problems(), nil)
}

// same compares problems with what each of them must say, in their order.
func same(t *testing.T, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d problems, want %d: %.300q", len(got), len(want), got)
	}
	for i, w := range want {
		if !strings.Contains(got[i], w) || len(got[i]) > 300 {
			t.Errorf("problem %.300q, want %q", got[i], w)
		}
	}
}
