package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePEM writes a file as certificates and their keys are kept.
func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A certificate is renewed without a restart; while its files do not go together the former stays.
func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	log, clock, dir := newLogged(), now(), t.TempDir()
	c := &certificate{
		cert: filepath.Join(dir, "cert"), key: filepath.Join(dir, "key"),
		log: newLogger(log), now: func() time.Time { return clock },
	}
	if _, err := c.config(); err == nil {
		t.Error("no files are good enough")
	}
	issue := func(serial int64) (cert, key []byte) {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{SerialNumber: big.NewInt(serial)}
		if cert, err = x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private); err != nil {
			t.Fatal(err)
		}
		key, err = x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	is := func(want int64) {
		t.Helper()
		pair, err := c.get(&tls.ClientHelloInfo{})
		if err != nil || pair.Leaf.SerialNumber.Int64() != want {
			t.Fatalf("the certificate is %v, %v, want %d", pair, err, want)
		}
	}
	first, key := issue(1)
	writePEM(t, c.cert, "CERTIFICATE", first)
	writePEM(t, c.key, "PRIVATE KEY", key)
	is(1)
	second, key := issue(2)
	writePEM(t, c.cert, "CERTIFICATE", second)
	clock = clock.Add(readEvery)
	is(1)
	if !strings.Contains(log.String(), "stays what it was") {
		t.Errorf("nobody hears of it: %s", log)
	}
	writePEM(t, c.key, "PRIVATE KEY", key)
	clock = clock.Add(readEvery - 1)
	is(1)
	clock = clock.Add(1)
	is(2)
}
