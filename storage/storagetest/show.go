package storagetest

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
	"time"
)

// show renders a record, or a list of them, so that two are equal exactly when their texts are.
// Zero fields are left out, so that nil and empty are the same; unexported fields are not looked at.
func show(v any) string {
	var b strings.Builder
	render(&b, reflect.ValueOf(v))
	return b.String()
}

func render(b *strings.Builder, v reflect.Value) {
	if !v.IsValid() {
		b.WriteString("nil")
		return
	}
	if t, ok := v.Interface().(time.Time); ok {
		renderTime(b, t)
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("nil")
			return
		}
		render(b, v.Elem())
	case reflect.Struct:
		renderStruct(b, v)
	case reflect.Slice:
		if raw, ok := v.Interface().([]byte); ok {
			fmt.Fprintf(b, "%q", raw)
			return
		}
		b.WriteString("[")
		for i := range v.Len() {
			render(b, v.Index(i))
			b.WriteString(" ")
		}
		b.WriteString("]")
	case reflect.Map:
		renderMap(b, v)
	case reflect.String:
		fmt.Fprintf(b, "%q", v.String())
	default:
		fmt.Fprint(b, v.Interface())
	}
}

// renderTime shows the zone too: a store hands out UTC.
func renderTime(b *strings.Builder, t time.Time) {
	b.WriteString(t.Format(time.RFC3339Nano))
	if t.Location() != time.UTC {
		b.WriteString(" in zone " + t.Location().String())
	}
}

func renderStruct(b *strings.Builder, v reflect.Value) {
	b.WriteString(v.Type().Name() + "{")
	for i := range v.NumField() {
		f := v.Field(i)
		if !v.Type().Field(i).IsExported() || hollow(f) {
			continue
		}
		b.WriteString(v.Type().Field(i).Name + ":")
		render(b, f)
		b.WriteString(" ")
	}
	b.WriteString("}")
}

func renderMap(b *strings.Builder, v reflect.Value) {
	lines := make([]string, 0, v.Len())
	for _, k := range v.MapKeys() {
		lines = append(lines, fmt.Sprintf("%q:%q", k, v.MapIndex(k)))
	}
	sort.Strings(lines)
	b.WriteString("{" + strings.Join(lines, " ") + "}")
}

func hollow(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return v.IsZero()
}

// settle makes the times of a record what a store keeps of them: UTC, to the microsecond.
func settle(r any) { walk(reflect.ValueOf(r), settleTime) }

func settleTime(v reflect.Value) {
	if t, ok := v.Interface().(time.Time); ok && !t.IsZero() {
		v.Set(reflect.ValueOf(t.UTC().Truncate(time.Microsecond)))
	}
}

// scribble overwrites everything that a record points to, as a caller may who was given it.
func scribble(r any) { walk(reflect.ValueOf(r), scribbleOn) }

func scribbleOn(v reflect.Value) {
	switch {
	case v.Kind() == reflect.Slice:
		for i := range v.Len() {
			if e := v.Index(i); e.Kind() == reflect.Uint8 {
				e.SetUint(e.Uint() ^ 0xff)
			} else if e.Kind() == reflect.String {
				e.SetString("scribbled")
			} else if e.Kind() == reflect.Struct {
				e.SetZero()
			}
		}
	case v.Kind() == reflect.Map && !v.IsNil():
		v.SetMapIndex(reflect.ValueOf("scribbled"), reflect.ValueOf("on"))
	case v.Kind() == reflect.Pointer && !v.IsNil():
		v.Elem().SetZero()
	}
}

// walk visits every exported field of what r points to, the deepest first.
func walk(v reflect.Value, visit func(reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			walk(v.Elem(), visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), visit)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			break
		}
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				walk(v.Field(i), visit)
			}
		}
	}
	if v.CanSet() {
		visit(v)
	}
}
