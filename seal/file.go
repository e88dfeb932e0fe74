package seal

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// maxFile bounds a key file; a thousand keys fit.
const maxFile = 64 << 10

const fileHead = "# Keys of a user pool: the first seals, all open. Keep this file secret, safe, and apart from the\n" +
	"# database: without it the sealed values are lost, with it and the database they are readable.\n"

// File returns the ring in the file at path. Where there is none it makes one, with a new key and
// mode 0600; processes that start at once all get the same key. It refuses a file that other users
// may read or write, and one that is empty or garbled: to go on with a new key would lose whatever
// the old one sealed.
//
// Each line is a key id, a space and 32 bytes as base64; empty lines and those that begin with "#"
// mean nothing. To rotate, add a new line last on every node and restart them, and only then move it
// first: a node that does not have the key yet cannot open what the others seal with it.
func File(path string) (*Keyring, error) {
	ring, err := readFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return ring, err
	}
	if err := createFile(path, Generate()); err != nil {
		return nil, fmt.Errorf("seal: create key file: %w", err)
	}
	return readFile(path)
}

func readFile(path string) (*Keyring, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("seal: open key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat() // of what is open, not of what may have taken its name since
	switch {
	case err != nil:
		return nil, fmt.Errorf("seal: key file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("seal: key file %s is not a regular file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("seal: key file %s has mode %04o, so others may use it: chmod 600 it", path, info.Mode().Perm())
	case info.Size() > maxFile:
		return nil, fmt.Errorf("seal: key file %s is larger than %d bytes", path, maxFile)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile))
	if err != nil {
		return nil, fmt.Errorf("seal: read key file: %w", err)
	}
	keys, err := parseFile(text)
	if err != nil {
		return nil, fmt.Errorf("seal: key file %s: %w", path, err)
	}
	ring, err := New(keys...)
	if err != nil {
		return nil, fmt.Errorf("seal: key file %s: %w", path, err)
	}
	return ring, nil
}

// parseFile names lines by number and never by content: a garbled line may be half a secret.
func parseFile(text []byte) ([]Key, error) {
	var keys []Key
	number := 0
	for line := range bytes.Lines(text) {
		number++
		s := strings.TrimSpace(string(line))
		if s == "" || s[0] == '#' {
			continue
		}
		id, secret, _ := strings.Cut(s, " ")
		b, err := base64.StdEncoding.Strict().DecodeString(secret)
		if err != nil || len(b) != 32 || !validID(id) {
			return nil, fmt.Errorf("line %d is not a key id and 32 bytes in base64", number)
		}
		keys = append(keys, Key{ID: id, Secret: [32]byte(b)})
	}
	if len(keys) == 0 {
		return nil, errors.New("it holds no key: restore it from a backup, or delete it if nothing was sealed with it")
	}
	return keys, nil
}

// createFile writes a whole file under another name and links it into place. Where another process
// was first the link fails and its file stands, which is as good.
func createFile(path string, k Key) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = fmt.Fprintf(tmp, "%s%s %s\n", fileHead, k.ID, base64.StdEncoding.EncodeToString(k.Secret[:]))
	if err == nil {
		err = tmp.Sync()
	}
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the new name last: a key that is gone after a power cut takes with it all that was
// sealed meanwhile.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && runtime.GOOS != "windows" {
		return err
	}
	return nil
}
