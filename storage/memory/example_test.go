package memory_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

func Example() {
	ctx := context.Background()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	st := memory.New()
	defer st.Close()

	ada := &user.User{
		Pool: "shop", ID: "6f0c", Status: user.Confirmed, Created: now,
		Logins: []user.Login{{Namespace: user.Name, Value: "ada@example.com", Display: "Ada@example.com"}},
	}
	err := st.Commit(ctx, storage.Put(&storage.Pool{ID: "shop", Created: now}), storage.Put(ada))
	fmt.Println(err)

	got, err := st.Read(ctx, "shop", storage.Want{Now: now, User: user.ByLogin("ada@example.com")})
	fmt.Println(got.User.ID, got.User.Logins[0].Display, err)

	rival := &user.User{Pool: "shop", ID: "a7d1", Status: user.Confirmed, Created: now, Logins: ada.Logins}
	err = st.Commit(ctx, storage.Put(rival))
	fmt.Println(errors.Is(err, storage.ErrConflict))

	// Output:
	// <nil>
	// 6f0c Ada@example.com <nil>
	// true
}
