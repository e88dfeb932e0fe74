package token

import (
	"strconv"
	"strings"
	"time"
)

// freshness returns how long an answer is good by its Cache-Control (RFC 9111, 5.2.2), within
// bounds: an issuer can neither be asked without end nor have a withdrawn key believed for days.
// Where there are several numbers the least counts, and what cannot be read counts as nothing said.
func freshness(headers []string) time.Duration {
	age := time.Duration(-1)
	for _, h := range headers {
		for directive := range strings.SplitSeq(h, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
			switch strings.ToLower(name) {
			case "no-store", "no-cache":
				return minAge
			case "max-age":
				seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
				if said := time.Duration(seconds) * time.Second; err == nil && (age < 0 || said < age) {
					age = said
				}
			}
		}
	}
	if age < 0 {
		return defaultAge
	}
	return min(max(age, minAge), maxAge)
}
