package password

// Occupy takes a slot of d, as a hash that runs does, until release is called.
func Occupy(d *Hasher) (release func()) {
	d.slots <- struct{}{}
	return d.leave
}
