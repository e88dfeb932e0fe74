package storage

import "github.com/userpool-go/userpool/user"

// UserChange is what a commit does to a user, as told to an app that adds rows of its own to the
// same commit (see sqlite.Config.Also). An unconfirmed sign-up is nobody and is not told.
type UserChange struct {
	User *user.User // as it will be stored; as it was, where it is deleted

	created, deleted bool
}

// Created reports whether the user is somebody from this commit on: an attempt confirmed, or a
// user stored for the first time in another status.
func (c UserChange) Created() bool { return c.created }

// Deleted reports whether the user goes with this commit.
func (c UserChange) Deleted() bool { return c.deleted }

// UserChangeOf returns what a change does to a user; ok is false where it does nothing that an app
// is told.
func UserChangeOf(c Change) (uc UserChange, ok bool) {
	switch c := c.(type) {
	case PutRecord:
		u, isUser := c.Record.(*user.User)
		if !isUser || !u.Somebody() {
			return uc, false
		}
		was, loaded := u.Loaded()
		return UserChange{User: u, created: !loaded || was.Status == user.Unconfirmed}, true
	case DeleteRecord:
		u, isUser := c.Record.(*user.User)
		if !isUser {
			return uc, false
		}
		was, _ := u.Loaded()
		return UserChange{User: u, deleted: true}, was.Status != user.Unconfirmed
	}
	return uc, false
}
