//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"
)

// A node is a file or folder of a file system that passes on all calls, except those that a fault makes fail. It has
// its file open, because other processes may change the path at the same time.
type node struct {
	fs.Inode
	*faults
	file *os.File // opened with O_PATH, except the root; closed by OnForget or by the garbage collector
}

var (
	_ fs.NodeLookuper    = (*node)(nil)
	_ fs.NodeGetattrer   = (*node)(nil)
	_ fs.NodeSetattrer   = (*node)(nil)
	_ fs.NodeOpener      = (*node)(nil)
	_ fs.NodeReaddirer   = (*node)(nil)
	_ fs.NodeCreater     = (*node)(nil)
	_ fs.NodeMkdirer     = (*node)(nil)
	_ fs.NodeUnlinker    = (*node)(nil)
	_ fs.NodeRmdirer     = (*node)(nil)
	_ fs.NodeRenamer     = (*node)(nil)
	_ fs.NodeLinker      = (*node)(nil)
	_ fs.NodeWriter      = (*node)(nil)
	_ fs.NodeReader      = (*node)(nil)
	_ fs.NodeFsyncer     = (*node)(nil)
	_ fs.NodeStatfser    = (*node)(nil)
	_ fs.NodeOnForgetter = (*node)(nil)
)

func (n *node) fd() int { return int(n.file.Fd()) }

// path returns a path that leads to the file whatever its name is now.
func (n *node) path() string { return fmt.Sprintf("/proc/self/fd/%d", n.fd()) }

// OnForget is called when the kernel does not refer to the node any more.
func (n *node) OnForget() { n.file.Close() }

// pass makes a call, and returns its error. A fault can make it fail before the call, which is not made then, or after
// it.
func (n *node) pass(full bool, call func() error) syscall.Errno {
	m := n.strike(full)
	if m.before != 0 {
		return m.before
	}
	if err := call(); err != nil {
		return fs.ToErrno(err)
	}
	return m.after
}

// child returns the node of a name in this folder, and writes its attributes to out.
func (n *node) child(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, error) {
	fd, err := unix.Openat(n.fd(), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	made := &node{faults: n.faults, file: os.NewFile(uintptr(fd), name)}
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return nil, err
	}
	out.FromStat(&st)
	return n.NewInode(ctx, made, fs.StableAttr{Mode: st.Mode & syscall.S_IFMT, Ino: st.Ino, Gen: 1}), nil
}

// Lookup finds a name.
func (n *node) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (found *fs.Inode, errno syscall.Errno) {
	errno = n.pass(false, func() (err error) { found, err = n.child(ctx, name, out); return err })
	return found, errno
}

// Getattr never fails by a fault: the kernel also calls it without a call by a program.
func (n *node) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	var st syscall.Stat_t
	if err := syscall.Fstat(n.fd(), &st); err != nil {
		return fs.ToErrno(err)
	}
	out.FromStat(&st)
	return 0
}

// Setattr sets mode, size and times.
func (n *node) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	errno := n.pass(false, func() error {
		if mode, ok := in.GetMode(); ok {
			if err := unix.Chmod(n.path(), mode); err != nil {
				return err
			}
		}
		if size, ok := in.GetSize(); ok {
			if err := unix.Truncate(n.path(), int64(size)); err != nil { //nolint:gosec // as the kernel's
				return err
			}
		}
		times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Nsec: unix.UTIME_OMIT}}
		if at, ok := in.GetATime(); ok {
			times[0] = unix.NsecToTimespec(at.UnixNano())
		}
		if at, ok := in.GetMTime(); ok {
			times[1] = unix.NsecToTimespec(at.UnixNano())
		}
		return unix.UtimesNanoAt(unix.AT_FDCWD, n.path(), times, 0)
	})
	if errno != 0 {
		return errno
	}
	return n.Getattr(ctx, f, out)
}

// Open opens a file.
func (n *node) Open(_ context.Context, flags uint32) (f fs.FileHandle, _ uint32, errno syscall.Errno) {
	errno = n.pass(false, func() error {
		fd, err := unix.Open(n.path(), int(flags)&^(unix.O_NOFOLLOW|unix.O_CREAT|unix.O_EXCL|unix.O_APPEND), 0)
		if err == nil {
			f = fs.NewLoopbackFile(fd)
		}
		return err
	})
	return f, 0, errno
}

// Readdir lists a folder.
func (n *node) Readdir(context.Context) (s fs.DirStream, errno syscall.Errno) {
	if m := n.strike(false); m.before != 0 {
		return nil, m.before
	}
	return fs.NewLoopbackDirStream(n.path())
}

// Create makes and opens a file.
func (n *node) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (made *fs.Inode, f fs.FileHandle, _ uint32, errno syscall.Errno) {
	errno = n.pass(true, func() error {
		fd, err := unix.Openat(n.fd(), name, int(flags)&^unix.O_APPEND|unix.O_CREAT|unix.O_CLOEXEC, mode)
		if err != nil {
			return err
		}
		f = fs.NewLoopbackFile(fd)
		made, err = n.child(ctx, name, out)
		return err
	})
	return made, f, 0, errno
}

// Mkdir makes a folder.
func (n *node) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (made *fs.Inode, errno syscall.Errno) {
	errno = n.pass(true, func() error {
		err := unix.Mkdirat(n.fd(), name, mode)
		if err == nil {
			made, err = n.child(ctx, name, out)
		}
		return err
	})
	return made, errno
}

// Unlink removes a file's name.
func (n *node) Unlink(_ context.Context, name string) syscall.Errno {
	return n.pass(false, func() error { return unix.Unlinkat(n.fd(), name, 0) })
}

// Rmdir removes an empty folder.
func (n *node) Rmdir(_ context.Context, name string) syscall.Errno {
	return n.pass(false, func() error { return unix.Unlinkat(n.fd(), name, unix.AT_REMOVEDIR) })
}

// Rename moves a name. It never fails after it has had its effect: the kernel would go on with the old names.
func (n *node) Rename(_ context.Context, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	if m := n.strike(true); m.before != 0 {
		return m.before
	}
	return fs.ToErrno(unix.Renameat2(n.fd(), name, to.(*node).fd(), newName, uint(flags)))
}

// Link gives a file another name.
func (n *node) Link(ctx context.Context, target fs.InodeEmbedder, name string, out *fuse.EntryOut) (linked *fs.Inode, errno syscall.Errno) {
	errno = n.pass(true, func() error {
		err := unix.Linkat(unix.AT_FDCWD, target.(*node).path(), n.fd(), name, unix.AT_SYMLINK_FOLLOW)
		if err == nil {
			linked, err = n.child(ctx, name, out)
		}
		return err
	})
	return linked, errno
}

// Write writes to an open file.
func (n *node) Write(ctx context.Context, f fs.FileHandle, data []byte, off int64) (written uint32, errno syscall.Errno) {
	m := n.strike(true)
	if m.before != 0 {
		return 0, m.before
	}
	if written, errno = f.(fs.FileWriter).Write(ctx, data, off); errno == 0 {
		errno = m.after
	}
	return written, errno
}

// Read reads from an open file.
func (n *node) Read(ctx context.Context, f fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	if m := n.strike(false); m.before != 0 {
		return nil, m.before
	}
	return f.(fs.FileReader).Read(ctx, dest, off)
}

// Fsync syncs a file or folder.
func (n *node) Fsync(ctx context.Context, f fs.FileHandle, flags uint32) syscall.Errno {
	m := n.strike(true)
	if m.before != 0 {
		return m.before
	}
	file, ok := f.(fs.FileFsyncer)
	if !ok { // a folder
		return m.after
	}
	if errno := file.Fsync(ctx, flags); errno != 0 {
		return errno
	}
	return m.after
}

// Statfs returns how much space there is.
func (n *node) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	var st syscall.Statfs_t
	if err := syscall.Fstatfs(n.fd(), &st); err != nil {
		return fs.ToErrno(err)
	}
	out.FromStatfsT(&st)
	return 0
}
