package storage

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/userpool-go/userpool/user"
)

// Lanes is how many lanes a pool's messages to people have. A process that sends leases lanes.
const Lanes = 64

// Lane returns the lane of an owner's messages: for a person one of 0 to [Lanes]-1, and for an
// owner such as "hook/PostAuthentication/one" the lane of all "hook/PostAuthentication/", which is
// none of those. So what waits for one thing, however much it is, is never between others and
// theirs. It is stored, and never changes.
func Lane(owner user.ID) int {
	h := fnv.New32a()
	if end := strings.LastIndexByte(string(owner), '/'); end >= 0 {
		h.Write([]byte(owner[:end]))
		return Lanes + int(h.Sum32()>>8)
	}
	h.Write([]byte(owner))
	return int(h.Sum32() % Lanes)
}

// LaneLease returns the name of the lease of a lane of a pool's outgoing messages.
func LaneLease(pool user.PoolID, lane int) string {
	return fmt.Sprintf("outbox/%s/%d", pool, lane)
}
