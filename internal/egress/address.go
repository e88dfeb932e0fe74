package egress

import (
	"net/netip"
	"slices"
)

// special are the addresses within the unicast space that lead somewhere else than to a public host
// (IANA's registries of special-purpose addresses, RFC 6890), or to a cloud's own services.
var special = prefixes(
	"0.0.0.0/8",        // this network
	"10.0.0.0/8",       // private
	"100.64.0.0/10",    // shared by a carrier's customers; Alibaba's metadata, 100.100.100.200
	"127.0.0.0/8",      // loopback
	"168.63.129.16/32", // Azure's host
	"169.254.0.0/16",   // link-local; metadata of most clouds, 169.254.169.254
	"172.16.0.0/12",    // private
	"192.0.0.0/24",     // protocol assignments; Oracle's metadata, 192.0.0.192
	"192.0.2.0/24",     // documentation
	"192.88.99.0/24",   // relays of 6to4
	"192.168.0.0/16",   // private
	"198.18.0.0/15",    // benchmarks
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/3",      // multicast, reserved, broadcast

	"2001::/23",     // protocol assignments, among them Teredo, which carries an IPv4 address
	"2001:db8::/32", // documentation
	"2002::/16",     // 6to4, which carries an IPv4 address
	"3fff::/20",     // documentation
)

// unicast6 is all of IPv6 that public hosts have. Outside it are loopback, IPv4 in other clothes
// (mapped, NAT64), link-local and unique local addresses (AWS's metadata, fd00:ec2::254), multicast.
var unicast6 = netip.MustParsePrefix("2000::/3")

// Public reports whether a is the address of a host on the public internet.
func Public(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" || a.Is6() && !unicast6.Contains(a) {
		return false
	}
	return !within(special, a)
}

func within(list []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(list, func(p netip.Prefix) bool { return p.Contains(a) })
}

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, s := range texts {
		list[i] = netip.MustParsePrefix(s)
	}
	return list
}
