package pool

import (
	"context"
	"slices"

	"github.com/userpool-go/userpool/storage"
	"github.com/userpool-go/userpool/user"
)

// RememberedDevices lists the devices that are remembered of a user, the oldest first, as Cognito's
// AdminListDevices does. It fails with [ErrNotFound]. It costs one read.
func (a *Admin) RememberedDevices(ctx context.Context, id user.ID) ([]RememberedDevice, error) {
	if !validID(id) {
		return nil, ErrNotFound
	}
	if err := a.reads(ctx, MayReadUsers); err != nil {
		return nil, err
	}
	f, err := a.find(ctx, user.ByID(id))
	if err != nil {
		return nil, err
	}
	return f.rememberedDevices(f.User, ""), nil
}

// ForgetDevice has a user asked for a second factor on a device again, for one who has lost it, as
// Cognito's AdminForgetDevice does: with all that [Account.ForgetDevice] does. To forget all of them is
// for [Admin.SignOutEverywhere]. It fails with [ErrNotFound]. It costs one read and one commit.
func (a *Admin) ForgetDevice(ctx context.Context, id user.ID, device string) error {
	return a.act(ctx, id, forgetDeviceEvent, MayWriteUsers, func(f *found) ([]storage.Change, error) {
		if _, ok := f.Device(device, f.now); !ok {
			return nil, ErrNotFound
		}
		f.User = f.Clone()
		f.Factors.Devices = slices.DeleteFunc(f.Factors.Devices, func(d user.Device) bool { return d.ID == device })
		f.Updated = f.now
		return []storage.Change{storage.Put(f.User)}, nil
	})
}
