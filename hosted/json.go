package hosted

import (
	"encoding/json"
	"net/http"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/web"
)

// The JSON twins: the same URLs, asked with "Accept: application/json", take and give what the
// pages do. The ticket of a step is a handle there, too: the true one is in a cookie that no script
// reads (security.md S10).

// nextJSON is the answer that leads to a step which the pool has no Step for.
type nextJSON struct {
	Step     string    `json:"step"`
	Ticket   string    `json:"ticket,omitempty"`
	Delivery *delivery `json:"delivery,omitempty"`
}

type delivery struct {
	Channel     message.Channel `json:"channel"`
	Destination string          `json:"destination"`
}

// problem is the answer where something was refused.
type problem struct {
	Error  string            `json:"error"`
	Number string            `json:"number,omitempty"` // beside which the log says more
	Fields map[string]string `json:"fields,omitempty"` // what is wrong, by field: a rule
}

// formJSON is the answer to a GET: what the page asks for.
type formJSON struct {
	Page     string     `json:"page"`
	Ticket   string     `json:"ticket,omitempty"`
	Fields   []field    `json:"fields,omitempty"`
	Kinds    []mfa.Kind `json:"kinds,omitempty"`    // of factor, that may be chosen instead; all ways in, where none is begun
	Username string     `json:"username,omitempty"` // who is signed in
	Factors  *factors   `json:"factors,omitempty"`  // of theirs
}

// endJSON answers with what came of a request.
func (v *visit) endJSON(o outcome) {
	if o.err != nil {
		f := failed(o.err)
		p := problem{Error: f.name}
		for _, s := range v.slips(o.err) {
			if s.Field != "" {
				if p.Fields == nil {
					p.Fields = map[string]string{}
				}
				if s.Rule == "" {
					s.Rule = "invalid"
				}
				p.Fields[s.Field] = s.Rule
			}
		}
		v.w.status = f.status
		v.write(p)
		return
	}
	if o.leave != "" {
		v.drop(v.w, v.flow.id)
		v.write(nextJSON{Step: string(pool.KindDone)})
		return
	}
	if o.flow.id != v.flow.id {
		v.drop(v.w, v.flow.id)
	}
	on := o.flow
	if on.Page = o.to; on.Ticket != "" {
		on = v.keep(v.w, v.r, on)
	}
	if o.step == nil {
		n := nextJSON{Step: o.kind, Ticket: on.id}
		if o.sent.Destination != "" {
			n.Delivery = &delivery{o.sent.Channel, o.sent.Destination}
		}
		v.write(n)
		return
	}
	text, err := pool.MarshalStep(handle(o.step, on.id))
	if err != nil {
		v.grave(err)
		return
	}
	v.write(json.RawMessage(text))
}

// showJSON answers a GET with what the page asks for.
func (v *visit) showJSON() {
	f := formJSON{Page: v.page.name, Ticket: v.flow.id, Fields: v.fields(), Kinds: v.flow.Kinds, Factors: v.factors}
	if v.byLink() {
		f.Fields = nil
	}
	if v.page.name == signInPage {
		f.Kinds = v.pool.WaysIn(v.config.Client)
	}
	if v.page.name == accountPage {
		f.Username = web.User(v.r.Context()).Username
	}
	v.write(f)
}

func (v *visit) write(body any) {
	text, err := json.Marshal(body)
	if err != nil { // of texts and numbers: cannot be
		v.w.status, text = http.StatusInternalServerError, []byte(`{"error":"internal"}`)
	}
	v.w.header.Set("Content-Type", "application/json")
	v.w.body.Write(append(text, '\n'))
}
