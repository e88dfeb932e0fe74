package record_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/userpool-go/userpool/storage/internal/record"
	"github.com/userpool-go/userpool/user"
)

// What an earlier version wrote is read, and what is not there is not written.
func TestGroupsAreLeftOut(t *testing.T) {
	t.Parallel()
	var u user.User
	if err := record.DecodeUser(&u, []byte(`{"a":{"name":"Ada"}}`), nil); err != nil || u.Groups != nil {
		t.Fatalf("of before there were groups: %q, %v", u.Groups, err)
	}
	if body, err := record.EncodeUser(&u); err != nil || body != `{"a":{"name":"Ada"}}` {
		t.Errorf("body = %s, %v", body, err)
	}
	u.Groups = []string{"<b>", "staff"}
	body, err := record.EncodeUser(&u)
	if err != nil || !strings.Contains(body, `"g":["<b>","staff"]`) {
		t.Errorf("body = %s, %v", body, err)
	}
	var back user.User
	if err := record.DecodeUser(&back, []byte(body), nil); err != nil || !reflect.DeepEqual(back, u) {
		t.Errorf("read back: %+v, %v", back, err)
	}
	u.Groups[0] = "\xff"
	if _, err := record.EncodeUser(&u); err == nil {
		t.Error("a group that is not UTF-8 was written")
	}
}
