package egress_test

import (
	"net/netip"
	"testing"

	"github.com/userpool-go/userpool/internal/egress"
)

func TestS9_Addresses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ what, addresses string }{
		{"public", "8.8.8.8 1.1.1.1 172.15.255.255 172.32.0.0 100.63.255.255 100.128.0.0 192.167.0.1 223.255.255.254"},
		{"public IPv6", "2606:4700::1111 2a00:1450::1 2620:fe::fe 2001:4860:4860::8888 2001:200::1"},
	} {
		for _, a := range fields(t, tt.addresses) {
			if !egress.Public(a) {
				t.Errorf("%s: Public(%s) = false", tt.what, a)
			}
		}
	}
	for _, tt := range []struct{ what, addresses string }{
		{"unspecified", "0.0.0.0 0.1.2.3 ::"},
		{"loopback", "127.0.0.1 127.255.255.254 ::1"},
		{"private", "10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 fc00::1 fd12:3456::1 fec0::1"},
		{"link-local", "169.254.0.1 fe80::1 febf::1 fe80::1%eth0"},
		{"carrier-grade NAT", "100.64.0.1 100.127.255.255"},
		{"metadata", "169.254.169.254 169.254.170.2 192.0.0.192 100.100.100.200 168.63.129.16 fd00:ec2::254 fe80::a9fe:a9fe"},
		{"mapped IPv4", "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:8.8.8.8"},
		{"compatible IPv4", "::127.0.0.1 ::8.8.8.8"},
		{"NAT64", "64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::808:808 64:ff9b:1::a00:1"},
		{"6to4 and Teredo", "2002:7f00:1:: 2002:a00:1::1 2001::1 192.88.99.1"},
		{"documentation and benchmarks", "192.0.2.1 198.51.100.1 203.0.113.1 198.18.0.1 198.19.255.255 2001:db8::1 3fff::1 2001:2::1"},
		{"multicast, reserved, broadcast", "224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 ff02::1 ff0e::1"},
		{"elsewhere in IPv6", "100::1 5f00::1 1000::1 4000::1 e000::1"},
		{"a zone on a public one", "2606:4700::1111%eth0"},
	} {
		for _, a := range fields(t, tt.addresses) {
			if egress.Public(a) {
				t.Errorf("%s: Public(%s) = true", tt.what, a)
			}
		}
	}
	if egress.Public(netip.Addr{}) {
		t.Error("Public of no address = true")
	}
}
