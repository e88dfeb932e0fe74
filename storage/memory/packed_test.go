package memory_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/userpool-go/userpool/storage/memory"
	"github.com/userpool-go/userpool/user"
)

// TestPacked: a row holds every field of a user, those included that did not exist when this was
// written.
func TestPacked(t *testing.T) {
	t.Parallel()
	whole := new(user.User)
	n := 0
	fill(t, reflect.ValueOf(whole).Elem(), &n)
	for name, u := range map[string]*user.User{
		"every field": whole,
		"no field":    {},
		"extremes": {
			Version: 1<<63 - 1, Epoch: -1 << 63, Created: time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC),
			Updated: time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		},
		"a person":   member(1),
		"an attempt": attempt("a", "ada", 0),
	} {
		got := memory.Unpack(memory.Pack(u))
		u.MarkLoaded()
		if !reflect.DeepEqual(got, u) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, u)
		}
	}
}

// fill gives every exported field below v a value of its own.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(string(rune('a'+*n%26)) + "\x00\xff")
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8, reflect.Uint32:
		v.SetUint(uint64(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), n)
		fill(t, v.Index(1), n)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			fill(t, key, n)
			fill(t, value, n)
			v.SetMapIndex(key, value)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(at(time.Duration(*n) * time.Microsecond)))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(t, v.Field(i), n)
			}
		}
	default:
		t.Fatalf("a user has a %s: teach the row and this test to hold it", v.Type())
	}
}
