package nodes_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// request is what a process is asked, whatever it is.
type request struct {
	Login, Password, Client, IP   string
	Ticket, Code, Access, Refresh string
	User                          user.ID
	Pool                          user.PoolID // where the process has many
	Settings                      pool.Settings
	Version                       pool.Version
	Trap                          trap
}

// answer is what it says.
type answer struct {
	Ticket, Access, Refresh string
	Settings                pool.Settings
	Version                 pool.Version
	JWKS                    json.RawMessage
	Events                  []pool.Event
	Report                  pool.EventReport
	Log                     []entry
}

// handler answers calls by name.
func (n *node) handler() http.Handler {
	mux := http.NewServeMux()
	for name, call := range map[string]func(*node, context.Context, request) (answer, error){
		"sign-up": (*node).signUp, "confirm": (*node).confirm, "sign-in": (*node).signIn, "refresh": (*node).refresh, "verify": (*node).verify,
		"forgot": (*node).forgot, "reset": (*node).reset, "sign-out": (*node).signOut, "sign-out-everywhere": (*node).everywhere,
		"disable": (*node).disable, "delete": (*node).erase, "settings": (*node).settings, "put-settings": (*node).putSettings,
		"sessions": (*node).sessions, "jwks": (*node).jwks, "events": (*node).events, "audit": (*node).audit, "log": (*node).log, "trap": (*node).trap,
		"create-pool": (*node).create, "delete-pool": (*node).drop,
	} {
		mux.HandleFunc("POST /"+name, func(w http.ResponseWriter, r *http.Request) {
			var in request
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			at, err := n.at(r.Context(), in.Pool)
			var out answer
			if err == nil {
				out, err = call(at, r.Context(), in)
			}
			if err != nil {
				http.Error(w, err.Error(), codeOf(err))
				return
			}
			_ = json.NewEncoder(w).Encode(out)
		})
	}
	return mux
}

// classes are the errors that callers tell apart, by status code.
var classes = map[int]error{
	http.StatusUnauthorized: pool.ErrNotAuthorized, http.StatusForbidden: pool.ErrBadCode,
	http.StatusGone: pool.ErrTicketGone, http.StatusTooManyRequests: pool.ErrLimited,
	http.StatusServiceUnavailable: pool.ErrUnavailable, http.StatusBadGateway: pool.ErrClosed,
	http.StatusConflict: pool.ErrStale, http.StatusNotFound: pool.ErrUnknownClient,
	http.StatusPreconditionFailed: token.ErrRevoked, http.StatusNotAcceptable: token.ErrInvalid,
	http.StatusRequestedRangeNotSatisfiable: pool.ErrNotFound, http.StatusUnprocessableEntity: pool.ErrExists,
}

func codeOf(err error) int {
	for code, class := range classes {
		if errors.Is(err, class) {
			return code
		}
	}
	return http.StatusInternalServerError
}

func (r request) caller() pool.Caller {
	ip, _ := netip.ParseAddr(r.IP)
	return pool.Caller{IP: ip}
}

func (n *node) admin() *pool.Admin { return n.pool.Admin(pool.Actor{Name: "operator"}) }

// done returns the tokens of a finished step.
func done(step pool.Step, err error) (answer, error) {
	d, err := pool.Finished(step, err)
	if err != nil {
		return answer{}, err
	}
	return answer{Access: d.Tokens.Access.Reveal(), Refresh: d.Tokens.Refresh.Reveal()}, nil
}

func (n *node) signUp(ctx context.Context, in request) (answer, error) {
	up, err := n.pool.SignUp(ctx, pool.SignUpInput{
		Username: in.Login, Password: password.New(in.Password), Client: in.Client, Caller: in.caller(),
	})
	return answer{Ticket: up.Ticket}, err
}

func (n *node) confirm(ctx context.Context, in request) (answer, error) {
	_, err := n.pool.ConfirmSignUp(ctx, pool.CodeInput{Ticket: in.Ticket, Code: in.Code, Caller: in.caller()})
	return answer{}, err
}

func (n *node) signIn(ctx context.Context, in request) (answer, error) {
	return done(n.pool.SignIn(ctx, pool.SignInInput{
		Username: in.Login, With: pool.Password{Value: password.New(in.Password)}, Client: in.Client, Caller: in.caller(),
	}))
}

func (n *node) refresh(ctx context.Context, in request) (answer, error) {
	return done(n.pool.Refresh(ctx, pool.RefreshInput{Token: token.NewSecret(in.Refresh), Client: in.Client}))
}

func (n *node) verify(ctx context.Context, in request) (answer, error) {
	_, err := n.verifier.Verify(ctx, in.Access)
	return answer{}, err
}

func (n *node) forgot(ctx context.Context, in request) (answer, error) {
	res, err := n.pool.ForgotPassword(ctx, pool.ForgotPasswordInput{Username: in.Login, Caller: in.caller()})
	return answer{Ticket: res.Ticket}, err
}

func (n *node) reset(ctx context.Context, in request) (answer, error) {
	_, err := n.pool.ResetPassword(ctx, pool.ResetPasswordInput{
		Ticket: in.Ticket, Code: in.Code, Password: password.New(in.Password), Caller: in.caller(),
	})
	return answer{}, err
}

func (n *node) signOut(ctx context.Context, in request) (answer, error) {
	return answer{}, n.pool.SignOut(ctx, pool.SignOutInput{Token: token.NewSecret(in.Refresh)})
}

func (n *node) everywhere(ctx context.Context, in request) (answer, error) {
	a, err := n.pool.Account(ctx, token.NewSecret(in.Access))
	if err != nil {
		return answer{}, err
	}
	return answer{}, a.SignOutEverywhere(ctx, in.caller())
}

// sessions asks as the owner of the account.
func (n *node) sessions(ctx context.Context, in request) (answer, error) {
	a, err := n.pool.Account(ctx, token.NewSecret(in.Access))
	if err == nil {
		_, err = a.Sessions(ctx)
	}
	return answer{}, err
}

func (n *node) disable(ctx context.Context, in request) (answer, error) {
	u, err := n.admin().FindUser(ctx, in.Login)
	if err != nil {
		return answer{}, err
	}
	return answer{}, n.admin().Disable(ctx, u.ID)
}

func (n *node) erase(ctx context.Context, in request) (answer, error) {
	u, err := n.admin().FindUser(ctx, in.Login)
	if err != nil {
		return answer{}, err
	}
	return answer{}, n.admin().DeleteUser(ctx, u.ID)
}

func (n *node) settings(ctx context.Context, _ request) (a answer, err error) {
	a.Settings, a.Version, err = n.admin().Settings(ctx)
	return a, err
}

func (n *node) putSettings(ctx context.Context, in request) (answer, error) {
	return answer{}, n.admin().PutSettings(ctx, in.Settings, in.Version)
}

// create makes the pool that the login names.
func (n *node) create(ctx context.Context, in request) (answer, error) {
	_, err := n.all.Create(ctx, pool.Actor{Name: "operator"}, user.PoolID(in.Login), "http://localhost/"+in.Login, in.Settings)
	return answer{}, err
}

func (n *node) drop(ctx context.Context, in request) (answer, error) {
	return answer{}, n.all.Delete(ctx, pool.Actor{Name: "operator"}, user.PoolID(in.Login))
}

func (n *node) jwks(context.Context, request) (answer, error) {
	return answer{JWKS: n.pool.JWKS()}, nil
}

// events returns the history, all of it.
func (n *node) events(ctx context.Context, in request) (a answer, err error) {
	for q := (pool.EventQuery{User: in.User}); ; {
		page, err := n.pool.ListEvents(ctx, q)
		a.Events = append(a.Events, page.Events...)
		if q.After = page.Next; err != nil || q.After == "" {
			return a, err
		}
	}
}

func (n *node) audit(ctx context.Context, _ request) (a answer, err error) {
	a.Report, err = n.pool.VerifyEvents(ctx)
	return a, err
}

func (n *node) log(context.Context, request) (answer, error) {
	return answer{Log: n.store.entries()}, nil
}

func (n *node) trap(_ context.Context, in request) (answer, error) {
	n.store.set(in.Trap)
	return answer{}, nil
}
