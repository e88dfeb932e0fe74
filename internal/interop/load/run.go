package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/userpool-go/userpool/internal/postgrestest"
	"github.com/userpool-go/userpool/seal"
)

// serverSettings are those of a small server in production: its commits reach the disk.
var serverSettings = []string{
	"shared_buffers=4GB", "effective_cache_size=12GB", "max_wal_size=8GB", "checkpoint_timeout=15min", "random_page_cost=1.1",
}

// run fills each store with each number of users and measures all operations on it.
func (f *flags) run(ctx context.Context, args []string, out io.Writer) (err error) {
	dir := f.dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "userpool-load-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	ring, err := seal.File(filepath.Join(dir, "keys"))
	if err != nil {
		return err
	}
	p := printer{text: out}
	if f.out != "" {
		file, err := os.Create(f.out)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		p.lines = file
	}
	if slices.Contains(f.stores, "postgres") && f.postgres == "" {
		kept := ""
		if f.dir != "" {
			kept = filepath.Join(dir, "postgres")
		}
		url, stop, err := postgrestest.Start(kept, serverSettings...)
		if err != nil {
			return err
		}
		defer stop()
		f.postgres = url
	}
	about, err := f.about(ctx, args)
	if err != nil {
		return err
	}
	if err := p.write(line{Run: about}); err != nil {
		return err
	}
	for _, store := range f.stores {
		for _, users := range f.users {
			if err := f.load(ctx, p, store, dir, ring, users); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f *flags) about(ctx context.Context, args []string) (*runLine, error) {
	r := &runLine{
		Date: time.Now().UTC().Format(time.DateOnly), Command: commandLine(args), Processor: machine(), Processors: runtime.NumCPU(),
		Memory: installed(), Busy: busy(), Go: runtime.Version(),
	}
	var err error
	if slices.Contains(f.stores, "sqlite") {
		r.SQLite, err = versionOfSQLite(ctx)
	}
	if f.postgres != "" && err == nil {
		r.Postgres, err = versionOfPostgres(ctx, f.postgres)
	}
	return r, err
}

// load measures all operations on one store with so many users.
func (f *flags) load(ctx context.Context, p printer, store, dir string, ring *seal.Keyring, users int) (err error) {
	var t *target
	switch store {
	case "memory":
		t, err = openMemory(ctx, ring, users)
	case "sqlite":
		t, err = openSQLite(ctx, dir, ring, users)
	default:
		t, err = openPostgres(ctx, f.postgres, ring, users)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	dear, light, err := attend(ctx, t.store, ring)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, light.Close(ctx), dear.Close(ctx)) }()
	w, err := newWorkload(ctx, t, users, dear, light, slices.Max(f.callers))
	if err != nil {
		return err
	}
	if err := w.rest(ctx, min(2*time.Second, 20*f.window)); err != nil {
		return err
	}
	size := &sizeLine{
		Store: store, Users: users, Disk: t.disk, Heap: t.heap, Filling: t.filling.Seconds(), Resident: resident(), Server: t.resident(),
		Idle: float64(w.idle.self+w.idle.server) / float64(w.idle.wall),
	}
	if err := p.write(line{Size: size}); err != nil {
		return err
	}
	for _, o := range w.operations() {
		for _, callers := range f.callers {
			if !f.wants(o) {
				continue
			}
			ours, bare, err := w.measure(ctx, o, callers, f)
			if err != nil {
				return err
			}
			one := &figure{Store: store, Users: users, Name: o.name, Callers: callers, Ours: newSide(ours), Bare: newSide(bare)}
			if err := p.write(line{Figure: one}); err != nil {
				return err
			}
		}
	}
	return nil
}
