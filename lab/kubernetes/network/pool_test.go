package network

import (
	"net/netip"
	"testing"
)

func take(t *testing.T, pool *Pool) string {
	t.Helper()
	address, err := pool.Take()
	if err != nil {
		t.Fatal(err)
	}
	return address.String()
}

func TestPool(t *testing.T) {
	pool := &Pool{}
	if _, err := pool.Take(); err == nil || pool.Ready() {
		t.Fatal("an address without a range")
	}
	pool.SetCIDR(netip.MustParsePrefix("10.1.128.0/29")) // .2 to .6 are free
	first := take(t, pool)
	if first != "10.1.128.2" {
		t.Errorf("first address %s", first)
	}
	pool.Release(netip.MustParseAddr(first))
	for _, want := range []string{"10.1.128.3", "10.1.128.4", "10.1.128.5", "10.1.128.6", first} {
		if got := take(t, pool); got != want {
			t.Errorf("got %s, want %s: an address given back is the last to be given out again", got, want)
		}
	}
	if address, err := pool.Take(); err == nil {
		t.Errorf("%s from a full range", address)
	}
}

func TestPoolReserve(t *testing.T) {
	pool := &Pool{}
	pool.SetCIDR(netip.MustParsePrefix("10.1.128.0/24"))
	pool.Reserve(netip.MustParseAddr("10.1.128.254"))
	if got := take(t, pool); got != "10.1.128.2" {
		t.Errorf("got %s: the range goes on at its start", got)
	}
}
