package storagetest

import (
	"math"
	"time"

	"github.com/userpool-go/userpool/mfa"
	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/token"
	"github.com/userpool-go/userpool/user"
)

// Values that are easily lost on the way to a database and back.
const odd = "Zoë 🧑‍🚀 'quoted' \"and\" \\ %s ßİı עִבְרִית e\u0301"

var (
	zone   = time.FixedZone("Kathmandu", 5*3600+45*60)
	rough  = time.Date(2026, 2, 27, 23, 59, 59, 123456789, zone)
	ancien = time.Date(1961, 4, 12, 6, 7, 0, 1999, zone)
	epoch  = time.Unix(0, 0)
	large  = int64(math.MaxInt64 - 1)
)

func binary() []byte { return []byte{0, 1, 2, 0, 0xff, 0xfe, '\'', 0} }

// full returns a record of every kind, all fields set.
func full() []any {
	leaf := [32]byte{0, 1, 0xff}
	return []any{
		&storage.Pool{
			ID: "full", Issuer: "https://id.example.com/" + odd,
			Clients: []string{"6ca1ixexample7client2id3xx", odd}, Searchable: []string{"color", odd}, Created: rough,
		},
		&user.User{
			Pool: home, ID: userID(1), Status: user.ForceChangePassword, Disabled: true, Epoch: large,
			Logins: []user.Login{
				{Namespace: user.Name, Value: "ada@example.com", Display: "Ada@Example.com", Rule: 3},
				{Namespace: "idp:google", Value: odd, Display: odd, Rule: 1},
				{Namespace: user.Name, Value: "lovelace", Display: "Lovelace", Rule: 1, Preferred: true},
			},
			Attributes: user.Attributes{"name": odd, "empty": "", odd: "x"},
			Groups:     []string{`"and"\%s`, "'quoted'", "Zoë🚀ßİıq\u0301", "עִבְרִית"},
			Password: &user.Password{
				Hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA", Digest: binary(), Form: user.FormRaw,
				Inner: "$2b$12$abc", Set: ancien, Revision: large,
				Past: []user.Past{{Hash: odd, Digest: binary()}, {Hash: "$argon2id$", Digest: nil}},
			},
			Index: []user.Term{
				{Name: "color", Value: odd},
				{Name: "group", Value: "a"},
				{Name: "group", Value: "b"},
				{Name: "unknown", Value: ""},
			},
			Factors: &user.Factors{
				Apps: []user.App{{ID: odd, Name: odd, Seed: binary(), Created: rough}, {ID: "b"}},
				Passkeys: []mfa.Passkey{{
					ID: binary(), PublicKey: binary(), Model: binary(), Transports: []string{"usb", odd},
					Verified: true, Syncable: true, Synced: true, Count: math.MaxUint32, Name: odd, Created: rough,
				}},
				SMS: rough, Email: ancien, PasskeySecond: true, Preferred: mfa.KindTOTP,
				Recovery: user.Recovery{Codes: [][]byte{binary(), {1}}, Made: rough},
				Devices:  []user.Device{{ID: odd, Name: odd, Agent: odd, Epoch: large, Created: ancien, Expires: rough}},
				Handle:   binary(),
				Lost:     user.Lost{ID: odd, Asked: ancien, Until: rough, Epoch: large},
			},
			EventKey: binary(), Created: rough, Updated: epoch,
		},
		&user.User{
			Pool: home, ID: userID(2), Status: user.Unconfirmed, Epoch: 1,
			Attempt: &user.Attempt{
				Login: user.Login{
					Namespace: user.Name, Value: "bob@example.com",
					Display: "Bob@Example.com", Rule: 3,
				},
				Expires: rough.AddDate(1, 0, 0),
			},
			Created: ancien,
		},
		&user.User{
			Pool: home, ID: userID(4), Status: user.Unconfirmed, Epoch: 1,
			Attempt: &user.Attempt{
				Login: user.Login{Namespace: user.Name, Value: "carol", Display: odd, Rule: 1},
				Address: user.Login{
					Namespace: user.Name, Value: "carol@example.com",
					Display: "Carol@Example.com", Rule: 3,
				},
				Expires: rough.AddDate(1, 0, 0),
			},
			Created: noon,
		},
		&token.Session{
			ID: "full" + odd, Pool: string(home), User: string(userID(1)), Epoch: large, Kind: token.Impersonation,
			Parent: "parent", Client: odd,
			Proofs: []token.Proof{
				{Method: token.MethodPassword, Credential: odd, Revision: large, Channel: "channel", Time: rough},
				{Method: token.MethodEmailCode, Time: ancien},
			},
			Created: rough, LastUsed: rough.AddDate(1, 0, 0), Idle: 36 * time.Hour, Expires: storage.Forever,
			Confirmation: "thumb", Device: "device", Key: binary(), Generation: large, Rotated: epoch,
		},
		&storage.Ticket{
			Pool: home, ID: "full" + odd, User: userID(1), Epoch: large, Client: odd, Purpose: "confirm",
			MAC: binary(), Code: binary(), State: binary(), Created: ancien, Expires: rough.AddDate(1, 0, 0),
		},
		&storage.Document{Pool: home, Kind: odd, ID: odd, Body: binary(), Created: epoch, Updated: ancien},
		&storage.Outgoing{
			Pool: home, ID: "full" + odd, Owner: userID(1), Class: 7, Ticket: "none", Body: binary(), Tries: 9,
			Due: rough, NotAfter: rough.AddDate(1, 0, 0), Created: ancien,
		},
		&storage.Revocation{
			Pool: home, ID: "full" + odd, User: userID(1), Session: odd, Epoch: large,
			Expires: rough,
		},
		&storage.Event{
			Pool: home, ID: "full" + odd, Time: rough, User: userID(1), Kind: odd,
			Header: binary(), Personal: binary(), Leaf: leaf[:],
		},
	}
}

// bare returns a record of every kind with nothing set that may be left out.
func bare() []any {
	return []any{
		&storage.Pool{ID: "bare", Created: noon},
		&user.User{Pool: home, ID: userID(3), Status: user.External, Created: noon},
		&token.Session{
			ID: "bare", Pool: string(home), User: string(userID(3)), Created: noon,
			LastUsed: noon, Expires: storage.Forever,
		},
		&storage.Ticket{Pool: home, ID: "bare", Created: noon, Expires: storage.Forever},
		&storage.Document{Pool: home, Kind: "bare", ID: "bare"},
		&storage.Outgoing{Pool: home, ID: "bare", Owner: userID(3), Due: noon, Created: noon},
		&storage.Revocation{Pool: home, ID: "bare", User: userID(3), Expires: noon},
		&storage.Event{Pool: home, ID: "bare", Time: noon, Leaf: make([]byte, 32)},
	}
}
