package sqlite

// Ungroup makes every commit a transaction of its own, for comparison.
func Ungroup(s *Store) { s.writer.most = 1 }
