package hosted

import (
	"cmp"
	"crypto/rand"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/web"
)

//go:embed templates/*.html
var templateFiles embed.FS

// templates are the one that all pages are made by, and its parts. What is shown reaches them as
// values, never as markup.
var templates = template.Must(template.ParseFS(templateFiles, "templates/*.html"))

// view is what a template sees.
type view struct {
	Lang, Dir string
	ID        string // of the page
	Style     string // URL
	Icon      string // URL
	Brand     brandView
	Title     string // of the window
	Heading   string
	Intro     string
	Notice    string
	Plain     bool   // the notice is no good news
	Summary   string // heads the slips
	Slips     []slipView
	App       *appView
	Codes     []string // of recovery
	Asked     []string // by the program itself
	Passkey   *passkeyView
	Form      *formView
	Groups    []groupView // of one's own factors
	Choices   []moreView  // other ways
	ChoicesAs string      // heads them
	More      []moreView
	Number    string // of a failure
	Mailbox   string // of development mode
	MailboxAs string
	Body      template.HTML // of a page for developers
}

type brandView struct{ Name, Initial, Logo, Home, Alt string }

type slipView struct{ Field, Text string }

type formView struct {
	Action string
	Hidden []hidden
	Fields []fieldView
	Submit string
	ID     string // of one among many
	Title  string // of the same
}

type hidden struct{ Name, Value string }

type fieldView struct {
	field
	Label, Hint, Slip, Value, By string
	ReadOnly                     bool
	ID                           string // of one among many of its name
}

type moreView struct {
	ID, Text, Href string
	As             string   // what a screen reader says, where there are many of the same text
	Hidden         []hidden // of a button; nil means a link
}

// render writes the page.
func (v *visit) render() {
	if v.json {
		v.showJSON()
		return
	}
	p, key := v.page, v.page.key()
	switch {
	case v.byLink():
		key = "confirm_link"
	case p.name == choosePage && v.flow.Enrol:
		key = "choose_enrol"
	case v.flow.First && (p.name == choosePage || p.name == codePage || p.name == passkeyPage):
		key += "_first"
	}
	d := v.view(p.name, v.words.say(key+".title"))
	vary := []string{"to", v.flow.To, "name", d.Brand.Name}
	d.Intro = v.words.first([]string{key + ".intro"}, vary...)
	if v.flow.To == "" {
		d.Intro = v.words.first([]string{key + ".intro_unnamed", key + ".intro"}, vary...)
	}
	if p.name == accountPage {
		d.Intro = v.words.say("account.intro", "user", web.User(v.r.Context()).Username)
	}
	if v.flow.Notice != "" {
		d.Notice, d.Plain = v.words.say("notice."+v.flow.Notice, vary...), v.flow.Notice == startAgain || v.flow.Notice == "link_password"
	}
	for _, s := range v.flow.Slips {
		f := v.field(s.Field)
		if f.Type == "hidden" {
			s.Field = "" // there is nothing to see
		}
		d.Slips = append(d.Slips, slipView{s.Field, v.words.slip(s, f)})
	}
	if len(d.Slips) > 0 {
		d.Summary = v.words.say("error.summary")
		d.Title = v.words.say("error.title", "title", d.Title)
	}
	if p.submit != nil && !v.byLink() && p.name != choosePage {
		d.Form = v.form(p.key(), d.Slips)
		d.ChoicesAs = v.words.say("choices")
	}
	d.Choices, d.Codes = v.choices(), v.flow.Codes
	switch p.name {
	case setUpAppPage, newAppPage:
		d.App = v.app()
	case questionPage:
		d.Asked = v.flow.Asked
	case securityPage:
		d.Groups = v.groups()
	case passkeyPage, setUpKeyPage, newKeyPage:
		d.Passkey = v.script()
	}
	if p.name == accountPage {
		d.More = append(d.More, v.home())
	}
	for _, name := range p.more {
		if !v.leadsTo(name) {
			continue
		}
		d.More = append(d.More, v.more(p, name))
	}
	v.execute(d)
}

// view returns what all pages share.
func (v *visit) view(id, heading string) view {
	l := v.brand(v.settings.Branding)
	d := view{
		Lang: v.words.lang, Dir: v.words.say("dir"), ID: id, Style: l.style, Icon: l.icon, Heading: heading,
		Brand: brandView{Name: l.name, Initial: l.initial, Logo: l.logo, Home: v.config.Home, Alt: v.words.say("brand.home")},
	}
	if d.Brand.Name == "" {
		d.Brand.Name = v.words.say("brand.name")
	}
	d.Title = v.words.say("title", "title", heading, "name", d.Brand.Name)
	if v.devPath != "" {
		d.Mailbox, d.MailboxAs = v.devPath, v.words.say("dev.mailbox")
	}
	return d
}

// form returns the form of the page, with what was typed in it but secrets.
func (v *visit) form(key string, slips []slipView) *formView {
	f := &formView{Action: v.path(v.page.name), Hidden: v.hidden(v.flow), Submit: v.words.say(key + ".submit")}
	fields := v.fields()
	if len(fields) == 1 && fields[0].Type == "password" && v.flow.Login != "" {
		// For password managers, which store a password with its login.
		login := loginField(v.settings)
		f.Fields = append(f.Fields, fieldView{field: login, Label: v.words.say("field." + login.words), Value: v.flow.Login, ReadOnly: true})
	}
	for _, one := range fields {
		if one.Type == "hidden" {
			value := v.flow.Typed[one.Name]
			if value == "" && !one.secret() { // as a guard has asked for it
				value = v.r.URL.Query().Get(one.Name)
			}
			f.Hidden = append(f.Hidden, hidden{one.Name, value})
			continue
		}
		w := fieldView{field: one, Label: v.words.say("field." + cmp.Or(one.label, one.words)), Value: v.flow.Typed[one.Name]}
		if hint := "hint." + one.words; v.words.has(hint) {
			w.Hint = v.words.say(hint, "min", strconv.Itoa(one.Min))
			w.By = "hint-" + one.Name
		}
		for _, s := range slips {
			if s.Field == one.Name {
				w.Slip, w.By = s.Text, strings.TrimSpace("error-"+one.Name+" "+w.By)
				break
			}
		}
		f.Fields = append(f.Fields, w)
	}
	return f
}

// field returns the field of a name; zero where the page has none.
func (v *visit) field(name string) field {
	for _, f := range v.page.fields(v.settings) {
		if f.Name == name {
			return f
		}
	}
	return field{}
}

// hidden returns what a form carries unseen. Each form has a number, by which the second of two
// clicks is known.
func (v *visit) hidden(f flow) []hidden {
	all := []hidden{{tokenField, v.formToken()}, {onceField, rand.Text()}}
	if f.id != "" {
		all = append(all, hidden{flowField, f.id})
	}
	if next := v.next(); next != v.config.Home {
		all = append(all, hidden{nextField, next})
	}
	return all
}

// leadsTo reports whether there is anything to do on another page.
func (v *visit) leadsTo(page string) bool {
	switch page {
	case signUpPage:
		return !v.settings.SignUp.Closed
	case forgotPage:
		return v.begins(mfa.KindPassword)
	case forgotNamePage:
		return v.namesBesideAddresses()
	}
	return true
}

// more returns what leads to another page: a button where that is a post, and a link elsewhere.
func (v *visit) more(from *page, name string) moreView {
	to := v.pages[name]
	keys := []string{from.key() + ".to_" + to.key(), "to." + to.key()}
	if from.factor {
		keys[0] = "factor.to_" + to.key()
	}
	m := moreView{ID: "to-" + name, Text: v.words.first(keys), Href: v.path(name)}
	if to.submit != nil && to.form == nil {
		m.Hidden = v.hidden(v.flow)
	} else if next := v.next(); next != v.config.Home {
		m.Href += "?" + nextField + "=" + url.QueryEscape(next)
	}
	return m
}

// home leads out of the pages.
func (v *visit) home() moreView {
	return moreView{ID: "to-home", Text: v.words.say("to.home"), Href: v.config.Home}
}

// problem writes a page that says why a request was not taken.
func (v *visit) problem(name, number string) {
	if v.json {
		v.write(problem{Error: name, Number: number})
		return
	}
	d := v.view("problem-"+name, v.words.say("problem."+name+".title"))
	d.Intro = v.words.say("problem." + name + ".text")
	if number != "" {
		d.Number = v.words.say("problem.number", "number", number)
	}
	d.More = []moreView{v.home()}
	v.execute(d)
}

// Frame writes a page in the look of the others, in English.
type Frame func(w http.ResponseWriter, r *http.Request, title string, body template.HTML)

// frame is a [Frame].
func (h *Pages) frame(w http.ResponseWriter, r *http.Request, title string, body template.HTML) {
	v := &visit{Pages: h, r: r, w: newAnswer(), settings: h.pool.Settings(), words: catalogs[0]}
	d := v.view("dev", title)
	d.Body, d.Mailbox = body, ""
	v.execute(d)
	v.w.send(w, r)
}

func (v *visit) execute(d view) {
	v.w.header.Set("Content-Type", "text/html; charset=utf-8")
	v.w.header.Set("Content-Language", d.Lang)
	if err := templates.ExecuteTemplate(&v.w.body, "page", d); err != nil {
		v.config.Logger.ErrorContext(v.r.Context(), "page not rendered", "page", d.ID, "error", err)
		v.w.status = http.StatusInternalServerError
		v.w.body.Reset()
	}
}
