package memory

import (
	"fmt"
	"maps"
	"slices"

	"github.com/userpool-go/userpool/user"
)

// Packed is the row of a user.
type Packed = packed

// Pack and Unpack are the two ways between a user and its row.
func Pack(u *user.User) Packed   { return pack(u, u.Version) }
func Unpack(p Packed) *user.User { return p.user() }

// Dump returns all that a store holds, lists and all.
func Dump(s *Store) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := []string{fmt.Sprint(s.issuers, s.clients), fmt.Sprint(s.leases), fmt.Sprint(places(&s.feed)), fmt.Sprint(places(&s.byID))}
	for _, id := range slices.Sorted(maps.Keys(s.pools)) {
		p := s.pools[id]
		lines = append(lines, fmt.Sprint(*p.record, p.epoch, p.people, p.deleted, p.sealed, p.moved))
		lines = append(lines, dump(p.users)...)
		lines = append(lines, dump(p.logins)...)
		lines = append(lines, dump(p.sessions)...)
		lines = append(lines, dump(p.tickets)...)
		lines = append(lines, dump(p.counters)...)
		lines = append(lines, dump(p.documents)...)
		lines = append(lines, dump(p.outgoing)...)
		lines = append(lines, dump(p.events)...)
		lines = append(lines, dump(p.seals)...)
		lines = append(lines, dump(p.revocations)...)
	}
	return lines
}

func dump[R comparable](t table[R]) (lines []string) {
	for k, row := range t.rows {
		lines = append(lines, fmt.Sprintf("%T %v %+v", row, k, row))
	}
	slices.Sort(lines)
	for _, l := range t.lists {
		lines = append(lines, fmt.Sprint(places(l.list)))
	}
	return lines
}

func places(l *list) []place { return slices.Collect(l.from(start("", ""))) }
