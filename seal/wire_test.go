package seal_test

// Made by a Python program with hmac and hashlib for HKDF, and XChaCha20-Poly1305 from HChaCha20 and
// the ChaCha20-Poly1305 of OpenSSL: key "a" of 32 bytes 0x01, nonce 0, 1, ... 23.
const (
	wireMAC  = "010161f4e1204ccfe931e6f1ddd197426e55cfac1a18a834c8d75331d75a47ded05e84"
	wireBlob = "010161000102030405060708090a0b0c0d0e0f1011121314151617" +
		"31d5358e24ca74ffea16d141252b0c7ecb64b6d9"
)
