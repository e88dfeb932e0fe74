package token

import (
	"crypto/sha256"
	"sync"

	"github.com/userpool-go/userpool/internal/jose"
)

const defaultSeen = 4096

// seen remembers "this key signed this token, which says that" and nothing more (security.md T3):
// whether it is still good is judged at each presentation, under the key that the issuer publishes
// then. A token is known by the digest of its text. That is the digest of what was strictly parsed,
// because only such texts get in, and each token has one spelling that parses.
//
// It holds two generations: when the young one is full the old one is forgotten, and what is
// presented again moves to the young one. So there is a bound, and no list to keep in order. Only
// tokens that the issuer signed and the verifier takes get in, so nobody can fill it with others.
type seen struct {
	half int // entries of a generation; 0 means that nothing is remembered

	mu         sync.Mutex
	young, old map[digest]sighting
}

type digest = [sha256.Size]byte

// sighting is what is remembered of a token. Its claims are shared, and never handed out.
type sighting struct {
	key    jose.PublicKey
	claims *Claims
}

func newSeen(size int) *seen {
	if size == 0 {
		size = defaultSeen
	}
	return &seen{half: max(0, (size+1)/2), young: map[digest]sighting{}}
}

func (s *seen) get(id digest) (sighting, bool) {
	if s.half == 0 {
		return sighting{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if found, ok := s.young[id]; ok {
		return found, true
	}
	found, ok := s.old[id]
	if ok {
		s.add(id, found)
	}
	return found, ok
}

func (s *seen) put(id digest, found sighting) {
	if s.half == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(id, found)
}

func (s *seen) add(id digest, found sighting) {
	if len(s.young) >= s.half {
		s.old, s.young = s.young, make(map[digest]sighting, s.half)
	}
	s.young[id] = found
}
