package storage

import (
	"fmt"
	"hash/fnv"

	"github.com/userpool-go/userpool/user"
)

// Lanes is how many lanes the outgoing messages of a pool have. A process that sends leases lanes.
const Lanes = 64

// Lane returns the lane of an owner's messages, 0 to Lanes-1. It is stored, and never changes.
func Lane(owner user.ID) int {
	h := fnv.New32a()
	h.Write([]byte(owner))
	return int(h.Sum32() % Lanes)
}

// LaneLease returns the name of the lease of a lane of a pool's outgoing messages.
func LaneLease(pool user.PoolID, lane int) string {
	return fmt.Sprintf("outbox/%s/%d", pool, lane)
}
