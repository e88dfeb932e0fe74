package storagetest

import (
	"fmt"
	"slices"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

var listRules = []contract{
	{
		"Lists/Where",
		"the index finds users by equality and by prefix, comparing bytes, in the order of " +
			"value, then id",
		listWhere,
	},
	{
		"Lists/Logins",
		"owned logins find users by equality and by prefix, each user once, and unproven sign-ups not at all",
		listLogins,
	},
	{
		"Lists/NotReady",
		"a name that is not among the pool's Searchable is ErrNotReady, except group and login",
		listNotReady,
	},
	{
		"Lists/Filters",
		"status, disabled and times of creation narrow a list",
		listFilters,
	},
	{
		"Lists/LongWay",
		"a page may be short or empty and still have a Next, and the list ends with all that " +
			"it has",
		listLongWay,
	},
	{
		"Lists/Whole",
		"a list hands out whole users, that may be put again",
		listWhole,
	},
}

// users lists all users that q finds, however many pages it takes.
func (s *scene) users(q storage.UserQuery) []string {
	s.Helper()
	return s.rest(list{name: "users", page: userPages(q)}, "", 100)
}

// where finds the users who have a term.
func where(name, value string) storage.UserQuery {
	return storage.UserQuery{Where: &storage.Where{Name: name, Value: value}}
}

func colored(n int, values ...string) *user.User {
	u := person(n)
	for _, v := range values {
		u.Index = append(u.Index, user.Term{Name: "color", Value: v})
	}
	return u
}

func listWhere(s *scene) {
	s.put(colored(1, "red"), colored(2, "Red"), colored(3, "re"), colored(4, "red"), colored(5, "redder"),
		colored(6, "réd"), colored(7, ""), colored(8, "re%"), colored(9, "re\U0010ffff"),
		colored(10, "blue", "green"), person(11), colored(12, "rf", "rE", "r", "q"), colored(13, "rÿ"),
		colored(14, "rÿx"), colored(15, "rĀ"), colored(16, "\U0010ffff"), colored(17, "\U0010ffffx"))
	for _, c := range []struct {
		value  string
		prefix bool
		want   []int
	}{
		{"red", false, []int{1, 4}},
		{"re", false, []int{3}},
		{"Red", false, []int{2}},
		{"réd", false, []int{6}},
		{"redd", false, nil},
		{"", false, []int{7}},
		{"re_", false, nil},
		{"green", false, []int{10}},
		{"re", true, []int{3, 8, 1, 4, 5, 9}},
		{"red", true, []int{1, 4, 5}},
		{"re%", true, []int{8}},
		{"r", true, []int{12, 12, 3, 8, 1, 4, 5, 9, 12, 6, 13, 14, 15}},
		{"r", false, []int{12}},
		{"rÿ", true, []int{13, 14}},
		{"rÿ", false, []int{13}},
		{"\U0010ffff", true, []int{16, 17}},
		{"x", true, nil},
		{"re\U0010ffff", true, []int{9}},
		{"b", true, []int{10}},
	} {
		got := s.users(storage.UserQuery{Where: &storage.Where{Name: "color", Value: c.value, Prefix: c.prefix}})
		s.same(fmt.Sprintf("color %q, prefix %t", c.value, c.prefix), got, ids(c.want))
	}
	u := s.user(userID(1))
	u.Index = []user.Term{{Name: "color", Value: "blue"}}
	s.put(u)
	s.same("red after one changed", s.users(where("color", "red")), ids([]int{4}))
	s.same("blue after one changed", s.users(where("color", "blue")), ids([]int{1, 10}))
}

func listLogins(s *scene) {
	elsewhere := person(7, "zoe")
	elsewhere.Logins = append(elsewhere.Logins, user.Login{Namespace: "idp:x", Value: "ada-there"})
	s.put(person(1, "ada", "ada@example.com", "+1555"), person(2, "bob", "adam@example.com"), person(3, "Ada"),
		person(4, "ad"), person(5, "adé", "adà"), person(6, "ada%"), elsewhere, attempt(8, "adams"))
	for _, c := range []struct {
		value  string
		prefix bool
		want   []int
	}{
		{"ada", false, []int{1}},
		{"ada@example.com", false, []int{1}},
		{"adam@example.com", false, []int{2}},
		{"Ada", false, []int{3}},
		{"adams", false, nil},
		{"ada-there", false, nil},
		{"adam", false, nil},
		{"", false, nil},
		{"ad", true, []int{4, 1, 6, 2, 5}},
		{"ada@", true, []int{1}},
		{"adam", true, []int{2}},
		{"ada%", true, []int{6}},
		{"ad\U0010ffff", true, nil},
		{"+", true, []int{1}},
		{"", true, []int{1, 3, 4, 6, 2, 5, 7}},
	} {
		q := storage.UserQuery{Where: &storage.Where{Name: storage.LoginTerm, Value: c.value, Prefix: c.prefix}}
		s.same(fmt.Sprintf("login %q, prefix %t", c.value, c.prefix), s.users(q), ids(c.want))
		for limit := 1; limit <= 3; limit++ {
			got := s.rest(list{name: "logins", page: userPages(q)}, "", limit)
			s.same(fmt.Sprintf("login %q, prefix %t, by %d", c.value, c.prefix, limit), got, ids(c.want))
		}
	}
	u := s.user(userID(1))
	u.Logins = u.Logins[1:2]
	s.put(u)
	s.same("a login given up", s.users(where(storage.LoginTerm, "ada")), ids(nil))
	s.same("one that was kept", s.users(where(storage.LoginTerm, "ada@example.com")), ids([]int{1}))
	s.commit(storage.Delete(s.user(userID(1))))
	s.same("one of a user who is gone", s.users(where(storage.LoginTerm, "ada@example.com")), ids(nil))
	off := true
	s.same("the disabled ones", s.users(storage.UserQuery{
		Disabled: &off, Where: &storage.Where{Name: storage.LoginTerm, Value: "ad", Prefix: true},
	}), ids(nil))
}

// ids returns user ids by their numbers.
func ids(numbers []int) []string {
	var out []string
	for _, n := range numbers {
		out = append(out, string(userID(n)))
	}
	return out
}

func listNotReady(s *scene) {
	u := person(1)
	u.Index = []user.Term{{Name: "later", Value: "x"}, {Name: storage.GroupTerm, Value: "g"}}
	s.put(u)
	later := storage.UserQuery{Now: noon, Where: &storage.Where{Name: "later", Value: "x"}}
	_, err := s.st.Users(s.ctx, home, later)
	s.is("a list by a name that the pool does not have", err, storage.ErrNotReady)
	s.same("a list by group", s.users(where(storage.GroupTerm, "g")), ids([]int{1}))
	p := s.stored(pool(home)).(*storage.Pool)
	p.Searchable = append(p.Searchable, "later")
	s.put(p)
	s.same("a list by a name that the pool has now", s.users(later), ids([]int{1}))
	long := string(make([]byte, storage.MaxTerm+1))
	_, err = s.st.Users(s.ctx, home, storage.UserQuery{
		Now:   noon,
		Where: &storage.Where{Name: "color", Value: long},
	})
	s.is("a list by a value longer than MaxTerm", err, storage.ErrInvalid)
}

func listFilters(s *scene) {
	yes, no := true, false
	off, reset := colored(2, "red"), colored(3, "red")
	off.Disabled = true
	reset.Status = user.ResetRequired
	try := attempt(4, bob)
	try.Index = []user.Term{{Name: "color", Value: "red"}}
	s.put(colored(1, "red"), off, reset, try)
	for _, where := range []*storage.Where{nil, {Name: "color", Value: "red"}} {
		for name, c := range map[string]struct {
			q    storage.UserQuery
			want []int
		}{
			"nothing":         {storage.UserQuery{}, []int{1, 2, 3, 4}},
			"status":          {storage.UserQuery{Status: user.ResetRequired}, []int{3}},
			"unconfirmed":     {storage.UserQuery{Status: user.Unconfirmed}, []int{4}},
			"external":        {storage.UserQuery{Status: user.External}, nil},
			"disabled":        {storage.UserQuery{Disabled: &yes}, []int{2}},
			"not disabled":    {storage.UserQuery{Disabled: &no}, []int{1, 3, 4}},
			"created from":    {storage.UserQuery{CreatedMin: at(2)}, []int{2, 3, 4}},
			"created before":  {storage.UserQuery{CreatedMax: at(3)}, []int{1, 2}},
			"created between": {storage.UserQuery{CreatedMin: at(2), CreatedMax: at(4)}, []int{2, 3}},
			"several": {storage.UserQuery{
				CreatedMin: at(2), Disabled: &no,
				Status: user.Unconfirmed,
			}, []int{4}},
			"by id, status":      {storage.UserQuery{Order: storage.ByID, Status: user.Confirmed}, []int{1, 2}},
			"by id, and created": {storage.UserQuery{Order: storage.ByID, CreatedMin: at(3)}, []int{3, 4}},
		} {
			c.q.Where = where
			s.same(fmt.Sprintf("narrowed by %s, where %v", name, where), s.users(c.q), ids(c.want))
		}
	}
}

// listLongWay looks for two users among more than one page may examine.
func listLongWay(s *scene) {
	const n = storage.Examined + 200
	for from := 0; from < n; from += 100 {
		var rs []any
		for i := from; i < from+100; i++ {
			u := colored(i, "red")
			u.Disabled = i == 5 || i == n-1
			rs = append(rs, u)
		}
		s.put(rs...)
	}
	yes := true
	for _, q := range []storage.UserQuery{
		{Disabled: &yes},
		{Disabled: &yes, Order: storage.ByID},
		{Disabled: &yes, Where: &storage.Where{Name: "color", Value: "red"}},
	} {
		for _, limit := range []int{1, 2, 100} {
			got := s.rest(list{name: "disabled users", page: userPages(q)}, "", limit)
			s.same(fmt.Sprintf("two of %d users, by %d", n, limit), got, ids([]int{5, n - 1}))
		}
	}
	page, err := s.st.Users(s.ctx, home, storage.UserQuery{Now: noon})
	if err != nil || len(page.Users) > storage.MaxPage || page.Next == "" {
		s.Errorf("a page of %d users of %d, next %q, %v: want %d at the most", len(page.Users), n,
			page.Next, err, storage.MaxPage)
	}
	if got := s.users(storage.UserQuery{Order: storage.ByID}); len(got) != n || !slices.IsSorted(got) {
		s.Errorf("the list of all has %d users, want %d in order", len(got), n)
	}
}

func listWhole(s *scene) {
	for _, r := range full()[1:3] {
		s.put(r)
	}
	for _, order := range []storage.Order{storage.ByCreated, storage.ByID} {
		page, err := s.st.Users(s.ctx, home, storage.UserQuery{Now: noon, Order: order})
		if err != nil || len(page.Users) != 2 {
			s.Fatalf("users: %d, %v", len(page.Users), err)
		}
		for _, u := range page.Users {
			s.same("a user of the list", u, s.user(u.ID))
			s.checkLoaded(u)
			s.put(u)
		}
	}
}
