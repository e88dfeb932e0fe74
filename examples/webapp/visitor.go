package main

import (
	"encoding/json"
	"net/http"

	"github.com/userpool-go/userpool/password"
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// signUp answers alike whether or not the address was taken; only its owner's mail tells.
func (s *shop) signUp(w http.ResponseWriter, r *http.Request, f form) error {
	in := pool.SignUpInput{Username: f["email"], Password: password.New(f["password"]), Caller: caller(r, f)}
	if name, ok := f["name"]; ok {
		in.Attributes = user.Attributes{"name": name}
	}
	up, err := s.pool.SignUp(r.Context(), in)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, sent{"confirm", up.Ticket, up.Delivery.Destination})
	return nil
}

// resend gives a new ticket, too: the one before is void.
func (s *shop) resend(w http.ResponseWriter, r *http.Request, f form) error {
	up, err := s.pool.ResendCode(r.Context(), pool.ResendInput{Ticket: f["ticket"], Caller: caller(r, f)})
	if err != nil {
		return err
	}
	write(w, http.StatusOK, sent{"confirm", up.Ticket, up.Delivery.Destination})
	return nil
}

func (s *shop) confirm(w http.ResponseWriter, r *http.Request, f form) error {
	in := pool.CodeInput{Ticket: f["ticket"], Code: f["code"], Caller: caller(r, f)}
	step, err := s.pool.ConfirmSignUp(r.Context(), in)
	return next(w, step, err)
}

func (s *shop) signIn(w http.ResponseWriter, r *http.Request, f form) error {
	step, err := s.pool.SignIn(r.Context(), pool.SignInInput{
		Username: f["email"], With: pool.Password{Value: password.New(f["password"])}, Caller: caller(r, f),
	})
	return next(w, step, err)
}

// respond takes a ticket and, beside it, one answer: {"ticket":"...","code":"..."}.
func (s *shop) respond(w http.ResponseWriter, r *http.Request, f form) error {
	in := pool.RespondInput{Ticket: f["ticket"], Caller: caller(r, f)}
	delete(f, "ticket")
	delete(f, "device")
	text, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if in.With, err = pool.UnmarshalResponse(text); err != nil {
		return err
	}
	step, err := s.pool.Respond(r.Context(), in)
	return next(w, step, err)
}

func (s *shop) refresh(w http.ResponseWriter, r *http.Request, f form) error {
	in := pool.RefreshInput{Token: token.NewSecret(f["refresh_token"]), Caller: caller(r, f)}
	step, err := s.pool.Refresh(r.Context(), in)
	return next(w, step, err)
}

func (s *shop) signOut(w http.ResponseWriter, r *http.Request, f form) error {
	in := pool.SignOutInput{Token: token.NewSecret(f["refresh_token"]), Caller: caller(r, f)}
	if err := s.pool.SignOut(r.Context(), in); err != nil {
		return err
	}
	write(w, http.StatusNoContent, nil)
	return nil
}

// forgot answers alike whether or not there is such a user.
func (s *shop) forgot(w http.ResponseWriter, r *http.Request, f form) error {
	in := pool.ForgotPasswordInput{Username: f["email"], Caller: caller(r, f)}
	out, err := s.pool.ForgotPassword(r.Context(), in)
	if err != nil {
		return err
	}
	write(w, http.StatusOK, sent{"reset", out.Ticket, out.Delivery.Destination})
	return nil
}

func (s *shop) reset(w http.ResponseWriter, r *http.Request, f form) error {
	step, err := s.pool.ResetPassword(r.Context(), pool.ResetPasswordInput{
		Ticket: f["ticket"], Code: f["code"], Password: password.New(f["password"]), Caller: caller(r, f),
	})
	return next(w, step, err)
}

// next answers what comes next.
func next(w http.ResponseWriter, step pool.Step, err error) error {
	if err != nil {
		return err
	}
	return writeStep(w, step)
}
