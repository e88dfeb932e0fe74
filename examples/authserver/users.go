package main

import (
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

func listGroups(c *call) (any, error) { return c.admin.ListGroups(c.Context()) }

func createGroup(c *call) (any, error) {
	var g pool.Group
	if err := c.read(&g); err != nil {
		return nil, err
	}
	return made{g}, c.admin.CreateGroup(c.Context(), g)
}

func putGroup(c *call) (any, error) {
	var g pool.Group
	if err := c.read(&g); err != nil {
		return nil, err
	}
	g.Name = c.PathValue("group")
	return nil, c.admin.UpdateGroup(c.Context(), g)
}

func deleteGroup(c *call) (any, error) {
	return nil, c.admin.DeleteGroup(c.Context(), c.PathValue("group"))
}

// listUsers finds the one who signs in by ?login=, or lists them by pages.
func listUsers(c *call) (any, error) {
	if login := c.FormValue("login"); login != "" {
		return c.admin.FindUser(c.Context(), login)
	}
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	return c.admin.ListUsers(c.Context(), pool.UserQuery{
		Group: c.FormValue("group"), Status: user.Status(c.FormValue("status")),
		After: c.FormValue("after"), Limit: limit,
	})
}

// createUser invites somebody: a temporary password goes to their address, and is shown to nobody.
func createUser(c *call) (any, error) {
	var in pool.CreateUserInput
	if err := c.read(&in); err != nil {
		return nil, err
	}
	u, err := c.admin.CreateUser(c.Context(), in)
	return made{u}, err
}

// user returns whom the path names.
func (c *call) user() user.ID { return user.ID(c.PathValue("user")) }

func showUser(c *call) (any, error)    { return c.admin.GetUser(c.Context(), c.user()) }
func deleteUser(c *call) (any, error)  { return nil, c.admin.DeleteUser(c.Context(), c.user()) }
func disableUser(c *call) (any, error) { return nil, c.admin.Disable(c.Context(), c.user()) }
func enableUser(c *call) (any, error)  { return nil, c.admin.Enable(c.Context(), c.user()) }
func signOutUser(c *call) (any, error) { return nil, c.admin.SignOutEverywhere(c.Context(), c.user()) }

func addToGroup(c *call) (any, error) {
	return nil, c.admin.AddToGroup(c.Context(), c.user(), c.PathValue("group"))
}

func removeFromGroup(c *call) (any, error) {
	return nil, c.admin.RemoveFromGroup(c.Context(), c.user(), c.PathValue("group"))
}

// listEvents shows what happened in a pool, oldest first, or to one user, newest first, and why
// somebody was refused.
func listEvents(c *call) (any, error) {
	limit, err := c.limit()
	if err != nil {
		return nil, err
	}
	who := user.ID(c.FormValue("user"))
	return c.pool.ListEvents(c.Context(), pool.EventQuery{
		User: who, Newest: who != "", After: c.FormValue("after"), Limit: limit,
	})
}
