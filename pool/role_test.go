package pool_test

import (
	"encoding/json"
	"math/bits"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/pool"
	"github.com/userpool-go/userpool/storage/memory"
)

// A role is a list of names, which reads back as it was written.
func TestRoleJSON(t *testing.T) {
	t.Parallel()
	for r := pool.Role(0); r <= pool.MayEverything; r++ {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back pool.Role
		if err := json.Unmarshal(text, &back); err != nil || back != r {
			t.Fatalf("%v = %s, which reads as %v, %v", r, text, back, err)
		}
		if n := strings.Count(string(text), `"`); n != 2*bits.OnesCount32(uint32(r)) {
			t.Fatalf("%v = %s", r, text)
		}
	}
	for _, text := range []string{
		`null`, `""`, `"read_users"`, `7`, `{}`, `["root"]`, `["Read_Users"]`, `["read_users","read_users"]`,
		`[""]`, `[null]`, `[1]`, `["read_users","everything"]`, `["` + strings.Repeat("x", 1<<20) + `"]`,
	} {
		r := pool.MayReadUsers
		if err := json.Unmarshal([]byte(text), &r); err == nil || r != pool.MayReadUsers || len(err.Error()) > 300 {
			t.Errorf("%.40s reads as %v, %.300v", text, r, err)
		}
	}
	if text, err := json.Marshal(pool.Role(1 << 31)); err == nil {
		t.Errorf("a permission that there is not = %s", text)
	}
}

// A group that gives what there is not is refused at the door.
func TestRoleOfAGroupIsChecked(t *testing.T) {
	t.Parallel()
	s := pool.Settings{Groups: []pool.Group{{Name: "staff", May: pool.MayEverything + 1}}}
	if p, err := pool.Open(t.Context(), memory.New(), pool.Config{Settings: &s}); err == nil {
		p.Close(t.Context())
		t.Error("it opens")
	}
}
