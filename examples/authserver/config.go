package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/userpool-go/userpool/message"
	"github.com/userpool-go/userpool/message/smtp"
	"github.com/userpool-go/userpool/password"
)

// config is what this process was told, as checked.
type config struct {
	listen, operator string
	issuer           site
	database         string
	migrate          string // "start", "only" or "never"
	keys, operators  string // files
	proxies          []netip.Prefix
	cert, key        string // files; "" means that a proxy ends TLS
	smtp             smtp.Config
	drain, grace     time.Duration
}

// option is one thing that can be set: by a flag or, where there is none, by the environment.
type option struct{ flag, env, standard, text string }

// options are all of them. A password has no flag: arguments are shown to everybody on a machine.
var options = []option{
	{"listen", "LISTEN", "127.0.0.1:8080", "where visitors are served; for a trial, on a loopback address"},
	{"operator", "OPERATOR_ADDR", "127.0.0.1:8081", "where operators are served: on a loopback address, or " +
		"with -tls-cert"},
	{"issuer", "ISSUER", "", "issuer of each pool, with {pool} for its id: 'https://id.example.com/{pool}', " +
		"or 'https://{pool}.example.com'. https is production; if not set, http at -listen, for a trial"},
	{"database", "DATABASE_URL", "authserver.db", "SQLite file, or postgres:// URL; one with a password " +
		"belongs into the environment"},
	{"migrate", "MIGRATE", "start", "when tables are brought up to this version: at each start; only, which " +
		"then ends, for a role of PostgreSQL that may do so; or never, for one that may not"},
	{"keys", "KEYS", "authserver.keys", "file of the keyring, the same on all nodes; made if there is none. " +
		"Back it up, apart from the database"},
	{"operators", "OPERATORS", "authserver.operators", "file of operators: a name and a token of 32 characters " +
		"at least on each line; who is named metrics may ask for /metrics alone; made if there is none"},
	{"proxies", "PROXIES", "", "networks of the proxies whose X-Forwarded-For and -Proto count: " +
		"10.0.0.0/24,10.1.0.7"},
	{"tls-cert", "TLS_CERT", "", "certificate file, where no proxy ends TLS; read anew each minute, as is its key"},
	{"tls-key", "TLS_KEY", "", "key file of that certificate"},
	{"smtp", "SMTP", "", "mail server, as host:port; if not set, mail stays in a mailbox for developers"},
	{"smtp-from", "SMTP_FROM", "", "sender of mails"},
	{"smtp-user", "SMTP_USER", "", "user name at the mail server"},
	{"", "SMTP_PASSWORD", "", "password there"},
	{"smtp-insecure", "SMTP_INSECURE", "", "1 means no TLS; for a mail server on this machine only"},
	{"drain", "DRAIN", "5s", "how long to serve on at SIGTERM after /readyz says no; more than balancers " +
		"take to notice"},
	{"grace", "GRACE", "25s", "how long requests under way, and then mails, have after that"},
}

// usage lists the options. Values that are set are not shown: some are secret.
func usage() string {
	var b strings.Builder
	b.WriteString("Authserver serves user pools. Each flag may be given by the environment, too.\n\n")
	for _, o := range options {
		name := "-" + o.flag + ", "
		if o.flag == "" {
			name = ""
		}
		fmt.Fprintf(&b, "  %s%s\n        %s", name, o.env, o.text)
		if o.standard != "" {
			fmt.Fprintf(&b, " (%s)", o.standard)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// configure reads flags and environment, and returns all that is wrong with them at once.
func configure(args []string, env func(string) string) (config, error) {
	flags := flag.NewFlagSet("authserver", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	given := map[string]string{}
	for _, o := range options {
		given[o.env] = cmp.Or(env(o.env), o.standard)
		if o.flag != "" {
			flags.Func(o.flag, o.text, func(v string) error { given[o.env] = v; return nil })
		}
	}
	if err := flags.Parse(args); err != nil {
		return config{}, err
	}
	if flags.NArg() > 0 {
		return config{}, fmt.Errorf("arguments are flags, and %q is none; see -h", flags.Arg(0))
	}
	c := config{
		listen: given["LISTEN"], operator: given["OPERATOR_ADDR"], database: given["DATABASE_URL"], migrate: given["MIGRATE"],
		keys: given["KEYS"], operators: given["OPERATORS"], cert: given["TLS_CERT"], key: given["TLS_KEY"],
		smtp: smtp.Config{
			Addr: given["SMTP"], From: given["SMTP_FROM"], Username: given["SMTP_USER"],
			Password: password.New(given["SMTP_PASSWORD"]),
		},
	}
	var errs [6]error
	c.issuer, errs[0] = parseSite(cmp.Or(given["ISSUER"], "http://"+c.listen+"/{pool}"))
	c.proxies, errs[1] = parseNetworks(given["PROXIES"])
	c.drain, errs[2] = parseTime("drain", given["DRAIN"])
	c.grace, errs[3] = parseTime("grace", given["GRACE"])
	c.smtp.InsecureNoTLS, errs[4] = parseSwitch("smtp-insecure", given["SMTP_INSECURE"])
	errs[5] = c.check()
	return c, errors.Join(errs[:]...)
}

// check tells what does not go together. What would only show at the first request is said now.
func (c config) check() error {
	var errs []error
	if !slices.Contains([]string{"start", "only", "never"}, c.migrate) {
		errs = append(errs, errors.New("-migrate is start, only or never"))
	}
	if (c.cert == "") != (c.key == "") {
		errs = append(errs, errors.New("-tls-cert and -tls-key go together"))
	}
	if !c.issuer.production() && !onLoopback(c.listen) {
		errs = append(errs, errors.New("an http issuer is a trial, with mailboxes for whoever is on this machine: "+
			"-listen must be a loopback address and a port, such as 127.0.0.1:8080"))
	}
	if c.cert == "" && !onLoopback(c.operator) {
		errs = append(errs, errors.New("-operator must be a loopback address and a port, such as 127.0.0.1:8081: "+
			"anywhere else tokens of operators would travel in the clear; or give -tls-cert"))
	}
	if c.issuer.production() && c.cert == "" && len(c.proxies) == 0 {
		errs = append(errs, errors.New("an https issuer needs -proxies, the networks of what ends TLS in front, "+
			"or -tls-cert"))
	}
	if c.issuer.production() && c.smtp.Addr == "" {
		errs = append(errs, errors.New("an https issuer is production, and needs -smtp: who would get their codes?"))
	}
	return errors.Join(errs...)
}

// sender returns the mail server, or else the mailboxes of a trial, which is all that it sends to.
func (c config) sender() (message.Sender, *mailboxes, error) {
	if c.smtp.Addr == "" {
		boxes := newMailboxes()
		return boxes, boxes, nil
	}
	mail, err := smtp.New(c.smtp)
	return mail, nil, err
}

func parseTime(flag, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > time.Hour {
		return 0, fmt.Errorf("-%s is a time such as 5s, of an hour at most", flag)
	}
	return d, nil
}

func parseSwitch(flag, text string) (bool, error) {
	on, err := strconv.ParseBool(cmp.Or(text, "0"))
	if err != nil {
		return false, fmt.Errorf("-%s is 1 or 0", flag)
	}
	return on, nil
}

// parseNetworks reads networks, and addresses, which are networks of one.
func parseNetworks(text string) (all []netip.Prefix, err error) {
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		network, err := netip.ParsePrefix(word)
		if ip := net.ParseIP(word); err != nil && ip != nil {
			a, _ := netip.AddrFromSlice(ip)
			network, err = a.Unmap().Prefix(a.Unmap().BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("-proxies: %q is no network, such as 10.0.0.0/24", word)
		}
		if network.Bits() == 0 {
			return nil, fmt.Errorf("-proxies: %s is everybody, who could then claim any address", word)
		}
		all = append(all, network)
	}
	return all, nil
}
