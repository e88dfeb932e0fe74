package storage

import (
	"context"
	"time"
)

// Clock is implemented by stores on a server, which has a clock of its own: what expires is judged
// by those of the processes, so none of them may go far wrong (security.md S14). A store on the
// machine of its process has none to compare with. Who wraps a store hands it on.
type Clock interface {
	// Now returns the time by the server that writes, to the microsecond, as of a moment while it
	// is called.
	Now(ctx context.Context) (time.Time, error)
}
