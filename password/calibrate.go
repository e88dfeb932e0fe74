package password

import "time"

// maxCalibrated is the most memory that Calibrate gives a hash, in KiB: RFC 9106 recommends it where
// memory is scarce, and a server holds as much for each of its cores.
const maxCalibrated = 64 << 10

// Calibrate returns the parameters under which a hash takes about target on this machine, by a
// clock that is time.Now but in tests. It hashes three times at the default parameters, so it wants
// an idle machine; call it once, and put what it returns into a setting. More memory comes before
// more passes, up to 64 MiB and 10 passes. It never returns less than [Default].
func Calibrate(target time.Duration, now func() time.Time) Params {
	p := Default()
	h := Hash{Scheme: Argon2id, Params: p, Salt: make([]byte, 16), Digest: make([]byte, 32)}
	fastest := time.Duration(0)
	for range 3 {
		start := now()
		h.run("calibrate")
		if took := now().Sub(start); fastest == 0 || took < fastest {
			fastest = took
		}
	}
	if fastest <= 0 || target <= fastest {
		return p
	}
	// The time of a hash grows with its memory and with its passes.
	work := float64(target) / float64(fastest) * float64(cost(p))
	memory := min(work/float64(p.Time), maxCalibrated)
	p.Memory = uint32(memory) &^ 1023 // whole MiB
	p.Time = uint32(min(max(work/float64(p.Memory), float64(p.Time)), maxTime))
	return p
}
