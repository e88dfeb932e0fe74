package postgrestest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Start starts a server for a program that is no test, and returns its URL and what stops it. It is on
// the data in a folder of that name, which it makes where there is none and leaves there; everybody
// must be let into the folder above. "" means one that goes when the server is stopped. Settings are
// as [NewServer] takes them, but nothing is switched off that keeps what was committed.
func Start(dir string, settings ...string) (url string, stop func(), err error) {
	c, err := newCluster(settings...)
	if err != nil {
		return "", nil, err
	}
	if dir != "" {
		os.RemoveAll(c.dir)
		if c.dir, err = filepath.Abs(dir); err != nil {
			return "", nil, err
		}
		if err := errors.Join(os.MkdirAll(c.dir, 0o700), give(c.dir)); err != nil {
			return "", nil, err
		}
	}
	end := c.remove
	if dir != "" {
		end = c.stop
	}
	if _, e := os.Stat(filepath.Join(c.data(), "PG_VERSION")); errors.Is(e, fs.ErrNotExist) {
		err = c.create()
	}
	if err == nil {
		err = c.start()
	}
	if err != nil {
		end()
		return "", nil, err
	}
	return c.url(), end, nil
}
