package user

import (
	"errors"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// ErrGroup means that a text is no name of a group, or that somebody cannot be in so many.
var ErrGroup = errors.New("user: not a group that a user can be in")

// MaxGroups is how many groups a user is in at most, as in Cognito.
const MaxGroups = 100

const (
	maxGroupName = 128 // code points, as in Cognito
	// maxGroups bounds all names, in bytes as [User.Size] counts them: the other half is for the
	// rest of the user.
	maxGroups = 16 << 10
)

// groupRunes are what a group's name is made of in Cognito, [\p{L}\p{M}\p{S}\p{N}\p{P}]+: no
// blanks, and nothing that only steers how the rest is shown.
var groupRunes = []*unicode.RangeTable{unicode.L, unicode.M, unicode.S, unicode.N, unicode.P}

// ValidGroup reports whether a group can have this name: 1 to 128 code points, each of them a
// letter, mark, symbol, number or punctuation, in Unicode's normal form C, so that a name has one
// spelling. Names are compared by their bytes: letter case counts, and one that looks like another
// is another.
func ValidGroup(name string) bool {
	if name == "" || len(name) > maxGroupName*utf8.UTFMax || !utf8.ValidString(name) {
		return false
	}
	for _, r := range name {
		if !unicode.In(r, groupRunes...) {
			return false
		}
	}
	return utf8.RuneCountInString(name) <= maxGroupName && norm.NFC.IsNormalString(name)
}

// CheckGroups returns why a user cannot have these Groups, as an [ErrGroup]: at most 100 and 16 KiB,
// counted as in [User.Size], valid, sorted by their bytes, and each once.
func CheckGroups(names []string) error {
	if len(names) > MaxGroups {
		return fmt.Errorf("%w: %d groups, at most %d", ErrGroup, len(names), MaxGroups)
	}
	for i, name := range names {
		if !ValidGroup(name) {
			return fmt.Errorf("%w: %.40q is not a group's name", ErrGroup, name)
		}
		if i > 0 && names[i-1] >= name {
			return fmt.Errorf("%w: groups are sorted, and stand once", ErrGroup)
		}
	}
	if size := sizeOf(names); size > maxGroups {
		return fmt.Errorf("%w: groups of %d bytes, at most %d", ErrGroup, size, maxGroups)
	}
	return nil
}

// Join puts u into a group; in it already, nothing changes. It fails with [ErrGroup], and then
// nothing changes either. That a pool has the group is not asked.
func (u *User) Join(group string) error {
	i, in := slices.BinarySearch(u.Groups, group)
	if in {
		return nil
	}
	groups := slices.Insert(slices.Clone(u.Groups), i, group)
	if err := CheckGroups(groups); err != nil {
		return err
	}
	u.Groups = groups
	return nil
}

// Leave takes u out of a group; where u is not in it, nothing changes.
func (u *User) Leave(group string) {
	if i, in := slices.BinarySearch(u.Groups, group); in {
		u.Groups = slices.Delete(slices.Clone(u.Groups), i, i+1)
	}
	if len(u.Groups) == 0 {
		u.Groups = nil
	}
}
