package hosted

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/web"
)

// route is a method of a page: what guards it, and what it does.
type route struct {
	method string
	page   *page
	guards []guard
	serve  func(*visit)
}

// table lists all routes. Whoever posts passes the guards of writing; none is without.
func (h *Pages) table() (all []route) {
	for _, p := range h.pages {
		if p.shownAs() == p.name {
			all = append(all, route{http.MethodGet, p, nil, (*visit).show})
		}
		if p.submit != nil {
			all = append(all, route{http.MethodPost, p, writing, (*visit).take})
		}
	}
	return all
}

// visit is one request to a page.
type visit struct {
	*Pages
	r        *http.Request
	w        *answer
	page     *page
	settings pool.Settings
	words    catalog
	json     bool
	flow     flow // zero: none
	secret   string

	factors *factors // of who is signed in, on the page that shows them

	body []byte
	in   map[string]string // of a post
}

// serve finds the route of a request. The path is compared as it is: no spelling of a page is
// another.
func (h *Pages) serve(w http.ResponseWriter, r *http.Request) {
	v := &visit{Pages: h, r: r, w: newAnswer(), settings: h.pool.Settings(), words: wordsFor(r.Header.Get("Accept-Language"))}
	v.json = v.wantsJSON()
	v.route()
	v.w.send(w, r)
}

func (v *visit) route() {
	name, _ := strings.CutPrefix(v.r.URL.Path, v.config.Path+"/")
	var methods []string
	for _, to := range v.routes {
		if to.page.name != name {
			continue
		}
		if methods = append(methods, to.method); to.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		if v.r.Method != to.method && (v.r.Method != http.MethodHead || to.method != http.MethodGet) {
			continue
		}
		v.page = to.page
		for _, g := range to.guards {
			if no := g.check(v); no != nil {
				v.refuse(no)
				return
			}
		}
		to.serve(v)
		return
	}
	if len(methods) == 0 {
		v.refuse(&refusal{http.StatusNotFound, "not_found"})
		return
	}
	slices.Sort(methods)
	v.w.header.Set("Allow", strings.Join(methods, ", "))
	v.refuse(&refusal{http.StatusMethodNotAllowed, "method"})
}

// show shows a page.
func (v *visit) show() {
	v.flow = v.Pages.flow(v.r, v.r.URL.Query().Get(flowField), v.page.name)
	if v.page.shown != nil {
		if o := v.page.shown(v); o != nil {
			v.end(*o)
			return
		}
	}
	if v.page.step && v.flow.Ticket == "" {
		v.end(outcome{err: pool.ErrTicketGone})
		return
	}
	if at := v.elsewhere(); at != "" {
		v.w.see(v.path(at) + "?" + flowField + "=" + v.flow.id)
		return
	}
	v.render()
}

// take takes a form, once.
func (v *visit) take() {
	if v.json {
		v.submit(v.r.Context(), v.in[ticketJSON])
		return
	}
	v.w = v.once.do(v.r, v.body, v.browser(), func(ctx context.Context) *answer {
		v.r = v.r.WithContext(ctx)
		v.submit(ctx, v.in[flowField])
		return v.w
	})
}

// submit does what the form asks for, with the flow that it names.
func (v *visit) submit(ctx context.Context, id string) {
	if v.flow = v.Pages.flow(v.r, id, v.page.shownAs()); v.in[nextField] != "" {
		v.flow.Next = local(v.in[nextField])
	}
	if v.page.step && v.flow.Ticket == "" {
		v.end(outcome{err: pool.ErrTicketGone})
		return
	}
	if at := v.elsewhere(); at != "" && v.flow.By != "" {
		v.end(outcome{to: at, flow: v.flow})
		return
	}
	v.end(v.page.submit(v, ctx))
}

// end answers with what came of a request.
func (v *visit) end(o outcome) {
	if o.err != nil && v.grave(o.err) {
		return
	}
	switch {
	case o.refused != nil:
		v.refuse(o.refused)
	case v.json:
		v.endJSON(o)
	case errors.Is(o.err, pool.ErrNeedsProof):
		v.w.see(v.proveAnew(v.page.shownAs()))
	case o.err != nil && o.to == "":
		v.again(o.err)
	case o.leave != "":
		v.drop(v.w, v.flow.id)
		v.w.see(o.leave)
	default:
		v.move(o.to, o.flow)
	}
}

// move leads to another page, whose flow takes the place of this one's, unless it is the same.
func (v *visit) move(page string, on flow) {
	if v.flow.id != on.id {
		v.drop(v.w, v.flow.id)
	}
	on.Page = page
	on = v.keep(v.w, v.r, on)
	v.w.see(v.path(page) + "?" + flowField + "=" + on.id)
}

// again shows a form once more, with what was wrong, or leads back to the beginning where the step
// is over.
func (v *visit) again(err error) {
	if v.page.own && !v.signedIn() {
		v.move(signInPage, flow{Next: v.path(v.page.shownAs())})
		return
	}
	if v.page.own && failed(err).name == startAgain {
		v.move(securityPage, flow{Notice: "factor_over"})
		return
	}
	if failed(err).name == startAgain && v.arrived() {
		v.w.see(v.next())
		return
	}
	if failed(err).name == startAgain {
		v.move(signInPage, flow{Notice: startAgain, Next: v.flow.Next})
		return
	}
	on := v.flow
	on.Notice, on.Slips, on.Typed = "", v.slips(err), v.typed()
	v.move(v.page.shownAs(), on)
}

// refuse answers a request that was not taken, or not to the end.
func (v *visit) refuse(no *refusal) {
	if no.name == "stale_form" && !v.json {
		page := v.page.shownAs()
		v.flow = v.Pages.flow(v.r, v.in[flowField], page)
		if v.arrived() {
			v.w.see(v.next())
			return
		}
		on := v.flow
		on.Notice, on.Slips, on.Typed = "", []slip{{Rule: no.name}}, v.typed()
		if next := local(v.in[nextField]); next != "" {
			on.Next = next
		}
		v.move(page, on)
		return
	}
	v.w.status = no.status
	v.problem(no.name, "")
}

// grave answers an error that no visitor can do anything about: with a number that they can name,
// beside which the log has the error. It tells nothing else.
func (v *visit) grave(err error) bool {
	f := failed(err)
	later(v.w.header, err)
	if f.status < http.StatusInternalServerError {
		return false
	}
	number := rand.Text()[:4] + "-" + rand.Text()[:4]
	if v.r.Context().Err() == nil { // else the visitor has gone
		v.config.Logger.ErrorContext(v.r.Context(), "page failed", "number", number, "path", v.r.URL.Path, "error", err)
	}
	v.w = newAnswer() // without what was begun
	later(v.w.header, err)
	v.w.status = f.status
	v.problem(f.name, number)
	return true
}

// arrived reports whether a form asks to sign in who is signed in: the second of two clicks may come when
// the first has changed the cookies, and is no reason to tell anybody to start again. Somebody else, at
// a form that another left open, is not taken for that one.
func (v *visit) arrived() bool {
	u, typed := web.User(v.r.Context()), v.in["username"]
	same := u.ID != "" && slices.ContainsFunc([]string{u.Username, u.Email, u.Phone}, func(login string) bool {
		return login != "" && strings.EqualFold(login, typed)
	})
	return same && v.flow.Ticket == "" && (v.page.step || v.page.name == signInPage)
}

func (v *visit) caller() pool.Caller { return v.sessions.Caller(v.r) }

// login returns who acts here, as it was typed.
func (v *visit) login() string {
	if typed := v.in["username"]; typed != "" {
		return typed
	}
	return v.flow.Login
}

// next returns where the visitor is taken in the end.
func (v *visit) next() string {
	for _, where := range []string{v.flow.Next, local(v.r.URL.Query().Get(nextField))} {
		if where != "" {
			return where
		}
	}
	return v.config.Home
}

func (v *visit) typed() map[string]string { return typed(v.page.fields(v.settings), v.in) }

// slips says what is wrong, by the names of this page's fields. What is about none of them is about
// the form.
func (v *visit) slips(err error) []slip {
	all := slips(err)
	for i, s := range all {
		has := func(name string) bool { return v.field(name).Name != "" }
		switch {
		case s.Field == "name" && v.page.on != "": // one of many fields, none of which has the name
			all[i] = slip{Rule: "factor_name"}
		case has(s.Field):
		case s.Field == "password" && has("new_password"):
			all[i].Field = "new_password"
		case s.Field == "code" && has("recovery_code"):
			all[i].Field = "recovery_code"
		case has("answer") && failed(err).name != "too_many_requests" && failed(err).name != "refused":
			all[i].Field = "answer"
		case has("passkey"):
			all[i].Field = "passkey"
		default:
			all[i].Field = ""
		}
	}
	return all
}
