package hosted_test

import (
	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/user"
)

func identifiers(ids ...pool.Identifier) pool.Settings {
	return pool.Settings{SignIn: pool.SignInSettings{Identifiers: ids}}
}

// schema is one that requires attributes.
func schema(names ...string) (s user.Schema) {
	for _, n := range names {
		s = append(s, user.Attribute{Name: n, Required: true})
	}
	return s
}
